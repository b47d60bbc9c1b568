//! JSON values in one normal form, so that equal values have equal text on every side.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};
use serde_path_to_error::{Path, Segment};

use crate::rejection::{Rejection, code};

/// A JSON value in normal form: an event's payload, or a document's field of any shape.
///
/// Object keys are sorted, and a whole number is written without a fraction where it fits 64 bits.
/// So `1.0` and `1` are one value, and two values are equal when their texts are. An integer
/// beyond 2^53 - 1 stays exact; JavaScript can't hold it, so there it is an error. A clone shares
/// the value.
///
/// ```
/// use flux_reducers::Json;
///
/// let json: Json = serde_json::from_str(r#"{"b": 1.0, "a": [true, null]}"#)?;
/// assert_eq!(json.to_string(), r#"{"a":[true,null],"b":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json(Arc<Value>);

impl Json {
    /// The deepest nesting of lists and objects in a payload, in `meta`, or in a field of a
    /// document. A deeper one is a rejection on every side: parsers have limits, and without one
    /// of ours a deep value would exhaust the stack of a WebAssembly instance.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let nested = |depth| (0..depth).fold(Json::from(1), |inner, _| {
    ///     Json::new(serde_json::Value::Array(vec![inner.into_value()]))
    /// });
    /// let fits = |depth| Value::from(nested(depth)).into_kind(&Kind::Json).is_ok();
    /// assert!(fits(Json::DEPTH_MAX) && !fits(Json::DEPTH_MAX + 1));
    /// ```
    pub const DEPTH_MAX: usize = 64;

    /// Brings a JSON value into the normal form.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Json::new(serde_json::json!(1.0)), Json::new(serde_json::json!(1)));
    /// ```
    #[must_use]
    pub fn new(mut value: Value) -> Self {
        normalize(&mut value);
        Self(Arc::new(value))
    }

    /// Returns the JSON value.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(Json::from(true).as_value().is_boolean());
    /// ```
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// Reads a type from it, such as the input of a command.
    ///
    /// # Errors
    /// A rejection `invalid_payload` that names `what` it is of, and the field.
    ///
    /// ```
    /// # use flux_reducers::Json;
    /// let error = Json::new(serde_json::json!([1, "2"])).read::<Vec<u32>>("numbers").unwrap_err();
    /// assert_eq!((error.code(), error.field()), ("invalid_payload", Some("[1]")));
    /// ```
    pub fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, Rejection> {
        let mut track = serde_path_to_error::Track::new();
        T::deserialize(serde_path_to_error::Deserializer::new(self.as_value(), &mut track))
            .map_err(|error| invalid_payload(what, &error.to_string(), &track.path()))
    }

    /// Whether it is not nested deeper than it may be.
    pub(crate) fn is_shallow(&self) -> bool {
        is_within(&self.0, Self::DEPTH_MAX)
    }

    /// Returns the JSON value itself.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Json::from(7_i64).into_value(), serde_json::json!(7));
    /// ```
    #[must_use]
    pub fn into_value(self) -> Value {
        Arc::unwrap_or_clone(self.0)
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::new(value)
    }
}

macro_rules! from {
    ($($type:ty),*) => {$(
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                Self::new(value.into())
            }
        }
    )*};
}

from!(bool, i32, u32, i64, f64, &str, String);

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// By text: no order that means anything, but one that is the same everywhere.
impl Ord for Json {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl core::hash::Hash for Json {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::new)
    }
}

/// Returns the number as it is written everywhere; `None` where JSON has none (NaN, infinity).
pub(crate) fn number(float: f64) -> Option<Number> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if (-TWO_TO_63..TWO_TO_63).contains(&float) {
        #[expect(clippy::cast_possible_truncation, reason = "within 64 bits")]
        let integer = float as i64;
        #[expect(clippy::cast_precision_loss, reason = "exact if it was whole")]
        let is_whole = integer as f64 == float;
        if is_whole {
            return Some(integer.into());
        }
    }
    if (TWO_TO_63..2.0 * TWO_TO_63).contains(&float) {
        #[expect(clippy::cast_possible_truncation, reason = "within 64 bits")]
        #[expect(clippy::cast_sign_loss, reason = "positive")]
        return Some((float as u64).into()); // So large a double is always whole.
    }
    Number::from_f64(float)
}

fn is_within(value: &Value, depth_left: usize) -> bool {
    let is_within = |item| depth_left > 0 && is_within(item, depth_left - 1);
    match value {
        Value::Array(items) => depth_left > 0 && items.iter().all(is_within),
        Value::Object(members) => depth_left > 0 && members.values().all(is_within),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn normalize(value: &mut Value) {
    match value {
        Value::Number(found) if found.is_f64() => {
            if let Some(normal) = found.as_f64().and_then(number) {
                *found = normal;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(members) => {
            members.sort_keys(); // They are not yet where another crate turns on `preserve_order`.
            members.values_mut().for_each(normalize);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A missing member is reported by its parent: its own name is only in the message.
pub(crate) fn invalid_payload(what: &str, error: &str, path: &Path) -> Rejection {
    let mut field = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => field.push_str(&alloc::format!("[{index}]")),
            Segment::Map { key: name } | Segment::Enum { variant: name } => join(&mut field, name),
            Segment::Unknown => {}
        }
    }
    let missing = error.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    if let Some((name, _)) = missing {
        join(&mut field, name);
    }
    let place = if field.is_empty() { String::new() } else { alloc::format!(" at `{field}`") };
    let rejection = Rejection::new(
        code::INVALID_PAYLOAD,
        alloc::format!("the payload of `{what}` is wrong{place}: {error}"),
    );
    if field.is_empty() { rejection } else { rejection.with_field(field) }
}

fn join(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}
