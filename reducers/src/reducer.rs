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
use crate::schema::{Schema, SchemaError};

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
    reduce: Arc<Reduce>,
    /// What the log may be given, if it is among the collections: others have no business with it.
    log_entry: Option<LogEntry>,
}

type Reduce = dyn Fn(&Database, &dyn Incoming) -> Reduction + Send + Sync;

type LogEntry = fn(&dyn Incoming) -> Result<Option<Operation>, Rejection>;

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
    Reducer {
        schemas: alloc::vec![T::SCHEMA],
        reduce: Arc::new(move |database, incoming| match E::from_incoming(incoming)? {
            Some(event) => reducer(&database.collection()?, &event),
            None => Ok(Changeset::no_change()),
        }),
        // Decided by the compiler: a package without a log has no code for it.
        log_entry: if const { is_log(T::SCHEMA) } { Some(log_entry) } else { None },
    }
}

const fn is_log(schema: &Schema) -> bool {
    let (name, log) = (schema.collection.as_bytes(), RecordedEvent::SCHEMA.collection.as_bytes());
    let mut index = 0;
    while index < name.len() && index < log.len() && name[index] == log[index] {
        index += 1;
    }
    index == name.len() && index == log.len()
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
    Reducer {
        schemas: schemas.into_iter().collect(),
        reduce: Arc::new(move |database, incoming| match E::from_incoming(incoming)? {
            Some(event) => reducer(database, &event),
            None => Ok(Changeset::no_change()),
        }),
        log_entry: Some(log_entry),
    }
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
    Reducer {
        schemas: reducers.iter().flat_map(|reducer| &reducer.schemas).copied().collect(),
        log_entry: reducers.iter().find_map(|reducer| reducer.log_entry),
        reduce: Arc::new(move |database, incoming| {
            reducers.iter().map(|reducer| (reducer.reduce)(database, incoming)).collect()
        }),
    }
}

/// Makes the reducer that keeps the log as the collection `events`: a document
/// [`RecordedEvent`] for each event that is recorded.
///
/// ```
/// # use flux_reducers::*;
/// assert_eq!(event_log_reducer().schemas(), [RecordedEvent::SCHEMA]);
/// ```
#[must_use]
pub fn event_log_reducer() -> Reducer {
    root_reducer([RecordedEvent::SCHEMA], |_, action: &Action| {
        Ok(log_entry(action)?.map_or(Changeset::no_change(), Changeset::without_filter))
    })
}

impl Reducer {
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
        self.check_event_log(&changeset, incoming)?;
        Ok(changeset)
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
        database.apply(&changeset)
    }

    /// Makes sure that the log gets nothing but the event at hand.
    fn check_event_log(
        &self,
        changeset: &Changeset,
        incoming: &dyn Incoming,
    ) -> Result<(), Rejection> {
        let log = RecordedEvent::SCHEMA.collection;
        let mut of_log = changeset.operations().iter().filter(|it| it.collection() == log);
        let Some(first) = of_log.next() else {
            return Ok(());
        };
        if let Some(log_entry) = self.log_entry {
            let entry = log_entry(incoming)?;
            if entry.as_ref() == Some(first) && of_log.all(|other| other == first) {
                return Ok(());
            }
        }
        Err(Rejection::new(
            code::EVENT_LOG_IS_APPEND_ONLY,
            "the collection `events` is the log: only `event_log_reducer` writes it, one entry an \
             event",
        ))
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
        database.apply(&changeset)
    }
}

impl fmt::Debug for Reducer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collections = self.schemas.iter().map(|schema| schema.collection);
        formatter.debug_list().entries(collections).finish()
    }
}

fn log_entry(incoming: &dyn Incoming) -> Result<Option<Operation>, Rejection> {
    let Some(event) = incoming::to_action(incoming)?.into_recorded() else {
        return Ok(None);
    };
    let collection = RecordedEvent::SCHEMA.collection.into();
    Ok(Some(Operation::Create { collection, document: event.to_fields() }))
}
