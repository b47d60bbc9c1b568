//! JSON that is read strictly: no deeper than allowed, and each name of an object once.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text is not the JSON that is asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoJson {
    #[error("the JSON is nested deeper than {depth_max} levels{place}")]
    TooDeep { depth_max: usize, place: String },
    #[error("{0}")]
    Malformed(String),
}

/// Reads JSON. A name that is given twice is an error: parsers differ in which one counts, so that
/// what a proxy has checked need not be what is done.
pub(crate) fn parse(bytes: &[u8], depth_max: usize) -> Result<Value, NoJson> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict { depth_left: depth_max }.deserialize(&mut source);
    parsed.and_then(|value| source.end().map(|()| value)).map_err(|error| {
        let text = error.to_string();
        match text.strip_prefix(TOO_DEEP) {
            Some(place) => NoJson::TooDeep { depth_max, place: place.to_owned() },
            None => NoJson::Malformed(text),
        }
    })
}

/// What the error for depth begins with: serde has only text for errors of a visitor.
const TOO_DEEP: &str = "too deep";

/// Reads one value, and those in it with one level less to go.
#[derive(Clone, Copy)]
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom(TOO_DEEP))?;
        Ok(Self { depth_left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| E::custom("the number is too large"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the name `{name}` is given twice")));
            }
            object.insert(name, members.next_value_seed(deeper)?);
        }
        Ok(Value::Object(object))
    }
}
