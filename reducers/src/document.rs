//! Documents: plain structs that a collection holds, and the Rust types of their fields.

use alloc::string::{String, ToString};
use alloc::sync::Arc;

use uuid::Uuid;

use crate::decode::{self, Decoder, Misfit};
use crate::fields::Fields;
use crate::json::Json;
use crate::schema::{Kind, Row, Schema};
use crate::shape::{Describe, Shape};
use crate::timestamp::Timestamp;
use crate::value::{Bytes, Value, ValueError};

/// A struct that is a member of one collection. Derive it.
///
/// The field `id`, or the one marked `#[document(id)]`, is the id. By a field that is marked
/// `#[document(index)]` documents are found fast: by its values, ranges of them, and prefixes. So they
/// are by one marked `#[document(unique)]`, of which no two documents have the same value. Names in
/// JSON follow serde's `rename` and `rename_all`.
///
/// ```
/// use flux_reducers::{Document, Kind, Timestamp};
/// use uuid::Uuid;
///
/// #[derive(Document)]
/// #[document(collection = "users")]
/// #[serde(rename_all = "camelCase")]
/// struct User {
///     id: Uuid,
///     #[document(unique)]
///     login_name: String,
///     last_seen: Option<Timestamp>,
/// }
///
/// assert_eq!(User::SCHEMA.fields[1].name, "loginName");
/// assert_eq!(User::SCHEMA.fields[2].kind, Kind::Timestamp);
/// let patch = User::patch().login_name("ann").last_seen(None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no document",
    note = "add `#[derive(Document)]` and `#[document(collection = \"..\")]` to the struct"
)]
pub trait Document: Describe {
    /// The fields, in the order of a row's values.
    const SCHEMA: &'static Schema;

    /// A typed patch: the fields that change.
    type Patch: Into<Fields>;

    /// Returns the fields in the schema's order.
    fn to_fields(&self) -> Fields;

    /// Reads a document from a row of its schema.
    ///
    /// # Errors
    /// When the row is not of its schema.
    fn from_row(row: &Row) -> Result<Self, ValueError>;
}

/// A Rust type that a document's field can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a field of a document",
    label = "not one of the kinds of a field",
    note = "fields are bool, i32, i64, u32, f64, String, Arc<str>, Uuid, Timestamp, Bytes, Json, a \
            unit enum with `#[derive(Enumeration)]`, or an Option of one of them"
)]
///
/// ```
/// # use flux_reducers::*;
/// assert_eq!(<Option<i64> as FieldType>::KIND, Kind::I64);
/// assert!(<Option<i64> as FieldType>::NULLABLE);
/// assert_eq!(7_i64.to_value(), Value::Integer(7));
/// ```
pub trait FieldType: Describe {
    /// The kind of its values.
    const KIND: Kind;
    /// Whether it may be null.
    const NULLABLE: bool = false;
    /// [`Describe::SHAPE`] as the derive asks for it: of a type that is no field's, this trait is
    /// what is missing, and is told once.
    #[doc(hidden)]
    const FIELD_SHAPE: Shape = Self::SHAPE;

    /// [`Describe::decode_member`], for the same reason.
    #[doc(hidden)]
    fn decode_member(decoder: &mut dyn Decoder, name: &str) -> Result<Option<Self>, Misfit> {
        decode::member(decoder, name)
    }

    /// [`Describe::present`], for the same reason.
    #[doc(hidden)]
    fn present(member: Option<Self>, name: &str) -> Result<Self, Misfit> {
        decode::present(member, name)
    }

    /// Returns the value.
    fn to_value(&self) -> Value;

    /// Reads the value.
    ///
    /// # Errors
    /// When the value is of another kind.
    fn from_value(value: &Value) -> Result<Self, ValueError>;
}

macro_rules! field_type {
    ($($type:ty, $kind:ident, $value:ident => $to:expr, $pattern:pat => $from:expr;)*) => {$(
        impl Describe for $type {
            const SHAPE: Shape = Shape::Kind(Kind::$kind);
        }

        impl FieldType for $type {
            const KIND: Kind = Kind::$kind;

            fn to_value(&self) -> Value {
                let $value = self;
                $to
            }

            fn from_value(value: &Value) -> Result<Self, ValueError> {
                match value {
                    $pattern => $from,
                    other => Err(ValueError::new(Kind::$kind, other)),
                }
            }
        }
    )*};
}

field_type! {
    bool, Bool, bool => Value::Bool(*bool), Value::Bool(bool) => Ok(*bool);
    i32, I32, int => Value::from(*int), Value::Integer(int) => narrow(*int, Kind::I32);
    u32, U32, int => Value::from(*int), Value::Integer(int) => narrow(*int, Kind::U32);
    i64, I64, int => Value::from(*int), Value::Integer(int) => Ok(*int);
    f64, F64, float => Value::from(*float), Value::Float(float) => Ok(float.get());
    String, Text, text => Value::from(text), Value::Text(text) => Ok(text.to_string());
    Arc<str>, Text, text => Value::Text(text.clone()), Value::Text(text) => Ok(text.clone());
    Uuid, Uuid, uuid => Value::Uuid(*uuid), Value::Uuid(uuid) => Ok(*uuid);
    Timestamp, Timestamp, time => Value::Timestamp(*time), Value::Timestamp(time) => Ok(*time);
    Bytes, Bytes, bytes => Value::from(&*bytes.0), Value::Bytes(bytes) => Ok(Self(bytes.to_vec()));
    Json, Json, json => Value::from(json.clone()), Value::Json(json) => Ok((**json).clone());
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: &Value) -> Result<Self, ValueError> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

fn narrow<T: TryFrom<i64>>(integer: i64, kind: Kind) -> Result<T, ValueError> {
    T::try_from(integer).map_err(|_| ValueError::new(kind, Value::Integer(integer)))
}
