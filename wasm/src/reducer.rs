//! Action in, state out: a reducer over documents as Redux calls it.

use std::cell::RefCell;

use flux_reducers::{
    Collection, Database, Document, Event, Halt, Json, Kind, Reducer, Reduction, Rejection, Schema,
    SchemaError, code as core_code, lift,
};
use wasm_bindgen::prelude::JsValue;

use crate::action::CrossedAction;
use crate::border::{Begun, Crossing};
use crate::bytes::ReadJson;
use crate::description::{Description, Events};
use crate::documents::Documents;
use crate::error::{code, report};
use crate::loaded;
use crate::writer::WriteJson;

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

/// How fields of any JSON cross.
pub(crate) const JSON: (ReadJson, WriteJson) = (
    |reader| {
        use flux_reducers::__private::Decode as _;
        Ok(Option::<Json>::decode(reader)?.into())
    },
    |writer, json| writer.json(json),
);

impl ReduxReducer {
    /// Creates one whose state is that of one collection.
    pub fn collection<T: Document + 'static, E: Event + 'static>(
        reducer: fn(&Collection<T>, &E) -> Reduction,
    ) -> Self {
        let database = if const { has_unique(T::SCHEMA) } {
            Database::partial([T::SCHEMA])
        } else {
            Database::partial_without_unique(T::SCHEMA)
        };
        Self::new(
            lift(reducer),
            database,
            &Description {
                is_root: false,
                schemas: &[T::SCHEMA],
                events: &[Events::of::<E>()],
                // Decided by the compiler: a package without such a field has no code for it.
                json: if const { has_json(T::SCHEMA) } { Some(JSON) } else { None },
            },
        )
    }

    /// Creates one whose state is an object with the state of each collection.
    #[must_use]
    pub fn root(reducer: Reducer, schemas: &[&'static Schema], events: &[Events]) -> Self {
        let database = Database::partial(schemas.iter().copied());
        Self::new(
            reducer,
            database,
            &Description { is_root: true, schemas, events, json: Some(JSON) },
        )
    }

    fn new(
        reducer: Reducer,
        database: Result<Database, SchemaError>,
        description: &Description<'_>,
    ) -> Self {
        let schemas = description.schemas;
        let database = database
            .map_err(|error| Rejection::new(core_code::UNKNOWN_COLLECTION, error.to_string()));
        COLLECTIONS
            .with(|all| all.borrow_mut().extend(schemas.iter().map(|schema| schema.collection)));
        let crossing = Crossing::new(description);
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
            Begun::Batch => self.batch(state, action),
            begun => self.next_of_one(state, action, begun),
        }
    }

    /// Takes several actions in order. Each is accepted or rejected by itself.
    fn batch(&self, state: &JsValue, action: &JsValue) -> Result<Option<JsValue>, Rejection> {
        const NO_LIST: &str = "the payload of `@@flux-capacitor/batch` is wrong: expected a list";
        let Some(items) = self.crossing.batch(action) else {
            return Err(Rejection::new(core_code::INVALID_PAYLOAD, NO_LIST));
        };
        let mut next: Option<JsValue> = None;
        for item in items {
            let current = next.as_ref().unwrap_or(state);
            let begun = self.crossing.begin(current, &item);
            match begun.and_then(|begun| self.next_of_one(current, &item, begun)) {
                Ok(Some(state)) => next = Some(state),
                Ok(None) => {}
                Err(rejection) => report(&rejection, &item),
            }
        }
        Ok(next)
    }

    fn next_of_one(
        &self,
        state: &JsValue,
        action: &JsValue,
        begun: Begun,
    ) -> Result<Option<JsValue>, Rejection> {
        match begun {
            Begun::Ignored => Ok(None),
            // One that contains itself would have no end.
            Begun::Batch => {
                Err(Rejection::new(code::INVALID_ACTION, "a batch has actions, found a batch"))
            }
            Begun::Loaded => self.loaded(state, action),
            Begun::Action(crossed) => {
                let next = self.reduced(&crossed);
                self.crossing.end(crossed);
                next
            }
        }
    }

    /// Runs the reducer until all that it reads is loaded. It is pure: each run gets further.
    fn reduced(&self, action: &CrossedAction) -> Result<Option<JsValue>, Rejection> {
        let mut database = self.database.clone()?;
        let mut documents = Documents::new(&self.crossing, action);
        documents.load_likely(&mut database);
        loop {
            match self.reducer.run_incoming(&mut database, action) {
                Ok(delta) if delta.is_empty() => return Ok(None),
                Ok(delta) => return documents.apply(&delta).map(Some),
                Err(Halt::Fault(fault)) => documents.load(&mut database, &fault)?,
                Err(Halt::Rejected(rejection)) => return Err(rejection),
            }
        }
    }

    fn loaded(&self, state: &JsValue, action: &JsValue) -> Result<Option<JsValue>, Rejection> {
        let collection = loaded::collection(&mut self.crossing.loaded(action)?)?;
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
        let replaced = self.crossing.replace(state, action, position, &mut |reader, count| {
            loaded::normal_forms(&self.crossing, schema, reader, count)
        });
        replaced.map(Some)
    }
}

const fn has_unique(schema: &Schema) -> bool {
    let mut index = 0;
    while index < schema.fields.len() {
        if schema.fields[index].unique {
            return true;
        }
        index += 1;
    }
    false
}

const fn has_json(schema: &Schema) -> bool {
    let mut index = 0;
    while index < schema.fields.len() {
        if matches!(schema.fields[index].kind, Kind::Json) {
            return true;
        }
        index += 1;
    }
    false
}
