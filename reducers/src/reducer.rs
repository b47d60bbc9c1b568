//! Reducers over a whole database: lifted from one collection, written for several, aggregated.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::action::{self, Action, RecordedEvent};
use crate::changeset::{Changeset, Operation};
use crate::collection::Collection;
use crate::database::Database;
use crate::delta::Delta;
use crate::document::Document;
use crate::event::Event;
use crate::halt::Halt;
use crate::incoming::{self, Incoming};
use crate::rejection::{Rejection, code};
use crate::schema::{Schema, SchemaError, is_same};
use crate::upcast::Upcasts;

/// What a reducer answers: a changeset, or why it stopped.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// fn nothing(notes: &Collection<Note>, _: &Action) -> Reduction {
///     Ok(notes.no_change())
/// }
/// ```
pub type Reduction = Result<Changeset, Halt>;

/// A pure function from a database and an event to a changeset, with the schemas of its
/// collections.
///
/// A reducer that has the collection `events` keeps it: the log is complete for whoever reads it.
///
/// ```
/// use flux_reducers::{Collection, Document, Event, Reduction, aggregate_reducers};
/// use flux_reducers::{event_log_reducer, lift};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64 }
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteAdded { id: i64 } }
///
/// fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
///     match event {
///         NoteEvent::NoteAdded { id } => Ok(notes.create(Note { id: *id })),
///     }
/// }
///
/// let root = aggregate_reducers([lift(notes), event_log_reducer()]);
/// let mut database = root.database()?;
/// let delta = root.run(&mut database, &NoteEvent::NoteAdded { id: 1 }.to_action()?)?;
/// assert!(delta.collection("notes").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Reducer {
    schemas: Vec<&'static Schema>,
    version: u32,
    reduce: Arc<Reduce>,
    /// Gives the log its entry, if it is among the collections: others have no business with it.
    log_entry: Option<LogEntry>,
}

type Reduce = dyn Fn(&Database, &dyn Incoming) -> Reduction + Send + Sync;

type LogEntry = fn(Changeset, &dyn Incoming) -> Reduction;

/// Lifts a reducer of one collection into one over the whole database.
///
/// An event of a type that `E` does not know changes nothing.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteAdded { id: i64 } }
/// fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
///     let NoteEvent::NoteAdded { id } = event;
///     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
/// }
///
/// let root = lift(notes);
/// assert_eq!(root.schemas(), [Note::SCHEMA]);
/// ```
pub fn lift<T: Document + 'static, E: Event + 'static>(
    reducer: impl Fn(&Collection<T>, &E) -> Reduction + Send + Sync + 'static,
) -> Reducer {
    // Decided by the compiler: a package without a log has no code for it.
    let log_entry: Option<LogEntry> =
        if const { is_log(T::SCHEMA) } { Some(with_log_entry) } else { None };
    Reducer::new(alloc::vec![T::SCHEMA], log_entry, move |database, incoming| {
        match E::from_incoming(incoming)? {
            Some(event) => reducer(&database.collection()?, &event),
            None => Ok(Changeset::no_change()),
        }
    })
}

const fn is_log(schema: &Schema) -> bool {
    is_same(schema.collection, RecordedEvent::SCHEMA.collection)
}

/// Makes a reducer that reads and changes several collections, those of the schemas.
///
/// ```
/// use flux_reducers::{Action, Database, Document, Filter, root_reducer};
///
/// # #[derive(Document)]
/// # #[document(collection = "lists")]
/// # struct List { id: i64 }
/// # #[derive(Document)]
/// # #[document(collection = "tasks")]
/// # struct Task { id: i64, #[document(index)] list: i64 }
/// let clear = root_reducer(
///     [List::SCHEMA, Task::SCHEMA],
///     |database: &Database, _: &Action| {
///         let (lists, tasks) = (database.collection::<List>()?, database.collection::<Task>()?);
///         let no_list = lists.count(Filter::all())? == 0;
///         Ok(if no_list { tasks.destroy_where(Filter::all()) } else { tasks.no_change() })
///     },
/// );
/// ```
pub fn root_reducer<E: Event + 'static>(
    schemas: impl IntoIterator<Item = &'static Schema>,
    reducer: impl Fn(&Database, &E) -> Reduction + Send + Sync + 'static,
) -> Reducer {
    Reducer::new(schemas.into_iter().collect(), Some(with_log_entry), move |database, incoming| {
        E::from_incoming(incoming)?
            .map_or(Ok(Changeset::no_change()), |event| reducer(database, &event))
    })
}

/// Makes one reducer of several: each sees the state before the event, and their changesets are
/// combined in order.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteAdded { id: i64 } }
/// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #     let NoteEvent::NoteAdded { id } = event;
/// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
/// # }
/// let root = aggregate_reducers([lift(notes), event_log_reducer()]);
/// assert_eq!(root.schemas(), [Note::SCHEMA, RecordedEvent::SCHEMA]);
/// ```
pub fn aggregate_reducers(reducers: impl IntoIterator<Item = Reducer>) -> Reducer {
    let reducers: Vec<_> = reducers.into_iter().collect();
    let schemas = reducers.iter().flat_map(|reducer| &reducer.schemas).copied().collect();
    let version = reducers.iter().fold(0, |sum: u32, it| sum.saturating_add(it.version));
    let log_entry = reducers.iter().find_map(|reducer| reducer.log_entry);
    Reducer::new(schemas, log_entry, move |database, incoming| {
        reducers.iter().map(|reducer| (reducer.reduce)(database, incoming)).collect()
    })
    .with_version(version)
}

/// Makes a reducer that has the collection `events` and nothing else: a document
/// [`RecordedEvent`] for each event that is recorded.
///
/// ```
/// # use flux_reducers::*;
/// assert_eq!(event_log_reducer().schemas(), [RecordedEvent::SCHEMA]);
/// ```
#[must_use]
pub fn event_log_reducer() -> Reducer {
    root_reducer([RecordedEvent::SCHEMA], |_, _: &Action| Ok(Changeset::no_change()))
}

impl Reducer {
    fn new(
        schemas: Vec<&'static Schema>,
        log_entry: Option<LogEntry>,
        reduce: impl Fn(&Database, &dyn Incoming) -> Reduction + Send + Sync + 'static,
    ) -> Self {
        let log_entry = log_entry.filter(|_| schemas.contains(&RecordedEvent::SCHEMA));
        Self { schemas, version: 0, reduce: Arc::new(reduce), log_entry }
    }

    /// Sets the version. Give it another one whenever the same events come to mean something else:
    /// what an older version has made is told by it, and made anew.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let reducer = aggregate_reducers([]).with_version(2);
    /// assert_eq!(reducer.version(), 2);
    /// ```
    #[must_use]
    pub const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads events of old shapes as new ones before it sees them.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let upcasts = Upcasts::default().from_version("noteDeleted", 1, |action| {
    ///     Ok(Action { event_type: "noteRemoved".into(), ..action })
    /// });
    /// let reducer = aggregate_reducers([]).with_upcasts(upcasts);
    /// ```
    #[must_use]
    pub fn with_upcasts(self, upcasts: Upcasts) -> Self {
        let Self { schemas, version, reduce, log_entry } = self;
        let upcast = move |database: &Database, incoming: &dyn Incoming| {
            if upcasts.reads(incoming)? {
                reduce(database, &upcasts.apply(incoming::to_action(incoming)?)?)
            } else {
                reduce(database, incoming)
            }
        };
        Self::new(schemas, log_entry, upcast).with_version(version)
    }

    /// Returns the version; 0 unless it is set, and of several reducers the sum.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let (one, two) = (aggregate_reducers([]), event_log_reducer().with_version(3));
    /// assert_eq!(aggregate_reducers([one, two]).version(), 3);
    /// ```
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Returns the schemas of its collections, each once.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// assert_eq!(lift(notes).schemas(), [Note::SCHEMA]);
    /// ```
    #[must_use]
    pub fn schemas(&self) -> Vec<&'static Schema> {
        let mut schemas: Vec<&'static Schema> = Vec::new();
        for schema in &self.schemas {
            if !schemas.contains(schema) {
                schemas.push(schema);
            }
        }
        schemas
    }

    /// Creates an empty database with its collections.
    ///
    /// # Errors
    /// When a schema can't be held, or two differ for one collection.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// let database = lift(notes).database()?;
    /// assert_eq!(database.rows("notes", &Query::all())?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn database(&self) -> Result<Database, SchemaError> {
        Database::new(self.schemas())
    }

    /// Returns what changes by the event.
    ///
    /// # Errors
    /// A fault or a rejection.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// let root = lift(notes);
    /// let changeset = root.reduce(&root.database()?, &NoteEvent::NoteAdded { id: 1 }.to_action()?)?;
    /// assert_eq!(changeset.operations().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reduce(&self, database: &Database, action: &Action) -> Reduction {
        action::check(action)?;
        self.reduce_incoming(database, action)
    }

    /// Returns what changes by an event that is read where it lies. Whoever has it makes sure that
    /// the log could hold it.
    ///
    /// # Errors
    /// A fault or a rejection.
    #[doc(hidden)]
    pub fn reduce_incoming(&self, database: &Database, incoming: &dyn Incoming) -> Reduction {
        let changeset = (self.reduce)(database, incoming)?;
        self.with_log_entry(changeset, incoming)
    }

    /// Reduces an event that is read where it lies, and applies the changeset: all of it or, on an
    /// error, nothing.
    ///
    /// # Errors
    /// A fault or a rejection, by the reducer or by the changeset.
    #[doc(hidden)]
    pub fn run_incoming(
        &self,
        database: &mut Database,
        incoming: &dyn Incoming,
    ) -> Result<Delta, Halt> {
        let changeset = self.reduce_incoming(database, incoming)?;
        database.apply_owned(changeset)
    }

    /// Reduces an event that is read where it lies, and applies the changeset, without a word of what
    /// has changed.
    ///
    /// # Errors
    /// A fault or a rejection, by the reducer or by the changeset.
    #[doc(hidden)]
    pub fn replay_incoming(
        &self,
        database: &mut Database,
        incoming: &dyn Incoming,
    ) -> Result<(), Halt> {
        let changeset = self.reduce_incoming(database, incoming)?;
        database.apply_recording(changeset, None)
    }

    /// Makes sure that the log gets the event at hand, and nothing but it.
    fn with_log_entry(&self, changeset: Changeset, incoming: &dyn Incoming) -> Reduction {
        match self.log_entry {
            Some(log_entry) => log_entry(changeset, incoming),
            None if changeset.operations().iter().any(is_of_log) => Err(append_only()),
            None => Ok(changeset),
        }
    }

    /// Reduces the event and applies the changeset: all of it or, on an error, nothing.
    ///
    /// # Errors
    /// A fault or a rejection, by the reducer or by the changeset.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// let root = lift(notes);
    /// let mut database = root.database()?;
    /// root.run(&mut database, &NoteEvent::NoteAdded { id: 1 }.to_action()?)?;
    /// assert_eq!(database.rows("notes", &Query::all())?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&self, database: &mut Database, action: &Action) -> Result<Delta, Halt> {
        let changeset = self.reduce(database, action)?;
        database.apply_owned(changeset)
    }
}

impl fmt::Debug for Reducer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collections = self.schemas.iter().map(|schema| schema.collection);
        formatter.debug_list().entries(collections).finish()
    }
}

/// Adds the event at hand to a changeset, unless it is there.
fn with_log_entry(changeset: Changeset, incoming: &dyn Incoming) -> Reduction {
    let entry = incoming::to_action(incoming)?.into_recorded().map(|event| Operation::Create {
        collection: RecordedEvent::SCHEMA.collection.into(),
        document: event.to_fields(),
    });
    let mut of_log = changeset.operations().iter().filter(|it| is_of_log(it)).peekable();
    let is_given = of_log.peek().is_some();
    if of_log.any(|operation| Some(operation) != entry.as_ref()) {
        return Err(append_only());
    }
    Ok(match entry {
        Some(entry) if !is_given => changeset.combine(Changeset::without_filter(entry)),
        _ => changeset,
    })
}

fn is_of_log(operation: &Operation) -> bool {
    operation.collection() == RecordedEvent::SCHEMA.collection
}

#[cold]
fn append_only() -> Halt {
    let message = "the collection `events` is the log: only `event_log_reducer` writes it, one \
                   entry an event";
    Rejection::new(code::EVENT_LOG_IS_APPEND_ONLY, message).into()
}
