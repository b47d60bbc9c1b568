//! The border to JavaScript: bytes that `border/*.js` write and read, one call for a whole value.
//!
//! JavaScript keeps the documents, finds them, and makes the next state; what it means is decided
//! here. A value that can't cross is written as such at its place, so that the path to it is known.

use std::cell::Cell;

use flux_reducers::{Rejection, Row, Schema, Value};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::action::{CrossedAction, Untyped};
use crate::bytes::{ReadJson, Reader};
use crate::description::Description;
use crate::error::{code, invalid_state};
use crate::loaded;
use crate::writer::WriteJson;

#[wasm_bindgen(module = "/src/border/reducer.js")]
extern "C" {
    /// The border of one reducer.
    type Border;

    #[wasm_bindgen(constructor)]
    fn new(description: &str, memory: &JsValue) -> Border;

    #[wasm_bindgen(method, getter)]
    fn empty(this: &Border) -> JsValue;

    #[wasm_bindgen(method)]
    fn begin(this: &Border, state: &JsValue, action: &JsValue, into: *mut u8, length: usize)
    -> i32;

    #[wasm_bindgen(method)]
    fn take(this: &Border, into: *mut u8);

    #[wasm_bindgen(method)]
    fn find(
        this: &Border,
        collection: u32,
        id: *const u8,
        id_length: usize,
        into: *mut u8,
        length: usize,
    ) -> i32;

    #[wasm_bindgen(method)]
    fn count(this: &Border, collection: u32) -> i32;

    #[wasm_bindgen(method)]
    fn scan(this: &Border, collection: u32) -> JsValue;

    #[wasm_bindgen(method)]
    fn next(this: &Border, scan: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn apply(this: &Border, delta: *const u8, length: usize) -> JsValue;

    #[wasm_bindgen(method)]
    fn loaded(this: &Border, action: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn given(this: &Border, action: &JsValue, collection: u32) -> JsValue;

    #[wasm_bindgen(method)]
    fn next_given(this: &Border, given: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn put_given(this: &Border, given: &JsValue, rows: *const u8, length: usize);

    #[wasm_bindgen(method)]
    fn twice(this: &Border, given: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn replace(this: &Border, state: &JsValue, given: &JsValue) -> JsValue;

    #[wasm_bindgen(method)]
    fn batch_length(this: &Border, action: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn batch_item(this: &Border, action: &JsValue, index: i32) -> JsValue;

    #[wasm_bindgen(method)]
    fn broken_collection(this: &Border) -> i32;

    #[wasm_bindgen(method)]
    fn broken_reason(this: &Border) -> String;
}

/// What an action is to a reducer.
pub(crate) enum Begun {
    /// None of its events.
    Ignored,
    /// The documents of a collection.
    Loaded,
    /// Several actions.
    Batch,
    Action(CrossedAction),
}

/// Reads so many documents, and returns them as they are to be.
type ReadGiven<'a> = dyn FnMut(&mut Reader, usize) -> Result<Vec<u8>, Rejection> + 'a;

/// The border of one reducer, with what it needs to know of it.
pub(crate) struct Crossing {
    border: Border,
    schemas: Vec<&'static Schema>,
    types: Vec<&'static str>,
    json: Option<(ReadJson, WriteJson)>,
    /// What JavaScript writes into, unless it is in use: a getter may call the reducer.
    bytes: Cell<Vec<u8>>,
}

impl Crossing {
    pub(crate) fn new(description: &Description<'_>) -> Self {
        Self {
            border: Border::new(&description.json(), &wasm_bindgen::memory()),
            schemas: description.schemas.to_vec(),
            types: description.types(),
            json: description.json,
            bytes: Cell::default(),
        }
    }

    /// Returns the state without documents.
    pub(crate) fn empty(&self) -> JsValue {
        self.border.empty()
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

    pub(crate) fn begin(&self, state: &JsValue, action: &JsValue) -> Result<Begun, Rejection> {
        let mut bytes = self.free_bytes();
        let answered = self.border.begin(state, action, bytes.as_mut_ptr(), bytes.len());
        let untyped = match answered {
            answer::NO_OBJECT => Untyped::NoObject,
            answer::NO_TYPE => Untyped::NoType,
            answer::TYPE_NO_TEXT => Untyped::NoText,
            answer::TYPE_LONE_SURROGATE => Untyped::LoneSurrogate,
            answer::TYPE_THREW => Untyped::Threw,
            _ => {
                let begun = match answered {
                    answer::IGNORED => Begun::Ignored,
                    answer::IS_LOADED => Begun::Loaded,
                    answer::IS_BATCH => Begun::Batch,
                    length => {
                        let reader = self.taken_unless_here(length, bytes)?;
                        return CrossedAction::read(reader, &self.types).map(Begun::Action);
                    }
                };
                self.bytes.set(bytes);
                return Ok(begun);
            }
        };
        self.bytes.set(bytes);
        Err(untyped.into())
    }

    /// Takes bytes back that are not needed any more.
    pub(crate) fn end(&self, action: CrossedAction) {
        self.bytes.set(action.into_bytes());
    }

    /// Returns the document with the id that is written.
    pub(crate) fn find(&self, collection: usize, id: &[u8]) -> Result<Option<Row>, Rejection> {
        let mut bytes = self.free_bytes();
        let (into, length) = (bytes.as_mut_ptr(), bytes.len());
        match self.border.find(index(collection), id.as_ptr(), id.len(), into, length) {
            answer::ABSENT => {
                self.bytes.set(bytes);
                Ok(None)
            }
            length => {
                let mut reader = self.taken_unless_here(length, bytes)?;
                reader.count();
                let row = self.document(&mut reader, collection)?;
                self.bytes.set(reader.into_bytes());
                Ok(Some(row))
            }
        }
    }

    /// Returns how many documents a collection has.
    pub(crate) fn count(&self, collection: usize) -> u64 {
        u64::try_from(self.border.count(index(collection))).unwrap_or_default()
    }

    /// Calls a function with each document of a collection, ordered by id.
    pub(crate) fn for_each(
        &self,
        collection: usize,
        each: &mut dyn FnMut(Row),
    ) -> Result<(), Rejection> {
        let scan = self.border.scan(index(collection));
        loop {
            let mut reader = match self.border.next(&scan) {
                0 => return Ok(()),
                length => self.taken(length, Vec::new())?,
            };
            for _ in 0..reader.count() {
                each(self.document(&mut reader, collection)?);
            }
        }
    }

    /// Returns the state with the changes that are written.
    pub(crate) fn apply(&self, delta: &[u8]) -> Result<JsValue, Rejection> {
        self.unless_broken(self.border.apply(delta.as_ptr(), delta.len()))
    }

    /// Returns the actions of a batch, if it has a list of them.
    pub(crate) fn batch(&self, action: &JsValue) -> Option<impl Iterator<Item = JsValue>> {
        let length = self.border.batch_length(action);
        let items = (0..length).map(|index| self.border.batch_item(action, index));
        (length >= 0).then_some(items)
    }

    /// Returns what a `loaded` is about.
    pub(crate) fn loaded(&self, action: &JsValue) -> Result<Reader, Rejection> {
        self.taken(self.border.loaded(action), Vec::new())
    }

    /// Returns the state in which a collection has the documents of a `loaded`. Those that have to
    /// be read here are given to a function, which returns them as they are to be.
    pub(crate) fn replace(
        &self,
        state: &JsValue,
        action: &JsValue,
        collection: usize,
        read: &mut ReadGiven<'_>,
    ) -> Result<JsValue, Rejection> {
        let given = self.border.given(action, index(collection));
        loop {
            let mut reader = match self.border.next_given(&given) {
                0 => break,
                length => self.taken(length, Vec::new())?,
            };
            let count = reader.count();
            let rows = read(&mut reader, count)?;
            self.border.put_given(&given, rows.as_ptr(), rows.len());
        }
        match self.border.twice(&given) {
            0 => self.unless_broken(self.border.replace(state, &given)),
            length => {
                let schema = self.schemas[collection];
                let id = self.taken(length, Vec::new())?.field(schema.id_field().kind);
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

    fn free_bytes(&self) -> Vec<u8> {
        let bytes = self.bytes.take();
        if bytes.is_empty() { vec![0; BYTES_MIN] } else { bytes }
    }

    /// Takes what was written, unless it is here already.
    fn taken_unless_here(&self, length: i32, bytes: Vec<u8>) -> Result<Reader, Rejection> {
        match length - answer::NOT_HANDED {
            length if length >= 0 => self.taken(length, bytes),
            _ if length >= 0 => Ok(Reader::new(bytes)),
            _ => {
                self.bytes.set(bytes);
                Err(self.broken())
            }
        }
    }

    /// Takes what was written, of this length.
    fn taken(&self, length: i32, mut bytes: Vec<u8>) -> Result<Reader, Rejection> {
        let length = usize::try_from(length).map_err(|_| self.broken())?;
        bytes.resize(length.max(bytes.len()), 0);
        self.border.take(bytes.as_mut_ptr());
        Ok(Reader::new(bytes))
    }

    fn unless_broken(&self, state: JsValue) -> Result<JsValue, Rejection> {
        if state.is_undefined() { Err(self.broken()) } else { Ok(state) }
    }

    fn broken(&self) -> Rejection {
        let reason = self.border.broken_reason();
        let schema = usize::try_from(self.border.broken_collection()).ok();
        match schema.and_then(|collection| self.schemas.get(collection)) {
            Some(schema) => invalid_state(schema.collection, &reason),
            None => {
                let what = "the state is no object with the state of each collection: ";
                Rejection::new(code::INVALID_STATE, [what, &reason].concat())
            }
        }
    }
}

/// How many bytes there are at first for what JavaScript writes.
const BYTES_MIN: usize = 4096;

/// What JavaScript answers instead of a length.
mod answer {
    pub(super) const IGNORED: i32 = -1;
    pub(super) const IS_LOADED: i32 = -2;
    pub(super) const IS_BATCH: i32 = -4;
    pub(super) const NO_OBJECT: i32 = -10;
    pub(super) const NO_TYPE: i32 = -11;
    pub(super) const TYPE_NO_TEXT: i32 = -12;
    pub(super) const TYPE_LONE_SURROGATE: i32 = -13;
    pub(super) const TYPE_THREW: i32 = -14;
    pub(super) const ABSENT: i32 = -1;
    /// Added to the length of what is to be taken.
    pub(super) const NOT_HANDED: i32 = 1 << 30;
}

#[expect(clippy::cast_possible_truncation, reason = "there are few collections")]
const fn index(collection: usize) -> u32 {
    collection as u32
}

#[wasm_bindgen(module = "/src/border/given.js")]
extern "C" {
    /// Imported, so that its file is in the package.
    type Given;
}

#[wasm_bindgen(module = "/src/border/actions.js")]
extern "C" {
    /// Exported from every package as it is.
    #[wasm_bindgen(reexport, skip_typescript)]
    fn actions();

    /// Exported from every package as it is.
    #[wasm_bindgen(reexport, skip_typescript)]
    fn batch();
}

#[wasm_bindgen(module = "/src/border/codec.js")]
extern "C" {
    /// Imported, so that its file is in the package.
    #[wasm_bindgen(js_name = Writer)]
    type Codec;
}

#[wasm_bindgen(module = "/src/border/tree.js")]
extern "C" {
    /// Imported, so that its file is in the package.
    #[wasm_bindgen(js_name = Tree)]
    type Tree;
}
