//! What a collection's documents look like: fields in order, each with its kind. Data, not traits.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Index;

use serde::{Serialize, Serializer};

use crate::fields::Fields;
use crate::rejection::{Rejection, code};
use crate::value::Value;

pub(crate) use check::is_same;

mod check;

/// The fields of a collection's documents.
///
/// `#[derive(Document)]` makes it; it makes the table, checks input, and types the JavaScript side.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// assert_eq!((Note::SCHEMA.collection, Note::SCHEMA.fields.len()), ("notes", 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// The collection's name.
    pub collection: &'static str,
    /// The fields, in the order of a row's values.
    pub fields: &'static [Field],
    /// The position of the id among the fields.
    pub id: usize,
}

/// One field of a [`Schema`].
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let done = Note::SCHEMA.fields[2];
/// assert_eq!((done.name, done.kind, done.nullable), ("done", Kind::Bool, true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The name, as in JSON.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether no two documents may have the same value (nulls aside). Implies an index.
    pub unique: bool,
    /// Whether an index helps to find documents by it.
    pub index: bool,
}

/// What a field's values are.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// assert_eq!(Note::SCHEMA.fields[0].kind, Kind::I64);
/// assert_eq!(Kind::Enumeration(&["red", "green"]).to_string(), "one of red, green");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// `bool`
    Bool,
    /// `i32`
    I32,
    /// `i64`; crosses to JavaScript exactly or as an error
    I64,
    /// `u32`
    U32,
    /// `f64`, finite
    F64,
    /// `String`, without U+0000
    Text,
    /// `Uuid`; lower-case text in JSON
    Uuid,
    /// `Timestamp`; `2016-09-26T20:32:46.588Z` in JSON
    Timestamp,
    /// `Bytes`; base64 text in JSON
    Bytes,
    /// `Json`
    Json,
    /// A unit enum: the names of its variants
    Enumeration(&'static [&'static str]),
}

/// The most characters of text in an id, an indexed or a unique field: what the index of every
/// database can hold (MySQL 3,072 bytes, PostgreSQL 2,704, four a character).
pub const KEY_CHARACTERS_MAX: usize = 512;

/// The most bytes in an indexed or a unique field of bytes, for the same reason.
pub const KEY_BYTES_MAX: usize = 2048;

/// The most fields that a document has. MySQL keeps at least 40 bytes of each in a page of 8 KiB.
pub const FIELDS_MAX: usize = 128;

/// The most fields with an index: the id, and those that are indexed or unique. MySQL takes rows
/// of 64 KiB, of which each text with an index takes 2 KiB.
pub const KEYS_MAX: usize = 24;

/// How many characters of a text count where documents are ordered by it. MySQL sorts by 8,192 bytes
/// of each value; this is within them whatever the characters, so that all databases agree.
pub const ORDER_CHARACTERS_MAX: usize = 2000;

/// How many bytes of a field of bytes count where documents are ordered by it.
pub const ORDER_BYTES_MAX: usize = 8000;

/// The values of one document in the schema's order. A clone shares them.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
/// assert_eq!(row[1], Value::from("Milk"));
/// # Ok::<(), Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(Arc<[Value]>);

/// A row with the names of its fields: a document as JSON.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
/// let json = serde_json::to_string(&Note::SCHEMA.named(&row)).unwrap();
/// assert_eq!(json, r#"{"id":1,"title":"Milk","done":null}"#);
/// # Ok::<(), Rejection>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NamedRow<'a> {
    schema: &'a Schema,
    row: &'a Row,
}

impl Serialize for NamedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.schema.fields.iter().zip(self.row.values());
        serializer.collect_map(members.map(|(field, value)| (field.name, value.to_json())))
    }
}

/// A schema that no database can hold.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let schema = Schema { collection: "Notes", ..*Note::SCHEMA };
/// assert!(schema.check().unwrap_err().to_string().contains("lower-case letter"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema of collection `{collection}`: {reason}")]
pub struct SchemaError {
    collection: String,
    reason: String,
}

impl SchemaError {
    pub(crate) fn new(collection: &str, reason: impl Into<String>) -> Self {
        Self { collection: collection.to_string(), reason: reason.into() }
    }
}

impl Row {
    /// Returns the values in the schema's order.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
    /// assert!(row.values()[2].is_null());
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.0
    }
}

impl Index<usize> for Row {
    type Output = Value;

    /// # Panics
    /// When the position is not one of the row's schema.
    fn index(&self, position: usize) -> &Value {
        &self.0[position]
    }
}

impl Schema {
    /// Checks that every database can hold it.
    ///
    /// # Errors
    /// When a name is not a lower-case letter followed by letters, digits and `_` (at most 48),
    /// two names differ in case only, the name is one that the store or PostgreSQL keeps for
    /// itself, the id is nullable or of a kind that can't be one, or there are more than
    /// [`FIELDS_MAX`] fields or [`KEYS_MAX`] indexes.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert!(Note::SCHEMA.check().is_ok());
    /// ```
    pub fn check(&self) -> Result<(), SchemaError> {
        match check::problem(self) {
            None => Ok(()),
            Some(problem) => Err(SchemaError::new(self.collection, problem.of(self))),
        }
    }

    /// Returns whether it passes [`check`](Self::check), also while the program is compiled.
    #[doc(hidden)]
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        check::problem(self).is_none()
    }

    /// Returns the position of the field with this name.
    ///
    /// # Errors
    /// A rejection `unknown_field`, which names the fields there are.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert_eq!(Note::SCHEMA.position("title")?, 1);
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn position(&self, name: &str) -> Result<usize, Rejection> {
        self.fields.iter().position(|field| field.name == name).ok_or_else(|| {
            let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
            Rejection::new(
                code::UNKNOWN_FIELD,
                alloc::format!(
                    "collection `{}` has no field `{name}`: it has {}",
                    self.collection,
                    names.join(", ")
                ),
            )
            .with_field(name)
        })
    }

    /// Returns the field that is the id.
    ///
    /// # Panics
    /// When the schema does not pass [`check`](Self::check).
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert_eq!(Note::SCHEMA.id_field().name, "id");
    /// ```
    #[must_use]
    pub fn id_field(&self) -> &'static Field {
        &self.fields[self.id]
    }

    /// Returns whether values of a field are found by an index: the id's, and those of fields that
    /// are `index` or `unique`. They may be no longer than [`KEY_CHARACTERS_MAX`] or
    /// [`KEY_BYTES_MAX`].
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String }
    /// assert!(Note::SCHEMA.is_key(&Note::SCHEMA.fields[0]));
    /// assert!(!Note::SCHEMA.is_key(&Note::SCHEMA.fields[1]));
    /// ```
    #[must_use]
    pub fn is_key(&self, field: &Field) -> bool {
        field.index || field.unique || field.name == self.id_field().name
    }

    /// Returns the positions of the fields with an index, but for the id.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = usize> {
        let fields = self.fields.iter().enumerate();
        let indexed = |&(position, field): &(usize, &Field)| {
            (field.index || field.unique) && position != self.id
        };
        fields.filter(indexed).map(|(position, _)| position)
    }

    /// Returns the id of a row of this schema.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
    /// assert_eq!(Note::SCHEMA.id_of(&row), &Value::from(1));
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub fn id_of<'a>(&self, row: &'a Row) -> &'a Value {
        &row[self.id]
    }

    /// Makes a row of values in the schema's order, each brought to its field's kind.
    ///
    /// # Errors
    /// When there are more or fewer values than fields, or one does not fit its field.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert!(Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null]).is_ok());
    /// let rejection = Note::SCHEMA.row([1.into(), true.into(), Value::Null]).unwrap_err();
    /// assert_eq!(rejection.field(), Some("title"));
    /// ```
    pub fn row(&self, values: impl IntoIterator<Item = Value>) -> Result<Row, Rejection> {
        self.row_of(&mut values.into_iter())
    }

    /// As [`row`](Self::row), once for all iterators: a package has its code once.
    fn row_of(&self, values: &mut dyn Iterator<Item = Value>) -> Result<Row, Rejection> {
        let mut row = self.blank();
        for (slot, field) in Arc::make_mut(&mut row).iter_mut().zip(self.fields) {
            *slot = match values.next() {
                Some(value) => self.fit(field, value)?,
                None => return Err(self.missing(field)),
            };
        }
        match values.next() {
            None => Ok(Row(row)),
            Some(_) => Err(Rejection::new(
                code::UNKNOWN_FIELD,
                alloc::format!("a document of `{}` has more values than fields", self.collection),
            )),
        }
    }

    /// Makes a row of named fields; nullable ones may be missing.
    ///
    /// # Errors
    /// When a field is unknown or missing, or its value does not fit.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let fields = Fields::new().with("title", "Milk").with("id", 1);
    /// assert!(Note::SCHEMA.row_from_fields(&fields)?[2].is_null());
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn row_from_fields(&self, fields: &Fields) -> Result<Row, Rejection> {
        self.row_of_fields(fields.clone())
    }

    /// Makes a row of named fields that nobody else wants.
    pub(crate) fn row_of_fields(&self, fields: Fields) -> Result<Row, Rejection> {
        let in_order = fields.len() == self.fields.len()
            && fields.iter().zip(self.fields).all(|((name, _), field)| name == field.name);
        if in_order {
            return self.row(fields.into_values());
        }
        let mut values = alloc::vec![Value::Null; self.fields.len()];
        for (name, value) in fields.iter() {
            let position = self.position(name)?;
            if let Some(slot) = values.get_mut(position) {
                slot.clone_from(value);
            }
        }
        self.row(values)
    }

    /// Reads a document from JSON.
    ///
    /// # Errors
    /// When it is no object, a field is unknown or missing, or a value does not fit.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let json = serde_json::json!({ "id": 1, "title": "Milk" });
    /// assert_eq!(Note::SCHEMA.row_from_json(&json)?[1], Value::from("Milk"));
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn row_from_json(&self, json: &serde_json::Value) -> Result<Row, Rejection> {
        let Some(members) = json.as_object() else {
            return Err(Rejection::new(
                code::INVALID_VALUE,
                alloc::format!("expected a document of `{}`, a JSON object", self.collection),
            ));
        };
        if let Some(unknown) = members.keys().find(|name| self.position(name).is_err()) {
            self.position(unknown)?;
        }
        let values: Result<Vec<_>, _> = self
            .fields
            .iter()
            .map(|field| {
                let json = members.get(field.name).unwrap_or(&serde_json::Value::Null);
                Value::from_json(json, &field.kind).map_err(|error| self.misfit(field, error))
            })
            .collect();
        self.row(values?)
    }

    /// Returns the row as what serde writes as an object with every field, in the schema's order.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
    /// let json = serde_json::to_value(Note::SCHEMA.named(&row)).unwrap();
    /// assert_eq!(json["title"], "Milk");
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub const fn named<'a>(&'a self, row: &'a Row) -> NamedRow<'a> {
        NamedRow { schema: self, row }
    }

    /// Returns the row with these fields changed. The id can't change.
    ///
    /// # Errors
    /// When a field is unknown or is the id, or a value does not fit.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
    /// let patched = Note::SCHEMA.patch(&row, &Fields::new().with("done", true))?;
    /// assert_eq!(patched[2], Value::Bool(true));
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn patch(&self, row: &Row, patch: &Fields) -> Result<Row, Rejection> {
        let mut values = Arc::clone(&row.0);
        for (name, value) in patch.iter() {
            let position = self.position(name)?;
            let field = &self.fields[position];
            let value = self.fit(field, value.clone())?;
            if position == self.id && value != row[position] {
                return Err(Rejection::new(
                    code::ID_IS_FIXED,
                    alloc::format!(
                        "the id of {} in `{}` can't change to {value}: destroy and create instead",
                        row[position],
                        self.collection
                    ),
                )
                .with_field(field.name));
            }
            Arc::make_mut(&mut values)[position] = value;
        }
        Ok(Row(values))
    }

    /// Returns an id as the documents have it; it may be written as its field is in JSON.
    ///
    /// # Errors
    /// A rejection where it can't be an id.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert_eq!(Note::SCHEMA.id(7), Ok(Value::Integer(7)));
    /// assert!(Note::SCHEMA.id("seven").is_err());
    /// ```
    pub fn id(&self, value: impl Into<Value>) -> Result<Value, Rejection> {
        self.fit(self.id_field(), value.into())
    }

    /// Reads an id as it stands in a path or on a command line.
    ///
    /// # Errors
    /// A rejection where it can't be an id.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert_eq!(Note::SCHEMA.id_from_text("7"), Ok(Value::Integer(7)));
    /// assert!(Note::SCHEMA.id_from_text("seven").is_err());
    /// ```
    pub fn id_from_text(&self, text: &str) -> Result<Value, Rejection> {
        self.id(match self.id_field().kind {
            Kind::I32 | Kind::I64 | Kind::U32 => {
                text.parse::<i64>().map_or(text.into(), Value::from)
            }
            _ => Value::from(text),
        })
    }

    /// Makes a row of which only some fields are known, in the schema's order.
    pub(crate) fn outline(&self, fields: Vec<(usize, Value)>) -> Result<Row, Rejection> {
        let mut row = self.blank();
        let values = Arc::make_mut(&mut row);
        for (position, value) in fields {
            values[position] = self.fit(&self.fields[position], value)?;
        }
        Ok(Row(row))
    }

    /// Brings a value to the field's kind, within the field's limits.
    pub(crate) fn fit(&self, field: &Field, value: Value) -> Result<Value, Rejection> {
        let value = value.into_kind(&field.kind).map_err(|error| self.misfit(field, error))?;
        match &value {
            Value::Null if !field.nullable => Err(self.missing(field)),
            // So many characters have at least as many bytes, which are counted already.
            Value::Text(text)
                if text.len() > KEY_CHARACTERS_MAX
                    && self.is_key(field)
                    && text.chars().count() > KEY_CHARACTERS_MAX =>
            {
                Err(self.misfit(field, alloc::format!(
                    "text of an id, an indexed or a unique field has at most {KEY_CHARACTERS_MAX} \
                     characters, found {}",
                    text.chars().count()
                )))
            }
            Value::Bytes(bytes) if bytes.len() > KEY_BYTES_MAX && self.is_key(field) => {
                Err(self.misfit(field, alloc::format!(
                    "an indexed or a unique field has at most {KEY_BYTES_MAX} bytes, found {}",
                    bytes.len()
                )))
            }
            _ => Ok(value),
        }
    }

    /// Returns as many nulls as there are fields.
    fn blank(&self) -> Arc<[Value]> {
        self.fields.iter().map(|_| Value::Null).collect()
    }

    #[cold]
    fn missing(&self, field: &Field) -> Rejection {
        // JSON has a null of its own, so that only for JSON the cure may be in the schema.
        let cure = match field.kind {
            Kind::Json => "; a field that may hold JSON's null is an `Option<Json>`",
            _ => "",
        };
        Rejection::new(
            code::MISSING_FIELD,
            alloc::format!(
                "field `{}` of collection `{}` can't be null or missing: expected {}{cure}",
                field.name,
                self.collection,
                field.kind
            ),
        )
        .with_field(field.name)
    }

    #[cold]
    fn misfit(&self, field: &Field, reason: impl fmt::Display) -> Rejection {
        Rejection::new(
            code::INVALID_VALUE,
            alloc::format!("field `{}` of collection `{}`: {reason}", field.name, self.collection),
        )
        .with_field(field.name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bool => "true or false",
            Self::I32 => "an integer of 32 bits",
            Self::I64 => "an integer of 64 bits",
            Self::U32 => "an integer of 32 bits, not negative",
            Self::F64 => "a finite number",
            Self::Text => "text",
            Self::Uuid => "a UUID",
            Self::Timestamp => "a UTC timestamp such as `2016-09-26T20:32:46.588Z`",
            Self::Bytes => "bytes as base64 text",
            Self::Json => "JSON",
            Self::Enumeration(variants) => {
                return write!(formatter, "one of {}", variants.join(", "));
            }
        })
    }
}
