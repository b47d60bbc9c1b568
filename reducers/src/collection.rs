//! A collection as reducers see it: reads of typed documents, and the creators of changesets.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::changeset::{Changeset, Operation};
use crate::database::Table;
use crate::document::Document;
use crate::filter::Filter;
use crate::halt::Halt;
use crate::query::Query;
use crate::rejection::{Rejection, code};
use crate::schema::Row;
use crate::value::Value;

/// The documents of one collection as of before the event at hand, and the means to change them.
///
/// Reads are used with `?`: on a partial collection they may [fault](crate::Fault), and the
/// reducer is run again. The creators change nothing: they return a [`Changeset`].
///
/// ```
/// use flux_reducers::{Collection, Document, Event, Filter, Reduction, Rejection};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Document)]
/// #[document(collection = "tasks")]
/// struct Task {
///     id: i64,
///     title: String,
///     done: bool,
/// }
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum TaskEvent {
///     TaskDone { id: i64 },
///     DoneTasksRemoved,
/// }
///
/// fn tasks(tasks: &Collection<Task>, event: &TaskEvent) -> Reduction {
///     match event {
///         TaskEvent::TaskDone { id } => match tasks.find_by_id(id)? {
///             Some(task) if task.done => {
///                 Err(Rejection::new("already_done", "the task is done already").into())
///             }
///             _ => Ok(tasks.update_by_id(id, Task::patch().done(true))),
///         },
///         TaskEvent::DoneTasksRemoved => Ok(tasks.destroy_where(Filter::eq("done", true))),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Collection<T> {
    table: Arc<Table>,
    document: PhantomData<fn() -> T>,
}

impl<T: Document> Collection<T> {
    pub(crate) const fn new(table: Arc<Table>) -> Self {
        Self { table, document: PhantomData }
    }

    /// Returns the document with this id.
    ///
    /// # Errors
    /// A fault where it is not loaded; a rejection where the id is of another kind.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     let Some(note) = notes.find_by_id(1)? else {
    ///         return Err(Rejection::new("no_such_note", "there is no note 1").into());
    ///     };
    ///     Ok(notes.update_by_id(note.id, Note::patch().done(true)))
    /// }
    /// ```
    pub fn find_by_id(&self, id: impl Into<Value>) -> Result<Option<T>, Halt> {
        Ok(self.table.row(id.into())?.map(document).transpose()?)
    }

    /// Returns the document with the least id of those that match.
    ///
    /// # Errors
    /// A fault where they are not loaded; a rejection where the filter does not fit the schema.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     let open = notes.find_one(Filter::is_null("done"))?;
    ///     Ok(open.map_or(notes.no_change(), |note| notes.destroy_by_id(note.id)))
    /// }
    /// ```
    pub fn find_one(&self, filter: Filter) -> Result<Option<T>, Halt> {
        Ok(self.find_all(Query::from(filter).limit(1))?.pop())
    }

    /// Returns the documents that a query, or a filter, asks for.
    ///
    /// # Errors
    /// A fault where they are not loaded; a rejection where the query does not fit the schema.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     let last = notes.find_all(Query::all().descending("id").limit(1))?;
    ///     let id = last.first().map_or(1, |note| note.id + 1);
    ///     Ok(notes.create(Note { id, title: String::new(), done: None }))
    /// }
    /// ```
    pub fn find_all(&self, query: impl Into<Query>) -> Result<Vec<T>, Halt> {
        let rows = self.table.rows(&query.into())?;
        Ok(rows.iter().map(document).collect::<Result<_, _>>()?)
    }

    /// Returns how many documents match.
    ///
    /// # Errors
    /// A fault where they are not loaded; a rejection where the filter does not fit the schema.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     if notes.count(Filter::all())? >= 100 {
    ///         return Err(Rejection::new("too_many", "a hundred notes are enough").into());
    ///     }
    ///     Ok(notes.no_change())
    /// }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "as the other reads take it")]
    pub fn count(&self, filter: Filter) -> Result<usize, Halt> {
        let condition = filter.condition(self.table.schema())?;
        Ok(self.table.matching(&condition)?.len())
    }

    /// Creates the changeset that adds a document; refused where its id exists.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.create(Note { id: 1, title: "Milk".into(), done: None }))
    /// }
    /// ```
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the document goes into the changeset")]
    pub fn create(&self, document: T) -> Changeset {
        let document = document.to_fields();
        Changeset::without_filter(Operation::Create {
            collection: T::SCHEMA.collection.into(),
            document,
        })
    }

    /// Creates the changeset that adds a document or replaces the one with its id.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.upsert(Note { id: 1, title: "Milk".into(), done: None }))
    /// }
    /// ```
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the document goes into the changeset")]
    pub fn upsert(&self, document: T) -> Changeset {
        let document = document.to_fields();
        Changeset::without_filter(Operation::Upsert {
            collection: T::SCHEMA.collection.into(),
            document,
        })
    }

    /// Creates the changeset that changes fields of one document, if it exists.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.update_by_id(1, Note::patch().title("Oat milk").done(None)))
    /// }
    /// ```
    #[must_use]
    pub fn update_by_id(&self, id: impl Into<Value>, patch: T::Patch) -> Changeset {
        Changeset::without_filter(Operation::UpdateById {
            collection: T::SCHEMA.collection.into(),
            id: id.into(),
            patch: patch.into(),
        })
    }

    /// Creates the changeset that removes one document, if it exists.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.destroy_by_id(1))
    /// }
    /// ```
    #[must_use]
    pub fn destroy_by_id(&self, id: impl Into<Value>) -> Changeset {
        Changeset::without_filter(Operation::DestroyById {
            collection: T::SCHEMA.collection.into(),
            id: id.into(),
        })
    }

    /// Creates the changeset that changes fields of all documents that match.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.update_where(Filter::is_null("done"), Note::patch().done(false)))
    /// }
    /// ```
    #[must_use]
    pub fn update_where(&self, filter: Filter, patch: T::Patch) -> Changeset {
        Operation::UpdateWhere {
            collection: T::SCHEMA.collection.into(),
            filter,
            patch: patch.into(),
        }
        .into()
    }

    /// Creates the changeset that removes all documents that match.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.destroy_where(Filter::eq("done", true)))
    /// }
    /// ```
    #[must_use]
    pub fn destroy_where(&self, filter: Filter) -> Changeset {
        Operation::DestroyWhere { collection: T::SCHEMA.collection.into(), filter }.into()
    }

    /// Creates the changeset that changes nothing.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// fn reducer(notes: &Collection<Note>, _: &Action) -> Reduction {
    ///     Ok(notes.no_change())
    /// }
    /// ```
    #[must_use]
    pub const fn no_change(&self) -> Changeset {
        Changeset::no_change()
    }
}

fn document<T: Document>(row: &Row) -> Result<T, Rejection> {
    T::from_row(row).map_err(|error| {
        Rejection::new(
            code::INVALID_VALUE,
            alloc::format!("a document of `{}` can't be read: {error}", T::SCHEMA.collection),
        )
    })
}
