//! A field's value, with the one order and the one equality that every database follows.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;

pub(crate) use base64ct::Base64 as BASE64;
use base64ct::Encoding as _;
use uuid::Uuid;

use crate::json::{self, Json};
use crate::schema::Kind;
use crate::timestamp::Timestamp;

pub use text::{float_text, quoted};

mod serialization;
mod text;

/// The value of one field of a document.
///
/// Within a field all values are of one kind, and they compare like this on every side: null
/// first; false before true; numbers by value; text by Unicode code point, case-sensitive; UUIDs
/// and bytes byte by byte; timestamps by time. JSON values have equality only.
///
/// ```
/// use flux_reducers::Value;
///
/// assert!(Value::Null < Value::from("a"));
/// assert!(Value::from("Z") < Value::from("a"));
/// assert!(Value::from("\u{ffff}") < Value::from("\u{10000}"), "not by UTF-16 unit");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing: the value of a nullable field.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of any of the integer kinds.
    Integer(i64),
    /// A finite double.
    Float(Float),
    /// Text, also the name of an enumeration's variant.
    Text(Arc<str>),
    /// A UUID.
    Uuid(Uuid),
    /// A point in time.
    Timestamp(Timestamp),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Any JSON.
    Json(Arc<Json>),
}

/// A double with a total order. There is one zero; NaN and infinities are refused by a schema.
///
/// ```
/// # use flux_reducers::*;
/// assert_eq!(Float::new(-0.0), Float::new(0.0));
/// assert!(Float::new(1.5) < Float::new(2.5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Float(f64);

/// Bytes as a document's field; base64 text in JSON.
///
/// ```
/// use flux_reducers::Bytes;
///
/// assert_eq!(serde_json::to_string(&Bytes(vec![1, 2, 255]))?, r#""AQL/""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub alloc::vec::Vec<u8>);

/// A value that does not fit the kind it should be of.
///
/// ```
/// # use flux_reducers::*;
/// let error = Value::from(7).into_kind(&Kind::Text).unwrap_err();
/// assert_eq!(error.to_string(), "expected text, found 7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct ValueError {
    expected: String,
    found: String,
}

/// Returns bytes as they are written in JSON.
#[doc(hidden)]
#[must_use]
pub fn base64_text(bytes: &[u8]) -> String {
    BASE64::encode_string(bytes)
}

impl ValueError {
    /// Creates the error: what was expected, and what was found instead.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let error = ValueError::new("a colour", "\"loud\"");
    /// assert_eq!(error.to_string(), "expected a colour, found \"loud\"");
    /// ```
    #[cold]
    pub fn new(expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self { expected: expected.to_string(), found: found.to_string() }
    }
}

impl Float {
    /// Wraps a double; negative zero becomes zero.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Float::new(-0.0).get().to_bits(), 0.0_f64.to_bits());
    /// ```
    #[must_use]
    pub fn new(float: f64) -> Self {
        Self(if float == 0.0 { 0.0 } else { float })
    }

    /// Returns the double.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Float::new(1.5).get(), 1.5);
    /// ```
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Value {
    /// Returns the value as one of this kind. Text is read as what it stands for in JSON (UUID,
    /// timestamp, base64), an integer as a double; null stays null.
    ///
    /// # Errors
    /// When it is no value of the kind: of another type, out of range, not finite, text with a
    /// NUL, a variant that the enumeration does not have.
    ///
    /// ```
    /// use flux_reducers::{Kind, Value};
    ///
    /// assert_eq!(Value::from("AQI=").into_kind(&Kind::Bytes)?, Value::from(&[1, 2][..]));
    /// assert!(Value::from(1_i64 << 40).into_kind(&Kind::I32).is_err());
    /// # Ok::<(), flux_reducers::ValueError>(())
    /// ```
    pub fn into_kind(self, kind: &Kind) -> Result<Self, ValueError> {
        let error = |found: &Self| ValueError::new(kind, found);
        match (kind, self) {
            (_, Self::Null) => Ok(Self::Null),
            // As it is read back from JSON, where the two can't be told apart.
            (Kind::Json, Self::Json(json)) if json.as_value().is_null() => Ok(Self::Null),
            (Kind::Bool, value @ Self::Bool(_))
            | (Kind::I64, value @ Self::Integer(_))
            | (Kind::Uuid, value @ Self::Uuid(_))
            | (Kind::Timestamp, value @ Self::Timestamp(_))
            | (Kind::Bytes, value @ Self::Bytes(_)) => Ok(value),
            (Kind::Json, Self::Json(json)) if json.is_shallow() => Ok(Self::Json(json)),
            (Kind::Json, Self::Json(_)) => Err(ValueError::new(
                alloc::format!("JSON that is nested at most {} deep", Json::DEPTH_MAX),
                "a deeper one",
            )),
            (Kind::I32, Self::Integer(integer)) if i32::try_from(integer).is_ok() => {
                Ok(Self::Integer(integer))
            }
            (Kind::U32, Self::Integer(integer)) if u32::try_from(integer).is_ok() => {
                Ok(Self::Integer(integer))
            }
            (Kind::F64, Self::Float(float)) if float.get().is_finite() => Ok(Self::Float(float)),
            #[expect(clippy::cast_precision_loss, reason = "JSON's own rule: the nearest double")]
            (Kind::F64, Self::Integer(integer)) => Ok(Self::from(integer as f64)),
            (Kind::Text, Self::Text(text)) if !text.contains('\0') => Ok(Self::Text(text)),
            (Kind::Text, Self::Text(text)) => Err(ValueError::new(
                "text without the character U+0000 (not every database can hold it)",
                Self::Text(text),
            )),
            (Kind::Enumeration(variants), Self::Text(text)) if variants.contains(&&*text) => {
                Ok(Self::Text(text))
            }
            (Kind::Uuid, Self::Text(text)) => {
                Uuid::try_parse(&text).map(Self::Uuid).map_err(|_| error(&Self::Text(text)))
            }
            (Kind::Timestamp, Self::Text(text)) => {
                text.parse().map(Self::Timestamp).map_err(|_| error(&Self::Text(text)))
            }
            (Kind::Bytes, Self::Text(text)) => match BASE64::decode_vec(&text) {
                Ok(bytes) => Ok(Self::Bytes(bytes.into())),
                Err(_) => Err(error(&Self::Text(text))),
            },
            (_, other) => Err(error(&other)),
        }
    }

    /// Reads a field's value from JSON.
    ///
    /// # Errors
    /// When the JSON is no value of the kind.
    ///
    /// ```
    /// use flux_reducers::{Kind, Timestamp, Value};
    /// use serde_json::json;
    ///
    /// let value = Value::from_json(&json!("1970-01-01T00:00:01.000Z"), &Kind::Timestamp)?;
    /// assert_eq!(value, Value::Timestamp(Timestamp::from_milliseconds(1000).unwrap()));
    /// # Ok::<(), flux_reducers::ValueError>(())
    /// ```
    pub fn from_json(json: &serde_json::Value, kind: &Kind) -> Result<Self, ValueError> {
        use serde_json::Value as J;
        let value = match json {
            J::Null => return Ok(Self::Null),
            _ if matches!(kind, Kind::Json) => Self::from(Json::new(json.clone())),
            J::Bool(bool) => Self::Bool(*bool),
            J::Number(number) => {
                // `1.0` is `1`, as in the normal form.
                let whole = || json::number(number.as_f64()?)?.as_i64();
                match (number.as_i64().or_else(whole), number.as_f64()) {
                    (Some(integer), _) => Self::Integer(integer),
                    (None, Some(float)) => Self::from(float),
                    (None, None) => return Err(ValueError::new(kind, json)),
                }
            }
            J::String(text) => Self::from(text.as_str()),
            J::Array(_) | J::Object(_) => return Err(ValueError::new(kind, json)),
        };
        value.into_kind(kind)
    }

    /// Returns the value as JSON.
    ///
    /// ```
    /// use flux_reducers::Value;
    ///
    /// assert_eq!(Value::from(1.0).to_json().to_string(), "1");
    /// ```
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(bool) => (*bool).into(),
            Self::Integer(integer) => (*integer).into(),
            Self::Float(float) => {
                json::number(float.get()).map_or(serde_json::Value::Null, Into::into)
            }
            Self::Text(text) => text.to_string().into(),
            Self::Uuid(uuid) => uuid.to_string().into(),
            Self::Timestamp(timestamp) => timestamp.to_string().into(),
            Self::Bytes(bytes) => BASE64::encode_string(bytes).into(),
            Self::Json(json) => json.as_value().clone(),
        }
    }

    /// Returns the text, if it is text.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Value::from("Milk").as_text(), Some("Milk"));
    /// assert_eq!(Value::from(7).as_text(), None);
    /// ```
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns whether it is null.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(Value::Null.is_null());
    /// ```
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// As in messages: JSON, long values cut.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_CHARACTERS: usize = 80;
        let text = match self {
            Self::Null => "null".to_string(),
            Self::Bool(bool) => if *bool { "true" } else { "false" }.to_string(),
            Self::Integer(integer) => integer.to_string(),
            Self::Float(float) => float_text(float.get()),
            Self::Text(text) => quoted(text),
            Self::Uuid(uuid) => quoted(uuid.hyphenated().encode_lower(&mut [0; 36])),
            Self::Timestamp(timestamp) => quoted(timestamp.encode(&mut [0; 24])),
            Self::Bytes(bytes) => quoted(&BASE64::encode_string(bytes)),
            Self::Json(json) => json.to_string(),
        };
        match text.char_indices().nth(SHOWN_CHARACTERS) {
            Some((end, _)) => {
                formatter.write_str(text.get(..end).unwrap_or_default())?;
                formatter.write_str("…")
            }
            None => formatter.write_str(&text),
        }
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl core::hash::Hash for Float {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

macro_rules! from {
    ($($type:ty: $value:ident => $expression:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $expression
            }
        }
    )*};
}

from! {
    bool: value => Self::Bool(value);
    i32: value => Self::Integer(value.into());
    i64: value => Self::Integer(value);
    &i32: value => Self::Integer((*value).into());
    &i64: value => Self::Integer(*value);
    &u32: value => Self::Integer((*value).into());
    u32: value => Self::Integer(value.into());
    f64: value => Self::Float(Float::new(value));
    &str: value => Self::Text(value.into());
    String: value => Self::Text(value.into());
    &String: value => Self::Text(value.as_str().into());
    Arc<str>: value => Self::Text(value);
    &Arc<str>: value => Self::Text(value.clone());
    Uuid: value => Self::Uuid(value);
    &Uuid: value => Self::Uuid(*value);
    Timestamp: value => Self::Timestamp(value);
    Bytes: value => Self::Bytes(value.0.into());
    &[u8]: value => Self::Bytes(value.into());
    Json: value => Self::Json(Arc::new(value));
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
