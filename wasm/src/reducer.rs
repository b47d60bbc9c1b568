//! Action in, state out: a reducer over documents as Redux calls it.

use std::cell::RefCell;

use flux_reducers::{
    Action, Collection, Database, Delta, Document, Event, Halt, Reducer, Reduction, Rejection, Row,
    Schema, Variant, code as core_code, lift,
};
use wasm_bindgen::prelude::JsValue;

use crate::codec::Codec;
use crate::documents::Loader;
use crate::error::{Problem, code, report};
use crate::javascript::{List, Record, Threw, WORDS, Words, member};
use crate::state::Tree;
use crate::{action, json};

/// The type of the action that replaces the state of one collection:
/// `{ collection, position, documents }`.
const LOADED: &str = "@@flux-capacitor/loaded";

const LOADED_PAYLOAD: &str = "the payload of `@@flux-capacitor/loaded` is wrong";

/// The beginning of the action types that libraries keep for themselves, such as `@@redux/INIT`.
/// They are no events, not even of a reducer that takes every type.
const LIBRARY_PREFIX: &str = "@@";

thread_local! {
    /// The collections of all reducers of the package: a `loaded` of one of them is no mistake.
    static COLLECTIONS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// A reducer with all that it needs to be called by Redux.
#[expect(missing_debug_implementations, reason = "private to the macro")]
pub struct ReduxReducer {
    reducer: Reducer,
    codecs: Vec<Codec>,
    /// What the state is: of one collection, or an object with the collections' names.
    layout: Layout,
    event_types: Vec<Option<&'static [Variant]>>,
    /// Nothing is loaded: each run begins with a clone of it.
    database: Result<Database, Rejection>,
    empty: JsValue,
}

#[derive(Clone, Copy)]
enum Layout {
    Collection,
    Root,
}

impl ReduxReducer {
    /// Creates one whose state is that of one collection.
    pub fn collection<T: Document + 'static, E: Event + 'static>(
        reducer: fn(&Collection<T>, &E) -> Reduction,
    ) -> Self {
        Self::new(lift(reducer), Layout::Collection, &[T::SCHEMA], &[E::VARIANTS])
    }

    /// Creates one whose state is an object with the state of each collection.
    #[must_use]
    pub fn root(
        reducer: Reducer,
        schemas: &[&'static Schema],
        event_types: &[Option<&'static [Variant]>],
    ) -> Self {
        Self::new(reducer, Layout::Root, schemas, event_types)
    }

    fn new(
        reducer: Reducer,
        layout: Layout,
        schemas: &[&'static Schema],
        event_types: &[Option<&'static [Variant]>],
    ) -> Self {
        let database = Database::partial(schemas.iter().copied())
            .map_err(|error| Rejection::new(core_code::UNKNOWN_COLLECTION, error.to_string()));
        COLLECTIONS
            .with(|all| all.borrow_mut().extend(schemas.iter().map(|schema| schema.collection)));
        let codecs: Vec<_> = schemas.iter().map(|schema| Codec::new(schema)).collect();
        // Nothing in it can fail: of no state, no documents.
        let empty = empty(layout, &codecs).unwrap_or_default();
        Self { reducer, codecs, layout, event_types: event_types.to_vec(), database, empty }
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
        let event_type = action::event_type(action)?;
        if event_type == LOADED {
            return self.loaded(state, action);
        }
        if !self.knows(&event_type) {
            return Ok(None);
        }
        let action = action::decode(action, event_type)?;
        let trees = self.trees(state)?;
        let delta = self.run(&action, &trees)?;
        if delta.is_empty() {
            return Ok(None);
        }
        let changed = trees
            .into_iter()
            .filter(|tree| delta.collection(tree.codec().schema().collection).is_some());
        let mut states = Vec::new();
        for tree in changed {
            states.push((tree.codec().schema().collection, tree.apply(&delta)?));
        }
        self.with(state, states)
    }

    fn knows(&self, event_type: &str) -> bool {
        self.event_types.iter().any(|variants| match variants {
            Some(variants) => variants.iter().any(|variant| variant.event_type == event_type),
            None => !event_type.starts_with(LIBRARY_PREFIX),
        })
    }

    /// Runs the reducer until all that it reads is loaded. It is pure: each run gets further.
    fn run(&self, action: &Action, trees: &[Tree<'_>]) -> Result<Delta, Rejection> {
        let mut database = self.database.clone()?;
        let mut loader = Loader::new(trees);
        loop {
            match self.reducer.run(&mut database, action) {
                Ok(delta) => return Ok(delta),
                Err(Halt::Fault(fault)) => loader.load(&mut database, &fault)?,
                Err(Halt::Rejected(rejection)) => return Err(rejection),
            }
        }
    }

    fn trees(&self, state: &JsValue) -> Result<Vec<Tree<'_>>, Rejection> {
        let trees = self.codecs.iter().map(|codec| match self.layout {
            Layout::Collection => Tree::open(codec, state),
            Layout::Root if state.is_undefined() => Tree::open(codec, state),
            Layout::Root => Tree::open(codec, &part(state, codec.schema().collection)?),
        });
        trees.collect()
    }

    /// Returns the state with some collections replaced.
    fn with(
        &self,
        state: &JsValue,
        states: Vec<(&'static str, JsValue)>,
    ) -> Result<Option<JsValue>, Rejection> {
        match self.layout {
            Layout::Collection => Ok(states.into_iter().next().map(|(_, state)| state)),
            Layout::Root => {
                // The empty ones first: a state of before a collection was added lacks it.
                let whole = Record::of_members(&[&self.empty, state]);
                let mut whole = whole.map_err(|_| invalid_root("reading it threw an error"))?;
                for (collection, state) in states {
                    whole = whole.with(&collection.into(), &state);
                }
                Ok(Some(whole.frozen()))
            }
        }
    }

    fn loaded(&self, state: &JsValue, action: &JsValue) -> Result<Option<JsValue>, Rejection> {
        let (collection, documents) =
            WORDS.with(|words| loaded_parts(action, words)).map_err(|problem| {
                problem.into_rejection(core_code::INVALID_PAYLOAD, LOADED_PAYLOAD)
            })?;
        let of_name = |codec: &&Codec| codec.schema().collection == collection;
        let Some(codec) = self.codecs.iter().find(of_name) else {
            let is_of_another = COLLECTIONS.with(|all| all.borrow().contains(&&*collection));
            if is_of_another {
                return Ok(None);
            }
            // Its own words, which name the collections there are.
            self.database.clone()?.schema(&collection)?;
            return Ok(None);
        };
        let mut rows = decode_all(codec, &documents)?;
        let id = |row: &Row| codec.schema().id_of(row).clone();
        rows.sort_by_cached_key(id);
        if let Some(pair) = rows.windows(2).find(|pair| id(&pair[0]) == id(&pair[1])) {
            return Err(Rejection::new(
                core_code::DOCUMENT_EXISTS,
                format!("collection `{collection}` comes with two documents {}", id(&pair[0])),
            )
            .with_field(codec.schema().id_field().name));
        }
        let loaded = Tree::build(codec, &rows)?.into_state();
        self.with(state, vec![(codec.schema().collection, loaded)])
    }
}

fn empty(layout: Layout, codecs: &[Codec]) -> Result<JsValue, Rejection> {
    let mut whole = Record::empty();
    for codec in codecs {
        let state = Tree::open(codec, &JsValue::UNDEFINED)?.into_state();
        match layout {
            Layout::Collection => return Ok(state),
            Layout::Root => whole = whole.with(&codec.schema().collection.into(), &state),
        }
    }
    Ok(whole.frozen())
}

fn invalid_root(reason: &str) -> Rejection {
    Rejection::new(
        code::INVALID_STATE,
        format!("the state is no object with the state of each collection: {reason}"),
    )
}

/// Returns the state of one collection out of the state of all.
fn part(state: &JsValue, collection: &str) -> Result<JsValue, Rejection> {
    if !state.is_object() {
        return Err(invalid_root("it is no object"));
    }
    member(state, &collection.into()).map_err(|Threw| invalid_root("reading it threw an error"))
}

/// Reads the payload of a `loaded`, but for its documents.
fn loaded_parts(action: &JsValue, words: &Words) -> Result<(String, List), Problem> {
    let payload = member(action, &words.payload)?;
    if !payload.is_object() {
        return Err(Problem::new("expected an object"));
    }
    let collection = member(&payload, &words.collection)?;
    let documents = member(&payload, &words.documents)?;
    let Some(collection) = json::text(&collection)? else {
        return Err(Problem::new("expected text").in_member("collection"));
    };
    match List::of(&documents)? {
        Some(documents) => Ok((collection, documents.clone())),
        None => Err(Problem::new("expected a list").in_member("documents")),
    }
}

/// Reads the documents of a `loaded` strictly, as the server does.
fn decode_all(codec: &Codec, documents: &List) -> Result<Vec<Row>, Rejection> {
    let unreadable =
        |threw| Problem::from(threw).into_rejection(core_code::INVALID_PAYLOAD, LOADED_PAYLOAD);
    let length = documents.length().map_err(unreadable)?;
    let mut rows = Vec::with_capacity(length as usize);
    for index in 0..length {
        let document = documents.at(index);
        if !document.is_object() {
            let problem = Problem::new("expected a document").in_item(index).in_member("documents");
            return Err(problem.into_rejection(core_code::INVALID_PAYLOAD, LOADED_PAYLOAD));
        }
        codec.check_names(&document)?;
        rows.push(codec.decode(&document)?);
    }
    Ok(rows)
}
