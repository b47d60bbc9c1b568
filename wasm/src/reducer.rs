//! Action in, state out: a reducer over documents as Redux calls it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use flux_reducers::{
    Collection, Database, Document, Event, Halt, Json, Kind, Reducer, Reduction, Rejection, Schema,
    SchemaError, Upcasts, Variant, code as core_code, lift,
};
use wasm_bindgen::prelude::JsValue;

use crate::action::CrossedAction;
use crate::border::{Crossing, Told, stamp};
use crate::bytes::ReadJson;
use crate::description::{Description, Events};
use crate::documents::Documents;
use crate::loaded;
use crate::writer::WriteJson;

thread_local! {
    /// All reducers of the package, by their number.
    static REDUCERS: RefCell<Vec<Weak<Running>>> = const { RefCell::new(Vec::new()) };
}

/// A reducer with all that it needs to be called by Redux.
#[expect(missing_debug_implementations, reason = "private to the macro")]
pub struct ReduxReducer(Rc<Running>);

struct Running {
    reducer: Reducer,
    crossing: Crossing,
    /// Nothing is loaded: a run begins with a clone of it.
    database: Result<Database, Rejection>,
    /// One that was used before, unless it is in use: a getter may call the reducer.
    spare: Cell<Option<Database>>,
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
        Self::of_collection::<T, E>(lift(reducer), &[Events::of::<E>()])
    }

    /// Creates one whose state is that of one collection, and that reads old events.
    pub fn collection_with_upcasts<T: Document + 'static, E: Event + 'static>(
        reducer: fn(&Collection<T>, &E) -> Reduction,
        upcasts: Upcasts,
    ) -> Self {
        let events = Events::with_upcasts(&[Events::of::<E>()], &upcasts);
        Self::of_collection::<T, E>(lift(reducer).with_upcasts(upcasts), &events)
    }

    fn of_collection<T: Document, E: Event>(reducer: Reducer, events: &[Events]) -> Self {
        stamp_versions::<E>();
        // Decided by the compiler: a package has no code for what can't be.
        let database = if const { T::SCHEMA.is_sound() && !has_unique(T::SCHEMA) } {
            Ok(Database::small(T::SCHEMA))
        } else {
            held(Database::partial([T::SCHEMA]))
        };
        Self::new(
            reducer,
            database,
            &Description {
                is_root: false,
                schemas: &[T::SCHEMA],
                events,
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
            held(database),
            &Description { is_root: true, schemas, events, json: Some(JSON) },
        )
    }

    /// Creates one whose state is an object with the state of each collection, and that reads old
    /// events.
    #[must_use]
    pub fn root_with_upcasts(
        reducer: Reducer,
        schemas: &[&'static Schema],
        events: &[Events],
        upcasts: Upcasts,
    ) -> Self {
        let events = Events::with_upcasts(events, &upcasts);
        Self::root(reducer.with_upcasts(upcasts), schemas, &events)
    }

    fn new(
        reducer: Reducer,
        database: Result<Database, Rejection>,
        description: &Description<'_>,
    ) -> Self {
        REDUCERS.with_borrow_mut(|all| {
            let crossing = Crossing::new(description, run, all.len());
            let running = Rc::new(Running { reducer, crossing, database, spare: Cell::default() });
            all.push(Rc::downgrade(&running));
            Self(running)
        })
    }

    /// Returns the border as JavaScript has it: `reduce(state, action)` is a method of it.
    #[must_use]
    pub fn border(&self) -> &JsValue {
        self.0.crossing.as_value()
    }

    /// Returns the next state; the same object where nothing changes.
    #[must_use]
    pub fn reduce(&self, state: &JsValue, action: &JsValue) -> JsValue {
        self.0.crossing.reduce(state, action)
    }
}

/// What is answered instead of where the changes are.
mod answer {
    pub(super) const UNCHANGED: usize = 0;
    pub(super) const REPLACED: usize = 1;
}

/// Runs an action through a reducer; JavaScript calls it.
extern "C" fn run(number: usize, told: i32) -> usize {
    let running = REDUCERS.with_borrow(|all| all.get(number).and_then(Weak::upgrade));
    let Some(running) = running else {
        return answer::UNCHANGED;
    };
    running.run(told).unwrap_or_else(|rejection| {
        running.crossing.report(&rejection);
        answer::UNCHANGED
    })
}

impl Running {
    fn run(&self, told: i32) -> Result<usize, Rejection> {
        match self.crossing.told(told)? {
            Told::Loaded => self.loaded(),
            Told::Action(mut action) => {
                let answer =
                    action.read_head(self.crossing.types()).and_then(|()| self.reduced(&action));
                self.crossing.end(action);
                answer
            }
        }
    }

    fn reduced(&self, action: &CrossedAction) -> Result<usize, Rejection> {
        let mut database = match self.spare.take() {
            Some(database) => database,
            None => self.database.clone()?,
        };
        let answer = self.reduced_in(&mut database, action);
        database.unload();
        self.spare.set(Some(database));
        answer
    }

    /// Runs the reducer until all that it reads is loaded. It is pure: each run gets further.
    fn reduced_in(
        &self,
        database: &mut Database,
        action: &CrossedAction,
    ) -> Result<usize, Rejection> {
        let mut documents = Documents::new(&self.crossing, Some(action));
        documents.load_likely(database);
        loop {
            match self.reducer.run_incoming(database, action) {
                Ok(delta) if delta.is_empty() => return Ok(answer::UNCHANGED),
                Ok(delta) => return documents.write(&delta),
                Err(Halt::Fault(fault)) => documents.load(database, &fault)?,
                Err(Halt::Rejected(rejection)) => return Err(rejection),
            }
        }
    }

    fn loaded(&self) -> Result<usize, Rejection> {
        let collection = loaded::collection(&mut self.crossing.loaded()?)?;
        let Some(position) = self.crossing.position(&collection) else {
            if is_of_another(&collection) {
                return Ok(answer::UNCHANGED);
            }
            // Its own words, which name the collections there are.
            self.database.clone()?.schema(&collection)?;
            return Ok(answer::UNCHANGED);
        };
        let schema = self.crossing.schemas()[position];
        self.crossing.replace(position, &mut |reader, count| {
            loaded::normal_forms(&self.crossing, schema, reader, count)
        })?;
        Ok(answer::REPLACED)
    }
}

/// Returns the database; where a schema can't be held, why each action is rejected.
pub(crate) fn held(database: Result<Database, SchemaError>) -> Result<Database, Rejection> {
    database.map_err(|error| Rejection::new(core_code::UNKNOWN_COLLECTION, error.to_string()))
}

/// Whether another reducer of the package has this collection: a `loaded` of it is no mistake.
fn is_of_another(collection: &str) -> bool {
    REDUCERS.with_borrow(|all| {
        all.iter()
            .filter_map(Weak::upgrade)
            .any(|other| other.crossing.position(collection).is_some())
    })
}

/// Tells JavaScript which versions the actions of these events have.
pub fn stamp_versions<E: Event>() {
    // Decided by the compiler: a package without versions has no code for them.
    if const { has_versions(E::VARIANTS) } {
        for variant in E::VARIANTS.unwrap_or_default() {
            if variant.version > 1 {
                stamp(variant.event_type, variant.version);
            }
        }
    }
}

const fn has_versions(variants: Option<&[Variant]>) -> bool {
    let Some(mut rest) = variants else {
        return false;
    };
    while let [variant, after @ ..] = rest {
        if variant.version > 1 {
            return true;
        }
        rest = after;
    }
    false
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
