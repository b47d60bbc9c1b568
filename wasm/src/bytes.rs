//! Values as the bytes that cross the border, in both directions. `border/codec.js` is the other
//! side.

use std::borrow::Cow;
use std::ops::Range;

use flux_reducers::{Json, Kind, Rejection, Row, Schema, Value, code as core_code};
use serde_json::{Map, Value as JsonValue};

use crate::error::Problem;
use crate::number;

/// What a byte says that comes next.
mod tag {
    pub(super) const ABSENT: u8 = 0;
    pub(super) const NULL: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const TRUE: u8 = 3;
    pub(super) const NUMBER: u8 = 4;
    pub(super) const BIG_INTEGER: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const KNOWN_TEXT: u8 = 7;
    pub(super) const LIST: u8 = 8;
    pub(super) const OBJECT: u8 = 9;
    pub(super) const WIDE_INTEGER: u8 = 10;
    pub(super) const LONE_SURROGATE: u8 = 11;
    pub(super) const THREW: u8 = 12;
    pub(super) const TOO_DEEP: u8 = 13;
    pub(super) const CLASS: u8 = 14;
    pub(super) const SYMBOL: u8 = 15;
    pub(super) const FUNCTION: u8 = 16;
}

/// Texts that are named by a number instead of written again.
const KNOWN_MAX: usize = 64;

/// Reads what JavaScript wrote.
pub(crate) struct Reader {
    bytes: Vec<u8>,
    at: usize,
    /// Where the first texts are.
    texts: Vec<Range<usize>>,
    /// How many of those that come are kept in mind.
    texts_left: usize,
}

/// A value of no list and no object, or the beginning of one.
enum Item<'a> {
    Absent,
    Null,
    Bool(bool),
    Number(f64),
    BigInteger(i64),
    Text(Cow<'a, str>),
    List(usize),
    Object(usize),
}

impl Reader {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0, texts: Vec::new(), texts_left: KNOWN_MAX }
    }

    /// Tells that JavaScript does not know the texts that follow by their number.
    pub(crate) const fn end_texts(&mut self) {
        self.texts_left = 0;
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    pub(crate) fn count(&mut self) -> usize {
        u32::from_le_bytes(self.fixed()) as usize
    }

    /// Reads JSON; `None` for `undefined`.
    pub(crate) fn json(&mut self) -> Result<Option<JsonValue>, Problem> {
        Ok(Some(match self.item()? {
            Item::Absent => return Ok(None),
            Item::Null => JsonValue::Null,
            Item::Bool(bool) => bool.into(),
            Item::Number(number) => JsonValue::Number(number::decode(number)?),
            Item::BigInteger(integer) => integer.into(),
            Item::Text(text) => text.into_owned().into(),
            Item::List(count) => {
                let items = (0..count).map(|index| {
                    // As in JSON: there is no `undefined` in a list.
                    let item = self.json().map(Option::unwrap_or_default);
                    item.map_err(|problem| problem.in_item(index))
                });
                JsonValue::Array(items.collect::<Result<_, _>>()?)
            }
            Item::Object(count) => {
                let mut members = Map::new();
                for _ in 0..count {
                    self.byte();
                    let name = self.characters().into_owned();
                    let item = self.json().map_err(|problem| problem.in_member(&name))?;
                    if let Some(item) = item {
                        members.insert(name, item);
                    }
                }
                JsonValue::Object(members)
            }
        }))
    }

    /// Reads a document. Members that the schema does not have are not in it.
    pub(crate) fn document(&mut self, schema: &'static Schema) -> Result<Row, Rejection> {
        let mut values = Vec::with_capacity(schema.fields.len());
        for field in schema.fields {
            let value = self.field(field.kind);
            values.push(value.map_err(|problem| misfit(schema, problem, field.name))?);
        }
        schema.row(values)
    }

    /// Reads a field; what text stands for is read by the schema.
    fn field(&mut self, kind: Kind) -> Result<Value, Problem> {
        if matches!(kind, Kind::Json) {
            let json = self.json()?.filter(|json| !json.is_null());
            return Ok(json.map(Json::new).into());
        }
        match self.item()? {
            Item::Absent | Item::Null => Ok(Value::Null),
            Item::Bool(bool) => Ok(Value::Bool(bool)),
            Item::Text(text) => Ok(Value::from(&*text)),
            Item::BigInteger(integer) => Ok(Value::from(integer)),
            Item::Number(number) => match (kind, number::safe_integer(number)) {
                (Kind::I32 | Kind::I64 | Kind::U32, Some(integer)) => Ok(Value::from(integer)),
                (Kind::I64, None) if number.trunc() == number => Err(Problem::integer(number)),
                _ => Ok(Value::from(number)),
            },
            Item::List(_) | Item::Object(_) => {
                Err(Problem::new(format!("expected {kind}, found a list or an object")))
            }
        }
    }

    fn item(&mut self) -> Result<Item<'_>, Problem> {
        Ok(match self.byte() {
            tag::ABSENT => Item::Absent,
            tag::FALSE => Item::Bool(false),
            tag::TRUE => Item::Bool(true),
            tag::NUMBER => Item::Number(f64::from_le_bytes(self.fixed())),
            tag::BIG_INTEGER => Item::BigInteger(i64::from_le_bytes(self.fixed())),
            tag::TEXT => {
                let length = self.count();
                if self.texts_left > 0 {
                    self.texts_left -= 1;
                    self.texts.push(self.at..self.at + length);
                }
                Item::Text(self.text(length))
            }
            tag::LIST => Item::List(self.count()),
            tag::OBJECT => Item::Object(self.count()),
            tag::WIDE_INTEGER => return Err(Problem::new("the BigInt does not fit 64 bits")),
            tag::LONE_SURROGATE => return Err(lone_surrogate()),
            tag::THREW => return Err(Problem::new("reading it threw an error")),
            tag::TOO_DEEP => return Err(too_deep()),
            tag::CLASS => return Err(not_plain(&self.class())),
            tag::SYMBOL => return Err(Problem::new("expected JSON data, found a symbol")),
            tag::FUNCTION => return Err(Problem::new("expected JSON data, found a function")),
            _ => Item::Null,
        })
    }

    fn class(&mut self) -> Cow<'_, str> {
        self.byte();
        self.characters()
    }

    fn characters(&mut self) -> Cow<'_, str> {
        let length = self.count();
        self.text(length)
    }

    fn text(&mut self, length: usize) -> Cow<'_, str> {
        let start = self.at;
        self.at += length;
        let bytes = self.bytes.get(start..self.at).unwrap_or_default();
        str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
    }

    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let bytes = self.bytes.get(self.at..self.at + N).and_then(|bytes| bytes.try_into().ok());
        self.at += N;
        bytes.unwrap_or([0; N])
    }
}

/// Writes what JavaScript reads.
pub(crate) struct Writer<'a> {
    bytes: Vec<u8>,
    /// Has texts that JavaScript has already.
    known: Option<&'a Reader>,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(known: Option<&'a Reader>) -> Self {
        Self { bytes: Vec::new(), known }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes the number of things; there are no more than fit the memory, which has 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "the address space has 32 bits")]
    pub(crate) fn count(&mut self, count: usize) {
        self.bytes.extend((count as u32).to_le_bytes());
    }

    pub(crate) fn value(&mut self, value: &Value) -> Result<(), Problem> {
        match value {
            Value::Null => self.byte(tag::NULL),
            Value::Bool(bool) => self.bool(*bool),
            Value::Integer(integer) => self.number(number::of_integer(*integer)?),
            Value::Float(float) => self.number(float.get()),
            Value::Text(text) => self.text(text),
            Value::Uuid(uuid) => self.text(uuid.hyphenated().encode_lower(&mut [0; 36])),
            Value::Json(json) => self.json(json.as_value(), Json::DEPTH_MAX)?,
            // Text in JSON.
            Value::Timestamp(_) | Value::Bytes(_) => self.json(&value.to_json(), 0)?,
        }
        Ok(())
    }

    fn json(&mut self, value: &JsonValue, depth_left: usize) -> Result<(), Problem> {
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
                    self.json(item, depth_left).map_err(|problem| problem.in_item(index))?;
                }
            }
            JsonValue::Object(members) => {
                let depth_left = deeper()?;
                self.byte(tag::OBJECT);
                self.count(members.len());
                for (name, item) in members {
                    self.characters(name);
                    self.json(item, depth_left).map_err(|problem| problem.in_member(name))?;
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
        self.bytes.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        let same = |known: &Reader| {
            let is_same = |range: &Range<usize>| known.bytes[range.clone()] == *text.as_bytes();
            known.texts.iter().position(is_same)
        };
        match self.known.and_then(same).and_then(|index| u8::try_from(index).ok()) {
            Some(index) => self.bytes.extend([tag::KNOWN_TEXT, index]),
            None => {
                self.byte(tag::TEXT);
                self.characters(text);
            }
        }
    }

    fn characters(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend(text.as_bytes());
    }
}

/// Returns the rejection of a document with a member that is wrong.
pub(crate) fn misfit(schema: &Schema, problem: Problem, field: &str) -> Rejection {
    let what = format!("a document of collection `{}` is wrong", schema.collection);
    problem.in_member(field).into_rejection(core_code::INVALID_VALUE, &what)
}

pub(crate) fn lone_surrogate() -> Problem {
    Problem::new("the text has half of a surrogate pair, which is no character")
}

fn too_deep() -> Problem {
    let most = Json::DEPTH_MAX;
    Problem::new(format!("lists and objects may be nested {most} deep, found more"))
}

fn not_plain(class: &str) -> Problem {
    let cure = match class {
        "Date" => ": use `date.toISOString()`",
        "Map" => ": use `Object.fromEntries(map)`",
        "Set" => ": use `[...set]`",
        _ => "",
    };
    Problem::new(format!(
        "expected plain data (null, true, false, a number, text, a list, an object), found a \
         {class}{cure}"
    ))
}
