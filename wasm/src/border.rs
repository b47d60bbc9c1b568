//! The border to JavaScript: bytes that `border/*.js` write and read, one call for a whole value.
//!
//! JavaScript keeps the documents, finds them, and makes the next state; what it means is decided
//! here. A value that can't cross is written as such at its place, so that the path to it is known.

use flux_reducers::{Rejection, Row, Schema, Variant};
use serde_json::json;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::action::Untyped;
use crate::bytes::Reader;
use crate::error::{code, invalid_state};

#[wasm_bindgen(module = "/src/border/reducer.js")]
extern "C" {
    /// The border of one reducer.
    type Border;

    #[wasm_bindgen(constructor)]
    fn new(description: &str) -> Border;

    #[wasm_bindgen(method, getter)]
    fn empty(this: &Border) -> JsValue;

    #[wasm_bindgen(method)]
    fn begin(this: &Border, state: &JsValue, action: &JsValue, into: &mut [u8]) -> i32;

    #[wasm_bindgen(method)]
    fn find(this: &Border, collection: u32, id: &[u8], into: &mut [u8]) -> i32;

    #[wasm_bindgen(method)]
    fn count(this: &Border, collection: u32) -> i32;

    #[wasm_bindgen(method)]
    fn scan(this: &Border, collection: u32) -> JsValue;

    #[wasm_bindgen(method)]
    fn next(this: &Border, scan: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn apply(this: &Border, delta: &[u8]) -> JsValue;

    #[wasm_bindgen(method)]
    fn loaded(this: &Border, action: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn given(this: &Border, action: &JsValue, collection: u32) -> JsValue;

    #[wasm_bindgen(method)]
    fn next_given(this: &Border, given: &JsValue) -> i32;

    #[wasm_bindgen(method)]
    fn build(this: &Border) -> JsValue;

    #[wasm_bindgen(method)]
    fn push(this: &Border, documents: &JsValue, collection: u32, rows: &[u8]);

    #[wasm_bindgen(method)]
    fn replace(this: &Border, state: &JsValue, collection: u32, documents: &JsValue) -> JsValue;

    #[wasm_bindgen(method)]
    fn broken_collection(this: &Border) -> i32;

    #[wasm_bindgen(method)]
    fn broken_reason(this: &Border) -> String;

    fn take(into: &mut [u8]);
}

/// What an action is to a reducer.
pub(crate) enum Begun {
    /// None of its events.
    Ignored,
    /// The documents of a collection.
    Loaded,
    Action(Reader),
}

/// The border of one reducer, with what it needs to know of it.
pub(crate) struct Crossing {
    border: Border,
    schemas: Vec<&'static Schema>,
}

impl Crossing {
    /// Describes a reducer: whether its state has the collections by their names, and the types of
    /// its events.
    pub(crate) fn new(
        is_root: bool,
        schemas: &[&'static Schema],
        event_types: &[Option<&'static [Variant]>],
    ) -> Self {
        let collections = schemas.iter().map(|schema| {
            let names: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
            json!({ "name": schema.collection, "names": names, "id": schema.id })
        });
        let types = event_types.iter().copied().collect::<Option<Vec<_>>>();
        let types = types.map(|types| {
            types.iter().copied().flatten().map(|variant| variant.event_type).collect::<Vec<_>>()
        });
        let collections: Vec<_> = collections.collect();
        let description = json!({ "isRoot": is_root, "collections": collections, "types": types });
        Self { border: Border::new(&description.to_string()), schemas: schemas.to_vec() }
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

    pub(crate) fn begin(&self, state: &JsValue, action: &JsValue) -> Result<Begun, Rejection> {
        let mut bytes = vec![0; SHORT_MAX];
        Err(match self.border.begin(state, action, &mut bytes) {
            answer::IGNORED => return Ok(Begun::Ignored),
            answer::IS_LOADED => return Ok(Begun::Loaded),
            answer::NO_OBJECT => Untyped::NoObject.into(),
            answer::NO_TYPE => Untyped::NoType.into(),
            answer::TYPE_NO_TEXT => Untyped::NoText.into(),
            answer::TYPE_LONE_SURROGATE => Untyped::LoneSurrogate.into(),
            answer::TYPE_THREW => Untyped::Threw.into(),
            length => return Ok(Begun::Action(self.taken_unless_short(length, bytes)?)),
        })
    }

    /// Returns the document with the id that is written.
    pub(crate) fn find(&self, collection: usize, id: &[u8]) -> Result<Option<Row>, Rejection> {
        let mut bytes = vec![0; SHORT_MAX];
        match self.border.find(index(collection), id, &mut bytes) {
            answer::ABSENT => Ok(None),
            length => {
                let mut reader = self.taken_unless_short(length, bytes)?;
                reader.count();
                self.document(&mut reader, collection).map(Some)
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
        mut each: impl FnMut(Row),
    ) -> Result<(), Rejection> {
        let scan = self.border.scan(index(collection));
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

    /// Returns the state with the changes that are written.
    pub(crate) fn apply(&self, delta: &[u8]) -> Result<JsValue, Rejection> {
        let next = self.border.apply(delta);
        if next.is_undefined() { Err(self.broken()) } else { Ok(next) }
    }

    /// Returns what a `loaded` is about.
    pub(crate) fn loaded(&self, action: &JsValue) -> Result<Reader, Rejection> {
        self.taken(self.border.loaded(action))
    }

    /// Calls a function with what is written of the documents of a `loaded`.
    pub(crate) fn for_each_given(
        &self,
        action: &JsValue,
        collection: usize,
        mut each: impl FnMut(&mut Reader) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let given = self.border.given(action, index(collection));
        loop {
            let mut reader = match self.border.next_given(&given) {
                0 => return Ok(()),
                length => self.taken(length)?,
            };
            for _ in 0..reader.count() {
                each(&mut reader)?;
            }
        }
    }

    /// Returns the state in which a collection has these documents, written part by part.
    pub(crate) fn replace(
        &self,
        state: &JsValue,
        collection: usize,
        parts: impl Iterator<Item = Result<Vec<u8>, Rejection>>,
    ) -> Result<JsValue, Rejection> {
        let documents = self.border.build();
        for part in parts {
            self.border.push(&documents, index(collection), &part?);
        }
        let next = self.border.replace(state, index(collection), &documents);
        if next.is_undefined() { Err(self.broken()) } else { Ok(next) }
    }

    fn document(&self, reader: &mut Reader, collection: usize) -> Result<Row, Rejection> {
        let schema = self.schemas[collection];
        reader.document(schema).map_err(|rejection| {
            let invalid = invalid_state(schema.collection, rejection.message());
            match rejection.field() {
                Some(field) => invalid.with_field(field),
                None => invalid,
            }
        })
    }

    /// Takes what was written, unless it is so short that it is here already.
    fn taken_unless_short(&self, length: i32, bytes: Vec<u8>) -> Result<Reader, Rejection> {
        match length - answer::NOT_HANDED {
            length if length >= 0 => self.taken(length),
            _ if length >= 0 => Ok(Reader::new(bytes)),
            _ => Err(self.broken()),
        }
    }

    /// Takes what was written, of this length.
    fn taken(&self, length: i32) -> Result<Reader, Rejection> {
        let length = usize::try_from(length).map_err(|_| self.broken())?;
        let mut bytes = vec![0; length];
        take(&mut bytes);
        Ok(Reader::new(bytes))
    }

    fn broken(&self) -> Rejection {
        let reason = self.border.broken_reason();
        let schema = usize::try_from(self.border.broken_collection()).ok();
        match schema.and_then(|collection| self.schemas.get(collection)) {
            Some(schema) => invalid_state(schema.collection, &reason),
            None => Rejection::new(
                code::INVALID_STATE,
                format!("the state is no object with the state of each collection: {reason}"),
            ),
        }
    }
}

/// The length up to which an action or a document comes over with the call that asks for it.
const SHORT_MAX: usize = 512;

/// What JavaScript answers instead of a length.
mod answer {
    pub(super) const IGNORED: i32 = -1;
    pub(super) const IS_LOADED: i32 = -2;
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
