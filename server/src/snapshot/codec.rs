//! Rows of a snapshot as bytes: postcard, in an LZ4 frame that has a checksum of its content.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use flux_reducers::{Float, Json, Row, Schema, Timestamp, Uuid, Value};
use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A value as it is written.
#[derive(Serialize, Deserialize)]
enum Written<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Uuid([u8; 16]),
    Timestamp(i64),
    Bytes(&'a [u8]),
    Json(Cow<'a, str>),
}

/// Rows of one collection, as they are gathered.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
}

impl Rows {
    pub(super) fn of(collection: &str) -> Result<Self, Error> {
        Ok(Self { bytes: postcard::to_extend(collection, Vec::new()).map_err(damaged)? })
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), Error> {
        for value in row.values() {
            let bytes = std::mem::take(&mut self.bytes);
            self.bytes = postcard::to_extend(&written(value), bytes).map_err(damaged)?;
        }
        Ok(())
    }

    /// Returns how many bytes they have before they are compressed.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn compress(&self) -> Result<Vec<u8>, Error> {
        let info = FrameInfo::new().content_checksum(true);
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(&self.bytes).map_err(damaged)?;
        encoder.finish().map_err(damaged)
    }
}

/// Reads the rows of a part, and the schema of their collection.
pub(super) fn read(
    compressed: &[u8],
    schema_of: impl Fn(&str) -> Result<&'static Schema, Error>,
) -> Result<(&'static Schema, Vec<Row>), Error> {
    let mut bytes = Vec::new();
    FrameDecoder::new(compressed).read_to_end(&mut bytes).map_err(damaged)?;
    let (collection, mut rest) = postcard::take_from_bytes::<&str>(&bytes).map_err(damaged)?;
    let schema = schema_of(collection)?;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let mut values = Vec::with_capacity(schema.fields.len());
        for _ in schema.fields {
            let (written, after) =
                postcard::take_from_bytes::<Written<'_>>(rest).map_err(damaged)?;
            values.push(value(written)?);
            rest = after;
        }
        rows.push(schema.row(values).map_err(damaged)?);
    }
    Ok((schema, rows))
}

fn written(value: &Value) -> Written<'_> {
    match value {
        Value::Null => Written::Null,
        Value::Bool(bool) => Written::Bool(*bool),
        Value::Integer(integer) => Written::Integer(*integer),
        Value::Float(float) => Written::Float(float.get()),
        Value::Text(text) => Written::Text(text),
        Value::Uuid(uuid) => Written::Uuid(uuid.into_bytes()),
        Value::Timestamp(timestamp) => Written::Timestamp(timestamp.as_milliseconds()),
        Value::Bytes(bytes) => Written::Bytes(bytes),
        Value::Json(json) => Written::Json(json.to_string().into()),
    }
}

fn value(written: Written<'_>) -> Result<Value, Error> {
    Ok(match written {
        Written::Null => Value::Null,
        Written::Bool(bool) => Value::Bool(bool),
        Written::Integer(integer) => Value::Integer(integer),
        Written::Float(float) => Value::Float(Float::new(float)),
        Written::Text(text) => Value::Text(text.into()),
        Written::Uuid(bytes) => Value::Uuid(Uuid::from_bytes(bytes)),
        Written::Timestamp(at) => {
            Value::Timestamp(Timestamp::from_milliseconds(at).map_err(damaged)?)
        }
        Written::Bytes(bytes) => Value::Bytes(bytes.into()),
        Written::Json(text) => Value::from(serde_json::from_str::<Json>(&text).map_err(damaged)?),
    })
}

fn damaged(error: impl std::fmt::Display) -> Error {
    Error::Damaged(format!("a part of a snapshot: {error}"))
}
