//! Action in, state out: a reducer over documents as Redux calls it.

use std::cell::RefCell;

use flux_reducers::{
    Collection, Database, Document, Event, Halt, Reducer, Reduction, Rejection, Row, Schema,
    Variant, code as core_code, lift,
};
use serde_json::Value as JsonValue;
use wasm_bindgen::prelude::JsValue;

use crate::action;
use crate::border::{Begun, Crossing};
use crate::bytes::Reader;
use crate::documents::{Documents, load_likely, parts};
use crate::error::{Problem, report};

const LOADED_PAYLOAD: &str = "the payload of `@@flux-capacitor/loaded` is wrong";

thread_local! {
    /// The collections of all reducers of the package: a `loaded` of one of them is no mistake.
    static COLLECTIONS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// A reducer with all that it needs to be called by Redux.
#[expect(missing_debug_implementations, reason = "private to the macro")]
pub struct ReduxReducer {
    reducer: Reducer,
    crossing: Crossing,
    /// Nothing is loaded: each run begins with a clone of it.
    database: Result<Database, Rejection>,
    empty: JsValue,
}

impl ReduxReducer {
    /// Creates one whose state is that of one collection.
    pub fn collection<T: Document + 'static, E: Event + 'static>(
        reducer: fn(&Collection<T>, &E) -> Reduction,
    ) -> Self {
        Self::new(lift(reducer), false, &[T::SCHEMA], &[E::VARIANTS])
    }

    /// Creates one whose state is an object with the state of each collection.
    #[must_use]
    pub fn root(
        reducer: Reducer,
        schemas: &[&'static Schema],
        event_types: &[Option<&'static [Variant]>],
    ) -> Self {
        Self::new(reducer, true, schemas, event_types)
    }

    fn new(
        reducer: Reducer,
        is_root: bool,
        schemas: &[&'static Schema],
        event_types: &[Option<&'static [Variant]>],
    ) -> Self {
        let database = Database::partial(schemas.iter().copied())
            .map_err(|error| Rejection::new(core_code::UNKNOWN_COLLECTION, error.to_string()));
        COLLECTIONS
            .with(|all| all.borrow_mut().extend(schemas.iter().map(|schema| schema.collection)));
        let crossing = Crossing::new(is_root, schemas, event_types);
        let empty = crossing.empty();
        Self { reducer, crossing, database, empty }
    }

    /// Returns the next state; the same object where nothing changes.
    #[must_use]
    pub fn reduce(&self, state: &JsValue, action: &JsValue) -> JsValue {
        let next = self.next(state, action).unwrap_or_else(|rejection| {
            report(&rejection, action);
            None
        });
        next.unwrap_or_else(|| if state.is_undefined() { &self.empty } else { state }.clone())
    }

    fn next(&self, state: &JsValue, action: &JsValue) -> Result<Option<JsValue>, Rejection> {
        match self.crossing.begin(state, action)? {
            Begun::Ignored => Ok(None),
            Begun::Loaded => self.loaded(state, action),
            Begun::Action(reader) => self.reduced(reader),
        }
    }

    /// Runs the reducer until all that it reads is loaded. It is pure: each run gets further.
    fn reduced(&self, mut reader: Reader) -> Result<Option<JsValue>, Rejection> {
        let action = action::read(&mut reader)?;
        reader.end_texts();
        let mut database = self.database.clone()?;
        load_likely(&mut reader, self.crossing.schemas(), &action, &mut database);
        let mut documents = Documents::new(&self.crossing, &reader);
        loop {
            match self.reducer.run(&mut database, &action) {
                Ok(delta) if delta.is_empty() => return Ok(None),
                Ok(delta) => return documents.apply(&delta).map(Some),
                Err(Halt::Fault(fault)) => documents.load(&mut database, &fault)?,
                Err(Halt::Rejected(rejection)) => return Err(rejection),
            }
        }
    }

    fn loaded(&self, state: &JsValue, action: &JsValue) -> Result<Option<JsValue>, Rejection> {
        let collection = loaded_collection(self.crossing.loaded(action)?).map_err(|problem| {
            problem.into_rejection(core_code::INVALID_PAYLOAD, LOADED_PAYLOAD)
        })?;
        let Some(position) = self.crossing.position(&collection) else {
            let is_of_another = COLLECTIONS.with(|all| all.borrow().contains(&&*collection));
            if is_of_another {
                return Ok(None);
            }
            // Its own words, which name the collections there are.
            self.database.clone()?.schema(&collection)?;
            return Ok(None);
        };
        let schema = self.crossing.schemas()[position];
        let mut rows = Vec::new();
        self.crossing.for_each_given(action, position, |reader| {
            rows.push(given(reader, schema, rows.len())?);
            Ok(())
        })?;
        let id = |row: &Row| schema.id_of(row).clone();
        rows.sort_by_cached_key(id);
        if let Some(pair) = rows.windows(2).find(|pair| id(&pair[0]) == id(&pair[1])) {
            return Err(Rejection::new(
                core_code::DOCUMENT_EXISTS,
                format!("collection `{collection}` comes with two documents {}", id(&pair[0])),
            )
            .with_field(schema.id_field().name));
        }
        self.crossing.replace(state, position, parts(schema, &rows)).map(Some)
    }
}

/// Reads the payload of a `loaded`, but for its documents.
fn loaded_collection(mut reader: Reader) -> Result<String, Problem> {
    if reader.byte() == 0 {
        return Err(Problem::new("expected an object"));
    }
    let collection = reader.json().map_err(|problem| problem.in_member("collection"))?;
    let Some(JsonValue::String(collection)) = collection else {
        return Err(Problem::new("expected text").in_member("collection"));
    };
    if reader.byte() == 0 {
        return Err(Problem::new("expected a list").in_member("documents"));
    }
    Ok(collection)
}

/// Reads a document of a `loaded` strictly, as the server does.
fn given(reader: &mut Reader, schema: &'static Schema, index: usize) -> Result<Row, Rejection> {
    if reader.byte() == 0 {
        let problem = Problem::new("expected a document").in_item(index).in_member("documents");
        return Err(problem.into_rejection(core_code::INVALID_PAYLOAD, LOADED_PAYLOAD));
    }
    if let Ok(Some(JsonValue::String(unknown))) = reader.json() {
        schema.position(&unknown)?;
    }
    reader.document(schema)
}
