//! JSON values in one normal form, so that equal values have equal text on every side.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Number, Value};
use serde_path_to_error::{Path, Segment};

use crate::decode::{Decoder, Misfit, Token};
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
#[derive(Clone)]
pub struct Json(Arc<dyn Held>);

/// What is done with a JSON value that is held: by a table of functions, so that a package of
/// WebAssembly in which no JSON is made has none of them.
trait Held: Send + Sync {
    fn value(&self) -> &Value;
    fn into_value(self: Arc<Self>) -> Value;
    fn is_equal(&self, other: &Value) -> bool;
    fn order(&self, other: &Value) -> Ordering;
    fn hash(&self, state: &mut dyn Hasher);
    fn is_shallow(&self) -> bool;
    fn show(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn debug(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result;
}

struct Holder(Value);

impl Held for Holder {
    fn value(&self) -> &Value {
        &self.0
    }

    fn into_value(self: Arc<Self>) -> Value {
        Arc::try_unwrap(self).map_or_else(|shared| shared.0.clone(), |holder| holder.0)
    }

    fn is_equal(&self, other: &Value) -> bool {
        self.0 == *other
    }

    fn order(&self, other: &Value) -> Ordering {
        if self.0 == *other {
            return Ordering::Equal;
        }
        self.0.to_string().cmp(&other.to_string())
    }

    fn hash(&self, mut state: &mut dyn Hasher) {
        self.0.hash(&mut state);
    }

    fn is_shallow(&self) -> bool {
        is_within(&self.0, Json::DEPTH_MAX)
    }

    fn show(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }

    fn debug(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Json").field(&self.0).finish()
    }
}

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
        Self(Arc::new(Holder(value)))
    }

    /// Returns the JSON value.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(Json::from(true).as_value().is_boolean());
    /// ```
    #[must_use]
    pub fn as_value(&self) -> &Value {
        self.0.value()
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
        deserialize(self.as_value()).map_err(|misfit| {
            let what = alloc::format!("the payload of `{what}` is wrong");
            misfit.into_rejection(code::INVALID_PAYLOAD, &what)
        })
    }

    /// Whether it is not nested deeper than it may be.
    pub(crate) fn is_shallow(&self) -> bool {
        self.0.is_shallow()
    }

    /// Returns the JSON value itself.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Json::from(7_i64).into_value(), serde_json::json!(7));
    /// ```
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0.into_value()
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

impl Default for Json {
    fn default() -> Self {
        Self::new(Value::Null)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(formatter)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug(formatter)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_equal(other.as_value())
    }
}

impl Eq for Json {}

/// By text: no order that means anything, but one that is the same everywhere.
impl Ord for Json {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.order(other.as_value())
    }
}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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

/// Reads the next value as JSON; `None` where it is missing.
pub(crate) fn decode(decoder: &mut dyn Decoder) -> Result<Option<Value>, Misfit> {
    Ok(Some(match decoder.next()? {
        Token::Absent => return Ok(None),
        Token::Null => Value::Null,
        Token::Bool(bool) => bool.into(),
        Token::Integer(integer) => integer.into(),
        Token::Large(integer) => integer.into(),
        Token::Float(float) => Number::from_f64(float).into(),
        Token::Text(text) => text.into(),
        Token::List(count) => {
            let mut items = Vec::new();
            for index in 0..count {
                // As in JSON: there is no `undefined` in a list.
                let item = decode(decoder).map_err(|misfit| misfit.in_item(index))?;
                items.push(item.unwrap_or_default());
            }
            Value::Array(items)
        }
        Token::Object(count) => {
            let mut members = Map::new();
            for _ in 0..count {
                let name = decoder.name().to_string();
                let member = decode(decoder).map_err(|misfit| misfit.in_member(&name))?;
                if let Some(member) = member {
                    members.insert(name, member);
                }
            }
            Value::Object(members)
        }
    }))
}

/// Reads a type by serde.
pub(crate) fn deserialize<T: DeserializeOwned>(json: &Value) -> Result<T, Misfit> {
    let mut track = serde_path_to_error::Track::new();
    T::deserialize(serde_path_to_error::Deserializer::new(json, &mut track))
        .map_err(|error| misfit(&error.to_string(), &track.path()))
}

/// A missing member is reported by its parent: its own name is only in the message.
pub(crate) fn misfit(error: &str, path: &Path) -> Misfit {
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
    Misfit { path: field, ..Misfit::new(error) }
}

fn join(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Gives the values of a payload in memory.
#[derive(Debug)]
pub(crate) struct JsonDecoder<'a> {
    /// What comes next, the last first.
    next: Vec<Next<'a>>,
}

#[derive(Debug)]
enum Next<'a> {
    Name(&'a str),
    Value(Option<&'a Value>),
}

impl<'a> JsonDecoder<'a> {
    pub(crate) fn new(json: Option<&'a Json>) -> Self {
        Self { next: alloc::vec![Next::Value(json.map(Json::as_value))] }
    }

    fn take(&mut self) -> Option<&'a Value> {
        match self.next.pop() {
            Some(Next::Value(value)) => value,
            Some(Next::Name(_)) | None => None,
        }
    }

    fn is_next(&self, is: impl FnOnce(Option<&'a Value>) -> bool) -> bool {
        matches!(self.next.last(), Some(Next::Value(value)) if is(*value))
    }

    fn passes(&mut self, is: impl FnOnce(Option<&'a Value>) -> bool) -> bool {
        let passes = self.is_next(is);
        if passes {
            self.next.pop();
        }
        passes
    }
}

impl Decoder for JsonDecoder<'_> {
    fn next(&mut self) -> Result<Token<'_>, Misfit> {
        Ok(match self.take() {
            None => Token::Absent,
            Some(Value::Null) => Token::Null,
            Some(Value::Bool(bool)) => Token::Bool(*bool),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => Token::Integer(integer),
                (None, Some(integer)) => Token::Large(integer),
                (None, None) => Token::Float(number.as_f64().unwrap_or_default()),
            },
            Some(Value::String(text)) => Token::Text(text),
            Some(Value::Array(items)) => {
                self.next.extend(items.iter().rev().map(|item| Next::Value(Some(item))));
                Token::List(items.len())
            }
            Some(Value::Object(members)) => {
                for (name, value) in members.iter().rev() {
                    self.next.push(Next::Value(Some(value)));
                    self.next.push(Next::Name(name));
                }
                Token::Object(members.len())
            }
        })
    }

    fn name(&mut self) -> &str {
        match self.next.pop() {
            Some(Next::Name(name)) => name,
            Some(Next::Value(_)) | None => "",
        }
    }

    fn record(&mut self, names: &[&str]) -> Result<Option<Token<'_>>, Misfit> {
        if !self.is_next(|value| matches!(value, Some(Value::Object(_)))) {
            return self.next().map(Some);
        }
        if let Some(Value::Object(members)) = self.take() {
            self.next.extend(names.iter().rev().map(|name| Next::Value(members.get(*name))));
        }
        Ok(None)
    }

    fn is_absent(&mut self) -> bool {
        self.passes(|value| value.is_none())
    }

    fn is_null(&mut self) -> bool {
        self.passes(|value| value.is_some_and(Value::is_null))
    }
}
