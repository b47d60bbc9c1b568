//! Schemas as data: those that are recorded beside the tables they made, and those of tests.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::schema::{Field, Kind, Schema};

/// A schema that is not known when the program is compiled, in the JSON of a [`Schema`].
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaSpec {
    /// The collection's name.
    pub collection: String,
    /// The fields.
    pub fields: Vec<FieldSpec>,
    /// The position of the id among the fields.
    pub id: usize,
}

/// A field of it.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// The name, as in JSON.
    pub name: String,
    /// The kind of its values.
    pub kind: KindSpec,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether no two documents may have the same value.
    pub unique: bool,
    /// Whether an index helps to find documents by it.
    pub index: bool,
}

/// The kind of a field.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindSpec {
    /// As [`Kind::Bool`], and so on.
    Bool,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `u32`
    U32,
    /// `f64`
    F64,
    /// `String`
    Text,
    /// `Uuid`
    Uuid,
    /// `Timestamp`
    Timestamp,
    /// `Bytes`
    Bytes,
    /// `Json`
    Json,
    /// The names of the variants.
    Enumeration(Vec<String>),
}

impl SchemaSpec {
    /// Returns the schema, which lives as long as the process, as those of types do: ask once.
    #[doc(hidden)]
    #[must_use]
    pub fn schema(&self) -> &'static Schema {
        let fields = self.fields.iter().map(|field| Field {
            name: leaked(&field.name),
            kind: field.kind.kind(),
            nullable: field.nullable,
            unique: field.unique,
            index: field.index,
        });
        let fields = Box::leak(fields.collect::<Box<[_]>>());
        Box::leak(Box::new(Schema { collection: leaked(&self.collection), fields, id: self.id }))
    }
}

impl KindSpec {
    fn kind(&self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::I32 => Kind::I32,
            Self::I64 => Kind::I64,
            Self::U32 => Kind::U32,
            Self::F64 => Kind::F64,
            Self::Text => Kind::Text,
            Self::Uuid => Kind::Uuid,
            Self::Timestamp => Kind::Timestamp,
            Self::Bytes => Kind::Bytes,
            Self::Json => Kind::Json,
            Self::Enumeration(names) => {
                let names = names.iter().map(|name| leaked(name)).collect::<Box<[_]>>();
                Kind::Enumeration(Box::leak(names))
            }
        }
    }
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.into())
}
