//! The border to JavaScript: bytes that `border/*.js` write and read, one call for a whole value. They
//! are imported as one script, `border.min.js`.
//!
//! JavaScript keeps the documents, finds them, and makes the next state; what it means is decided
//! here. A value that can't cross is written as such at its place, so that the path to it is known.

use std::cell::Cell;

use flux_reducers::__private::{Decoder as _, Token};
use flux_reducers::{Rejection, Row, Schema, Value, code as core_code};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::action::{CrossedAction, Untyped};
use crate::bytes::{ReadJson, Reader, tag};
use crate::description::Description;
use crate::error::{code, invalid_state};
use crate::loaded;
use crate::writer::{WriteJson, Writer};

#[wasm_bindgen(module = "/src/border.min.js")]
extern "C" {
    /// The border of one reducer.
    type Border;

    #[wasm_bindgen(constructor)]
    fn new(
        description: *const u8,
        memory: &JsValue,
        functions: &JsValue,
        run: usize,
        number: usize,
        room: *mut u8,
        room_length: usize,
    ) -> Border;

    #[wasm_bindgen(method)]
    fn reduce(this: &Border, state: &JsValue, action: &JsValue) -> JsValue;

    #[wasm_bindgen(method)]
    #[cold]
    fn report(this: &Border, rejection: *const u8);

    #[wasm_bindgen(method)]
    fn open(this: &Border, state: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn close(this: &Border);

    #[wasm_bindgen(method)]
    fn take(this: &Border, into: *mut u8);

    #[wasm_bindgen(method)]
    fn find(this: &Border, collection: u32, id: *const u8, into: *mut u8, length: usize) -> i32;

    #[wasm_bindgen(method)]
    fn count(this: &Border, collection: u32) -> i32;

    #[wasm_bindgen(method)]
    fn scan(this: &Border, collection: u32) -> JsValue;

    #[wasm_bindgen(method)]
    fn scan_narrowed(this: &Border, collection: u32, field: u32, spans: *const u8) -> JsValue;

    #[wasm_bindgen(method)]
    fn next(this: &Border, scan: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn loaded(this: &Border) -> i32;

    #[wasm_bindgen(method)]
    fn given(this: &Border, collection: u32) -> JsValue;

    #[wasm_bindgen(method)]
    fn next_given(this: &Border, given: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn put_given(this: &Border, given: &JsValue, rows: *const u8);

    #[wasm_bindgen(method)]
    fn twice(this: &Border, given: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn replace(this: &Border, given: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn what_is_broken(this: &Border) -> i32;
}

/// What JavaScript tells of an action.
pub(crate) enum Told {
    /// The documents of a collection.
    Loaded,
    Action(CrossedAction),
}

/// Which function of this package runs an action: of which reducer, and what is told of it.
pub(crate) type Run = extern "C" fn(usize, i32) -> usize;

/// Reads so many documents, and returns them as they are to be.
type ReadGiven<'a> = dyn FnMut(&mut Reader, usize) -> Result<Vec<u8>, Rejection> + 'a;

/// The border of one reducer, with what it needs to know of it.
pub(crate) struct Crossing {
    border: Border,
    schemas: Vec<&'static Schema>,
    types: Vec<&'static str>,
    json: Option<(ReadJson, WriteJson)>,
    /// Reads where JavaScript writes an action, unless it is in use; that stays where it is.
    room: Cell<Option<Reader>>,
    room_at: *const u8,
    /// Where JavaScript writes a document that is asked for.
    found: Cell<Vec<u8>>,
    /// Where JavaScript reads the changes.
    changes: Cell<Vec<u8>>,
}

impl Crossing {
    pub(crate) fn new(description: &Description<'_>, run: Run, number: usize) -> Self {
        let mut room = vec![0; ROOM];
        let border = Border::new(
            description.bytes().as_ptr(),
            &wasm_bindgen::memory(),
            &wasm_bindgen::function_table(),
            run as usize,
            number,
            room.as_mut_ptr(),
            room.len(),
        );
        Self {
            border,
            schemas: description.schemas.to_vec(),
            types: description.types(),
            json: description.json,
            room_at: room.as_ptr(),
            room: Cell::new(Some(Reader::new(room))),
            found: Cell::default(),
            changes: Cell::default(),
        }
    }

    /// Returns the border as JavaScript has it.
    pub(crate) fn as_value(&self) -> &JsValue {
        &self.border
    }

    /// Returns the next state, as JavaScript is to be asked for it.
    pub(crate) fn reduce(&self, state: &JsValue, action: &JsValue) -> JsValue {
        self.border.reduce(state, action)
    }

    /// Tells the listener that the action at hand is rejected.
    pub(crate) fn report(&self, rejection: &Rejection) {
        let mut writer = Writer::new(Vec::new(), None, None);
        writer.text(rejection.code());
        writer.text(rejection.message());
        match rejection.field() {
            Some(field) => writer.text(field),
            None => writer.byte(tag::NULL),
        }
        self.border.report(writer.into_bytes().as_ptr());
    }

    /// Returns which of the collections has this name.
    pub(crate) fn position(&self, collection: &str) -> Option<usize> {
        self.schemas.iter().position(|schema| schema.collection == collection)
    }

    pub(crate) fn schemas(&self) -> &[&'static Schema] {
        &self.schemas
    }

    pub(crate) fn write_json(&self) -> Option<WriteJson> {
        self.json.map(|(_, write)| write)
    }

    /// Takes what is told of an action.
    pub(crate) fn told(&self, told: i32) -> Result<Told, Rejection> {
        Err(match told {
            told::IS_LOADED => return Ok(Told::Loaded),
            told::BROKEN => self.broken(),
            told::BATCH_IN_BATCH => {
                // One that contains itself would have no end.
                Rejection::new(code::INVALID_ACTION, "a batch has actions, found a batch")
            }
            told::BATCH_OF_NOTHING => Rejection::new(
                core_code::INVALID_PAYLOAD,
                "the payload of `@@flux-capacitor/batch` is wrong: expected a list",
            ),
            told::NO_OBJECT => Untyped::NoObject.into(),
            told::NO_TYPE => Untyped::NoType.into(),
            told::TYPE_NO_TEXT => Untyped::NoText.into(),
            told::TYPE_LONE_SURROGATE => Untyped::LoneSurrogate.into(),
            told::TYPE_THREW => Untyped::Threw.into(),
            length => {
                let reader = match length - told::NOT_HANDED {
                    length if length >= 0 => self.taken(length)?,
                    _ => self.room.take().unwrap_or_else(|| Reader::new(Vec::new())),
                };
                return Ok(Told::Action(CrossedAction::new(reader)));
            }
        })
    }

    /// Takes the room back, so that the next action can be written there.
    pub(crate) fn end(&self, action: CrossedAction) {
        let mut reader = action.into_reader();
        if reader.place() == self.room_at {
            reader.rewind();
            self.room.set(Some(reader));
        }
    }

    /// Returns the types of the events, none where all are taken.
    pub(crate) fn types(&self) -> &[&'static str] {
        &self.types
    }

    /// Calls a function while a state is open to be read.
    pub(crate) fn with_state<T>(
        &self,
        state: &JsValue,
        call: impl FnOnce() -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let opened = self.border.open(state);
        let result = if opened == told::BROKEN { Err(self.broken()) } else { call() };
        self.border.close();
        result
    }

    /// Returns the document with the id that is written.
    pub(crate) fn find(&self, collection: usize, id: &[u8]) -> Result<Option<Row>, Rejection> {
        let mut bytes = self.found.take();
        bytes.resize(ROOM, 0);
        let (into, length) = (bytes.as_mut_ptr(), bytes.len());
        match self.border.find(index(collection), id.as_ptr(), into, length) {
            ABSENT => {
                self.found.set(bytes);
                Ok(None)
            }
            length => {
                let mut reader = match length - told::NOT_HANDED {
                    length if length >= 0 => self.taken(length)?,
                    _ if length >= 0 => Reader::new(bytes),
                    _ => return Err(self.broken()),
                };
                reader.count();
                let row = self.document(&mut reader, collection)?;
                self.found.set(reader.into_bytes());
                Ok(Some(row))
            }
        }
    }

    /// Returns how many documents a collection has.
    pub(crate) fn count(&self, collection: usize) -> u64 {
        u64::try_from(self.border.count(index(collection))).unwrap_or_default()
    }

    /// Calls a function with each document of a collection, ordered by id; or, where a field and
    /// the values that are wanted of it are told, with at least those that have one.
    pub(crate) fn for_each(
        &self,
        collection: usize,
        narrowed: Option<(usize, Vec<u8>)>,
        each: &mut dyn FnMut(Row),
    ) -> Result<(), Rejection> {
        let scan = match narrowed {
            Some((field, spans)) => {
                self.border.scan_narrowed(index(collection), index(field), spans.as_ptr())
            }
            None => self.border.scan(index(collection)),
        };
        loop {
            let mut reader = match self.border.next(&scan) {
                0 => return Ok(()),
                length => self.taken(length)?,
            };
            for _ in 0..reader.count() {
                each(self.document(&mut reader, collection)?);
            }
        }
    }

    /// Lets changes be written, and returns where they are until others are.
    pub(crate) fn changes(
        &self,
        write: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, Rejection>,
    ) -> Result<usize, Rejection> {
        let changes = write(self.changes.take())?;
        let place = changes.as_ptr() as usize;
        self.changes.set(changes);
        Ok(place)
    }

    /// Returns what a `loaded` is about.
    pub(crate) fn loaded(&self) -> Result<Reader, Rejection> {
        self.taken(self.border.loaded())
    }

    /// Makes the state in which a collection has the documents of a `loaded`. Those that have to be
    /// read here are given to a function, which returns them as they are to be.
    pub(crate) fn replace(
        &self,
        collection: usize,
        read: &mut ReadGiven<'_>,
    ) -> Result<(), Rejection> {
        let given = self.border.given(index(collection));
        loop {
            let mut reader = match self.border.next_given(&given) {
                0 => break,
                length => self.taken(length)?,
            };
            let count = reader.count();
            let rows = read(&mut reader, count)?;
            self.border.put_given(&given, rows.as_ptr());
        }
        match self.border.twice(&given) {
            0 if self.border.replace(&given) == told::BROKEN => Err(self.broken()),
            0 => Ok(()),
            length => {
                let schema = self.schemas[collection];
                let id = self.taken(length)?.field(schema.id_field().kind);
                Err(loaded::twice(schema, &id.unwrap_or(Value::Null)))
            }
        }
    }

    /// Reads a document as it is in a state.
    pub(crate) fn document(
        &self,
        reader: &mut Reader,
        collection: usize,
    ) -> Result<Row, Rejection> {
        let schema = self.schemas[collection];
        self.row(reader, schema).map_err(|rejection| {
            let invalid = invalid_state(schema.collection, rejection.message());
            match rejection.field() {
                Some(field) => invalid.with_field(field),
                None => invalid,
            }
        })
    }

    /// Reads a document.
    pub(crate) fn row(
        &self,
        reader: &mut Reader,
        schema: &'static Schema,
    ) -> Result<Row, Rejection> {
        reader.document(schema, self.json.map(|(read, _)| read))
    }

    /// Takes what was written, of this length.
    fn taken(&self, length: i32) -> Result<Reader, Rejection> {
        let length = usize::try_from(length).map_err(|_| self.broken())?;
        let mut bytes = vec![0; length];
        self.border.take(bytes.as_mut_ptr());
        Ok(Reader::new(bytes))
    }

    #[cold]
    fn broken(&self) -> Rejection {
        let mut bytes = vec![0; usize::try_from(self.border.what_is_broken()).unwrap_or_default()];
        self.border.take(bytes.as_mut_ptr());
        let mut reader = Reader::new(bytes);
        let schema = self.schemas.get(usize::from(reader.byte()));
        let reason = match reader.next() {
            Ok(Token::Text(reason)) => reason,
            _ => "",
        };
        match schema {
            Some(schema) => invalid_state(schema.collection, reason),
            None => {
                let what = "the state is no object with the state of each collection: ";
                Rejection::new(code::INVALID_STATE, [what, reason].concat())
            }
        }
    }
}

/// How many bytes there are for what JavaScript writes; what is longer is copied.
const ROOM: usize = 8192;

/// What `find` answers where there is no document.
const ABSENT: i32 = -1;

/// What JavaScript tells of an action, if not its length.
mod told {
    pub(super) const IS_LOADED: i32 = -2;
    pub(super) const BROKEN: i32 = -3;
    pub(super) const BATCH_IN_BATCH: i32 = -4;
    pub(super) const BATCH_OF_NOTHING: i32 = -5;
    pub(super) const NO_OBJECT: i32 = -10;
    pub(super) const NO_TYPE: i32 = -11;
    pub(super) const TYPE_NO_TEXT: i32 = -12;
    pub(super) const TYPE_LONE_SURROGATE: i32 = -13;
    pub(super) const TYPE_THREW: i32 = -14;
    /// Added to the length of what is to be taken.
    pub(super) const NOT_HANDED: i32 = 1 << 30;
}

#[expect(clippy::cast_possible_truncation, reason = "collections and fields are few")]
const fn index(number: usize) -> u32 {
    number as u32
}

#[wasm_bindgen(module = "/src/border.min.js")]
extern "C" {
    /// Exported from every package as it is.
    #[wasm_bindgen(reexport, skip_typescript)]
    fn actions();

    /// Exported from every package as it is.
    #[wasm_bindgen(reexport, skip_typescript)]
    fn batch();

    /// Says which version the actions of a type have.
    pub(crate) fn stamp(event_type: &str, version: u32);
}
