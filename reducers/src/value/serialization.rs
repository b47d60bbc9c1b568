//! Serde for values that stand without a schema: what JSON can't tell apart carries its kind, as
//! in `{"uuid": ".."}`, so that a changeset comes back exactly as it went.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::{BASE64, Bytes, Json, Value};
use crate::timestamp::Timestamp;
use base64ct::Encoding as _;

/// The kinds that are written with their name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Tagged {
    Float(f64),
    Uuid(Uuid),
    Timestamp(Timestamp),
    Bytes(Bytes),
    Json(Json),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tagged = match self {
            Self::Null => return serializer.serialize_unit(),
            Self::Bool(bool) => return serializer.serialize_bool(*bool),
            Self::Integer(integer) => return serializer.serialize_i64(*integer),
            Self::Text(text) => return serializer.serialize_str(text),
            Self::Float(float) => Tagged::Float(float.get()),
            Self::Uuid(uuid) => Tagged::Uuid(*uuid),
            Self::Timestamp(timestamp) => Tagged::Timestamp(*timestamp),
            Self::Bytes(bytes) => Tagged::Bytes(Bytes(bytes.to_vec())),
            Self::Json(json) => Tagged::Json((**json).clone()),
        };
        tagged.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "null, a truth value, a number, text, or an object with one of the members `float`, \
             `uuid`, `timestamp`, `bytes`, `json`",
        )
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Value, E> {
        i64::try_from(integer).map(Value::Integer).map_err(|_| {
            E::custom(alloc::format!("{integer} is beyond the largest integer, {}", i64::MAX))
        })
    }

    fn visit_f64<E: de::Error>(self, float: f64) -> Result<Value, E> {
        Ok(Value::from(float))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let tagged = Tagged::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(match tagged {
            Tagged::Float(float) => Value::from(float),
            Tagged::Uuid(uuid) => Value::Uuid(uuid),
            Tagged::Timestamp(timestamp) => Value::Timestamp(timestamp),
            Tagged::Bytes(bytes) => Value::from(bytes),
            Tagged::Json(json) => Value::from(json),
        })
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: Result<Vec<u8>, _> = BASE64::decode_vec(&text);
        bytes
            .map(Bytes)
            .map_err(|error| de::Error::custom(alloc::format!("expected base64 text: {error}")))
    }
}
