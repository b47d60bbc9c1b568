//! Reads the values that JavaScript wrote as bytes. `border/codec.js` is the other side.

use std::ops::Range;

use flux_reducers::__private::{Decoder, Misfit, Token};
use flux_reducers::{Json, Kind, Rejection, Row, Schema, Uuid, Value, code as core_code};

use crate::number;

/// What a byte says that comes next.
pub(crate) mod tag {
    pub(crate) const ABSENT: u8 = 0;
    pub(crate) const NULL: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const TRUE: u8 = 3;
    pub(crate) const NUMBER: u8 = 4;
    pub(crate) const BIG_INTEGER: u8 = 5;
    pub(crate) const TEXT: u8 = 6;
    pub(crate) const KNOWN_TEXT: u8 = 7;
    pub(crate) const LIST: u8 = 8;
    pub(crate) const OBJECT: u8 = 9;
    pub(crate) const WIDE_INTEGER: u8 = 10;
    pub(crate) const LONE_SURROGATE: u8 = 11;
    pub(crate) const THREW: u8 = 12;
    pub(crate) const TOO_DEEP: u8 = 13;
    pub(crate) const CLASS: u8 = 14;
    pub(crate) const SYMBOL: u8 = 15;
    pub(crate) const FUNCTION: u8 = 16;
    /// An object of whose members only those that are wanted follow, without their names.
    pub(crate) const RECORD: u8 = 17;
    /// A text that is elsewhere: where, and how long it is.
    pub(crate) const TEXT_AT: u8 = 18;
}

/// Texts that are told by where they are instead of written again.
const KNOWN_MAX: usize = 64;

/// As the length of a text: it has half of a surrogate pair.
const NO_TEXT: usize = u32::MAX as usize;

/// Where nothing is: what is read there is absent.
const NOWHERE: usize = usize::MAX;

/// Reads a field of any JSON.
pub(crate) type ReadJson = fn(&mut Reader) -> Result<Value, Misfit>;

/// Reads what JavaScript wrote.
pub(crate) struct Reader {
    bytes: Vec<u8>,
    at: usize,
    /// Objects that are being read by the names of their members.
    records: Vec<Scattered>,
    /// Texts that JavaScript knows by where they are.
    texts: Vec<Range<usize>>,
    keeps_texts: bool,
}

/// An object whose members are read in another order than they are written in.
struct Scattered {
    /// Where the members are that are still to be read, the last first.
    members: Vec<usize>,
    end: usize,
}

impl Reader {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0, records: Vec::new(), texts: Vec::new(), keeps_texts: false }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Where the bytes are.
    pub(crate) const fn place(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    /// Begins anew, with other bytes in the same place.
    pub(crate) fn rewind(&mut self) {
        self.at = 0;
        self.records.clear();
        self.texts.clear();
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Keeps in mind where the texts are that come next: JavaScript knows them by that.
    pub(crate) fn keep_texts(&mut self, keeps: bool) {
        self.keeps_texts = keeps;
        if keeps {
            self.texts.clear();
        }
    }

    /// Returns where a text is that JavaScript has.
    pub(crate) fn known(&self, text: &str) -> Option<usize> {
        // An empty one has no place of its own.
        if text.is_empty() {
            return None;
        }
        let is_same = |range: &&Range<usize>| {
            let bytes = self.bytes.get((*range).clone()).unwrap_or_default();
            is_same(bytes, text.as_bytes())
        };
        self.texts.iter().find(is_same).map(|range| range.start)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let byte = self.peek();
        self.at = self.at.wrapping_add(1);
        byte
    }

    pub(crate) fn count(&mut self) -> usize {
        u32::from_le_bytes(self.fixed()) as usize
    }

    /// Reads a document. Members that the schema does not have are not in it.
    pub(crate) fn document(
        &mut self,
        schema: &'static Schema,
        read_json: Option<ReadJson>,
    ) -> Result<Row, Rejection> {
        let mut values = Vec::with_capacity(schema.fields.len());
        for field in schema.fields {
            let value = match (field.kind, read_json) {
                (Kind::Json, Some(read)) => read(self),
                _ => self.field(field.kind),
            };
            values.push(value.map_err(|misfit| not_held(schema, misfit, field.name))?);
        }
        schema.row(values)
    }

    /// Reads a field; what text stands for is read by the schema.
    pub(crate) fn field(&mut self, kind: Kind) -> Result<Value, Misfit> {
        let is_integer = matches!(kind, Kind::I32 | Kind::I64 | Kind::U32);
        if self.peek() == tag::NUMBER {
            self.at += 1;
            let number = f64::from_le_bytes(self.fixed());
            return match number::safe_integer(number) {
                Some(integer) if is_integer => Ok(Value::from(integer)),
                None if matches!(kind, Kind::I64) && number::is_whole(number) => {
                    Err(number::unsafe_integer(number))
                }
                _ => Ok(Value::from(number)),
            };
        }
        match self.next()? {
            Token::Absent | Token::Null => Ok(Value::Null),
            Token::Bool(bool) => Ok(Value::Bool(bool)),
            // What is none of its kind stays text, and is told so later.
            Token::Text(text) => Ok(match kind {
                Kind::Uuid => Uuid::try_parse(text).map_or_else(|_| text.into(), Value::from),
                Kind::Timestamp => text.parse().map_or_else(|_| text.into(), Value::Timestamp),
                _ => Value::from(text),
            }),
            Token::Integer(integer) => Ok(Value::from(integer)),
            Token::Float(float) => Ok(Value::from(float)),
            Token::Large(_) | Token::List(_) | Token::Object(_) => Err(Misfit::new(
                ["expected ", &kind.to_string(), ", found a list or an object"].concat(),
            )),
        }
    }

    /// Reads an id that is written as it is in a state.
    pub(crate) fn canonical_id(&mut self, kind: Kind) -> Option<Value> {
        let start = self.at;
        let id = self.field(kind).ok()?;
        if let Value::Uuid(uuid) = id {
            self.at = start;
            let Ok(Token::Text(text)) = self.next() else {
                return None;
            };
            let mut buffer = [0; 36];
            let written = uuid.hyphenated().encode_lower(&mut buffer);
            return is_same(text.as_bytes(), written.as_bytes()).then_some(id);
        }
        id.into_kind(&kind).ok()
    }

    /// Passes over a value, and says what in it can't be read.
    pub(crate) fn skip(&mut self) -> Result<(), Misfit> {
        match self.next()? {
            Token::List(count) => {
                for index in 0..count {
                    self.skip().map_err(|misfit| misfit.in_item(index))?;
                }
            }
            Token::Object(count) => {
                for _ in 0..count {
                    let name = self.name_at();
                    self.skip().map_err(|misfit| misfit.in_member(self.text(name)))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Passes over a value as it is.
    pub(crate) fn pass(&mut self) {
        match self.byte() {
            tag::NUMBER | tag::BIG_INTEGER | tag::TEXT_AT => self.at += 8,
            tag::TEXT => {
                self.range();
            }
            tag::CLASS => {
                self.byte();
                self.range();
            }
            tag::LIST => (0..self.count()).for_each(|_| self.pass()),
            tag::OBJECT => (0..self.count()).for_each(|_| {
                self.name_at();
                self.pass();
            }),
            _ => {}
        }
    }

    pub(crate) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    fn passes(&mut self, tag: u8) -> bool {
        let passes = self.peek() == tag;
        if passes {
            self.at = self.at.wrapping_add(1);
        }
        passes
    }

    /// Passes over the name of a member; returns where it is.
    fn name_at(&mut self) -> Range<usize> {
        self.at += 1;
        self.range()
    }

    /// Passes over characters, after their number; returns where they are.
    fn range(&mut self) -> Range<usize> {
        let length = self.count();
        let start = self.at;
        self.at += length;
        start..self.at
    }

    /// Passes over where characters are.
    fn range_elsewhere(&mut self) -> Result<Range<usize>, Misfit> {
        let (start, length) = (self.count(), self.count());
        if length == NO_TEXT { Err(lone_surrogate()) } else { Ok(start..start + length) }
    }

    /// Returns the text that is there: JavaScript writes only what is well-formed.
    fn text(&self, range: Range<usize>) -> &str {
        self.bytes.get(range).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += N;
        rest.first_chunk().copied().unwrap_or([0; N])
    }
}

impl Decoder for Reader {
    fn next(&mut self) -> Result<Token<'_>, Misfit> {
        Ok(match self.byte() {
            tag::ABSENT => Token::Absent,
            tag::FALSE => Token::Bool(false),
            tag::TRUE => Token::Bool(true),
            tag::NUMBER => number::token(f64::from_le_bytes(self.fixed()))?,
            tag::BIG_INTEGER => Token::Integer(i64::from_le_bytes(self.fixed())),
            tag @ (tag::TEXT | tag::TEXT_AT) => {
                let range = if tag == tag::TEXT { self.range() } else { self.range_elsewhere()? };
                if self.keeps_texts && self.texts.len() < KNOWN_MAX {
                    self.texts.push(range.clone());
                }
                Token::Text(self.text(range))
            }
            tag::LIST => Token::List(self.count()),
            tag::OBJECT => Token::Object(self.count()),
            tag::WIDE_INTEGER => return Err(Misfit::new("the BigInt does not fit 64 bits")),
            tag::LONE_SURROGATE => return Err(lone_surrogate()),
            tag::THREW => return Err(Misfit::new("reading it threw an error")),
            tag::TOO_DEEP => return Err(too_deep()),
            tag::CLASS => {
                let class = self.name_at();
                return Err(not_plain(self.text(class)));
            }
            tag::SYMBOL => return Err(Misfit::new("expected JSON data, found a symbol")),
            tag::FUNCTION => return Err(Misfit::new("expected JSON data, found a function")),
            _ => Token::Null,
        })
    }

    fn name(&mut self) -> &str {
        let range = self.name_at();
        self.text(range)
    }

    fn record(&mut self, names: &[&str]) -> Result<Option<Token<'_>>, Misfit> {
        if self.passes(tag::RECORD) {
            return Ok(None);
        }
        if self.peek() != tag::OBJECT {
            return self.next().map(Some);
        }
        self.at += 1;
        let mut members = vec![NOWHERE; names.len()];
        for _ in 0..self.count() {
            let name = self.name_at();
            let position = names.iter().rev().position(|wanted| *wanted == self.text(name.clone()));
            if let Some(member) = position.and_then(|position| members.get_mut(position)) {
                *member = self.at;
            }
            self.pass();
        }
        self.records.push(Scattered { members, end: self.at });
        Ok(None)
    }

    fn member(&mut self) {
        if let Some(record) = self.records.last_mut() {
            self.at = record.members.pop().unwrap_or(NOWHERE);
        }
    }

    fn end_record(&mut self) {
        if let Some(record) = self.records.pop() {
            self.at = record.end;
        }
    }

    fn is_absent(&mut self) -> bool {
        self.passes(tag::ABSENT)
    }

    fn is_null(&mut self) -> bool {
        self.passes(tag::NULL)
    }
}

/// Compares by eight bytes: in WebAssembly `==` takes them one by one.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<8>(), right.as_chunks());
    let are_same = |(left, right): (&[u8; 8], &[u8; 8])| {
        u64::from_le_bytes(*left) == u64::from_le_bytes(*right)
    };
    left.len() == right.len() && left_rest == right_rest && left.iter().zip(right).all(are_same)
}

/// Returns the rejection of a document with a member that is wrong.
#[cold]
pub(crate) fn not_held(schema: &Schema, misfit: Misfit, field: &str) -> Rejection {
    let what = ["a document of collection `", schema.collection, "` is wrong"].concat();
    misfit.in_member(field).into_rejection(core_code::INVALID_VALUE, &what)
}

#[cold]
pub(crate) fn lone_surrogate() -> Misfit {
    Misfit::new("the text has half of a surrogate pair, which is no character")
}

#[cold]
pub(crate) fn too_deep() -> Misfit {
    let most = Json::DEPTH_MAX;
    Misfit::new(format!("lists and objects may be nested {most} deep, found more"))
}

#[cold]
fn not_plain(class: &str) -> Misfit {
    let cure = match class {
        "Date" => ": use `date.toISOString()`",
        "Map" => ": use `Object.fromEntries(map)`",
        "Set" => ": use `[...set]`",
        _ => "",
    };
    Misfit::new(
        [
            "expected plain data (null, true, false, a number, text, a list, an object), found a ",
            class,
            cure,
        ]
        .concat(),
    )
}
