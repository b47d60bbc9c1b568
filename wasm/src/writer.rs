//! Writes values as the bytes that JavaScript reads. `border/codec.js` is the other side.

use flux_reducers::__private::Misfit;
use flux_reducers::{Json, Value};
use serde_json::Value as JsonValue;

use crate::bytes::{Reader, tag, too_deep};
use crate::number;

/// Writes a field of any JSON.
pub(crate) type WriteJson = fn(&mut Writer<'_>, &Json) -> Result<(), Misfit>;

/// Writes what JavaScript reads.
pub(crate) struct Writer<'a> {
    bytes: Vec<u8>,
    /// Has texts that JavaScript has already.
    known: Option<&'a Reader>,
    write_json: Option<WriteJson>,
}

impl<'a> Writer<'a> {
    /// Creates one that writes over these bytes.
    pub(crate) fn new(
        mut bytes: Vec<u8>,
        known: Option<&'a Reader>,
        write_json: Option<WriteJson>,
    ) -> Self {
        bytes.clear();
        Self { bytes, known, write_json }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Writes a byte where one was written.
    pub(crate) fn byte_at(&mut self, place: usize, byte: u8) {
        if let Some(written) = self.bytes.get_mut(place) {
            *written = byte;
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(flag.into());
    }

    /// Writes the number of things; there are no more than fit the memory, which has 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "the address space has 32 bits")]
    pub(crate) fn count(&mut self, count: usize) {
        self.bytes.extend_from_slice(&(count as u32).to_le_bytes());
    }

    pub(crate) fn value(&mut self, value: &Value) -> Result<(), Misfit> {
        match value {
            Value::Null => self.byte(tag::NULL),
            Value::Bool(bool) => self.bool(*bool),
            Value::Integer(integer) => self.number(number::of_integer(*integer)?),
            Value::Float(float) => self.number(float.get()),
            Value::Text(text) => self.text(text),
            Value::Uuid(uuid) => self.text(uuid.hyphenated().encode_lower(&mut [0; 36])),
            Value::Timestamp(timestamp) => self.text(timestamp.encode(&mut [0; 24])),
            Value::Bytes(bytes) => self.text(&flux_reducers::__private::base64_text(bytes)),
            Value::Json(json) => match self.write_json {
                Some(write) => write(self, json)?,
                None => self.byte(tag::NULL),
            },
        }
        Ok(())
    }

    /// Writes any JSON.
    pub(crate) fn json(&mut self, json: &Json) -> Result<(), Misfit> {
        self.json_value(json.as_value(), Json::DEPTH_MAX)
    }

    fn json_value(&mut self, value: &JsonValue, depth_left: usize) -> Result<(), Misfit> {
        let deeper = || depth_left.checked_sub(1).ok_or_else(too_deep);
        match value {
            JsonValue::Null => self.byte(tag::NULL),
            JsonValue::Bool(bool) => self.bool(*bool),
            JsonValue::Number(number) => self.number(number::of_json(number)?),
            JsonValue::String(text) => self.text(text),
            JsonValue::Array(items) => {
                let depth_left = deeper()?;
                self.byte(tag::LIST);
                self.count(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.json_value(item, depth_left).map_err(|misfit| misfit.in_item(index))?;
                }
            }
            JsonValue::Object(members) => {
                let depth_left = deeper()?;
                self.byte(tag::OBJECT);
                self.count(members.len());
                for (name, item) in members {
                    self.characters(name);
                    self.json_value(item, depth_left).map_err(|misfit| misfit.in_member(name))?;
                }
            }
        }
        Ok(())
    }

    fn bool(&mut self, bool: bool) {
        self.byte(if bool { tag::TRUE } else { tag::FALSE });
    }

    fn number(&mut self, number: f64) {
        self.byte(tag::NUMBER);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        match self.known.and_then(|known| known.known(text)) {
            Some(start) => {
                self.byte(tag::KNOWN_TEXT);
                self.count(start);
            }
            None => {
                self.byte(tag::TEXT);
                self.characters(text);
            }
        }
    }

    fn characters(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }
}
