//! The history of a document: which events changed it, and what it was before and after each.

use std::collections::HashMap;

use flux_reducers::{
    Document, FILTER_PARTS_MAX, Filter, Json, Position, Query, RecordedEvent, Row, Schema, Value,
};

use super::Store;
use crate::backend::history::{self, Changed};
use crate::error::Error;
use crate::{log, replay};

/// One change of a document.
///
/// ```
/// use flux_server::reducers::{Action, RecordedEvent, Uuid};
/// use flux_server::DocumentChange;
///
/// fn told(change: &DocumentChange<String>) -> String {
///     let user = change.event.meta.as_ref().and_then(|meta| meta.as_value()["user"].as_str());
///     format!("{} by {}", change.event.event_type, user.unwrap_or("somebody"))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentChange<T> {
    /// The event that changed it: when, and, in its `meta`, by whom.
    pub event: RecordedEvent,
    /// The document before; `None` where it was not there.
    pub before: Option<T>,
    /// The document after; `None` where it was removed.
    pub after: Option<T>,
}

/// Which changes of a document: all, or the last ones before a position.
///
/// ```
/// use flux_server::HistoryQuery;
///
/// let last = HistoryQuery::default().limit(100);
/// let those_before = |first: i64| last.before(first);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct HistoryQuery {
    before: Position,
    limit: Option<u64>,
}

impl Default for HistoryQuery {
    /// All changes.
    fn default() -> Self {
        Self { before: Position::MAX, limit: None }
    }
}

impl HistoryQuery {
    /// Only changes by events before this position.
    ///
    /// ```
    /// # use flux_server::HistoryQuery;
    /// let query = HistoryQuery::default().before(7);
    /// ```
    pub const fn before(mut self, position: Position) -> Self {
        self.before = position;
        self
    }

    /// At most this many, the last ones.
    ///
    /// ```
    /// # use flux_server::HistoryQuery;
    /// let query = HistoryQuery::default().limit(100);
    /// ```
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl<T> DocumentChange<T> {
    fn map<U>(self, convert: impl Fn(T) -> Result<U, Error>) -> Result<DocumentChange<U>, Error> {
        let Self { event, before, after } = self;
        let (before, after) = (before.map(&convert).transpose()?, after.map(convert).transpose()?);
        Ok(DocumentChange { event, before, after })
    }
}

impl Store {
    /// Returns all changes of a document, the first one first; also of one that was removed.
    ///
    /// # Errors
    /// [`Error::HistoryNotKept`] where the store was not opened with
    /// [`keep_history`](crate::StoreBuilder::keep_history).
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Collection, Document, Event, Reduction, lift};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String }
    /// # #[derive(Clone, Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64, title: String }, NoteRemoved { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     Ok(match event.clone() {
    /// #         NoteEvent::NoteAdded { id, title } => notes.create(Note { id, title }),
    /// #         NoteEvent::NoteRemoved { id } => notes.destroy_by_id(id),
    /// #     })
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let store = Store::builder(lift(notes), "sqlite::memory:").keep_history().open().await?;
    /// store.dispatch(&NoteEvent::NoteAdded { id: 1, title: "Milk".into() }).await?;
    /// store.dispatch(&NoteEvent::NoteRemoved { id: 1 }).await?;
    ///
    /// let changes = store.history::<Note>(1).await?;
    /// assert_eq!(changes[1].event.event_type, "noteRemoved");
    /// assert_eq!(changes[1].before, Some(Note { id: 1, title: "Milk".into() }));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history<T: Document>(
        &self,
        id: impl Into<Value>,
    ) -> Result<Vec<DocumentChange<T>>, Error> {
        self.check_type::<T>()?;
        let all = HistoryQuery::default();
        let changes = self.history_of(T::SCHEMA.collection, id.into(), all).await?;
        changes.into_iter().map(|change| change.map(|row| super::document(&row))).collect()
    }

    /// Returns changes of a document of any collection, the first one first: all, or the last ones
    /// before a position.
    ///
    /// # Errors
    /// As [`history`](Self::history); also for an unknown collection, or an id that is none.
    ///
    /// ```
    /// # use flux_server::{Error, HistoryQuery, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let last = HistoryQuery::default().limit(100);
    /// let error = store.history_of("notes", 1.into(), last).await.unwrap_err();
    /// assert_eq!(error.code(), "unknown_collection");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history_of(
        &self,
        collection: &str,
        id: Value,
        HistoryQuery { before, limit }: HistoryQuery,
    ) -> Result<Vec<DocumentChange<Row>>, Error> {
        let schema = self.schema(collection)?;
        let id = schema.id(id).map_err(Error::Query)?;
        if !self.inner.backend.keeps_history() {
            return Err(Error::HistoryNotKept);
        }
        let key = |position| history::key(collection, &id, position);
        let between = |from: Position, to: Position| {
            // Keys of other documents may lie in between, where ids look like paths.
            let own = Filter::eq("document", Json::new(id.to_json()));
            Query::from(Filter::ge("id", key(from)) & Filter::lt("id", key(to)) & own)
        };
        let last = between(0, before).descending("id");
        let last = match limit {
            Some(limit) => last.limit(limit),
            None => last,
        };
        let next = between(before, Position::MAX).limit(1);
        let now = Query::from(Filter::eq(schema.id_field().name, id.clone()));
        let plan = |schema, query: Query| Ok((schema, query.plan(schema)?));
        let plans = [plan(history::SCHEMA, last), plan(history::SCHEMA, next), plan(schema, now)];
        let plans = plans.into_iter().collect::<Result<Vec<_>, _>>().map_err(Error::Query)?;
        // Of one moment: what a document was after a change is said by the next one, or by itself.
        let mut read = self.read_plans(&plans).await?.documents.into_iter();
        let mut changes = || changes_of(&read.next().unwrap_or_default());
        let (last, next) = (changes()?, changes()?);
        let now = read.next().and_then(|now| now.into_iter().next());
        let before = |change: Changed| change.before.map(|json| row(schema, json.as_value()));
        let mut after = match next.into_iter().next() {
            Some(next) => before(next).transpose()?,
            None => now,
        };
        let mut events = self.events_at(last.iter().map(|change| change.position)).await?;
        let mut all = Vec::with_capacity(last.len());
        for change in last {
            let position = change.position;
            let event = events.remove(&position).ok_or_else(|| replay::missing(position))?;
            let before = before(change).transpose()?;
            all.push(DocumentChange { event, before: before.clone(), after });
            after = before;
        }
        all.reverse();
        Ok(all)
    }

    /// Returns the documents that the event at a position has changed, some of them: the collection
    /// and the id of each.
    #[cfg(feature = "service")]
    pub(crate) async fn changed_at(
        &self,
        position: Position,
        limit: u64,
    ) -> Result<Vec<(String, Json)>, Error> {
        if !self.inner.backend.keeps_history() {
            return Err(Error::HistoryNotKept);
        }
        let there = Query::from(Filter::eq("position", position)).limit(limit);
        let plans = [(history::SCHEMA, there.plan(history::SCHEMA).map_err(Error::Query)?)];
        let found = self.read_plans(&plans).await?.documents;
        let changes = changes_of(found.iter().flatten())?;
        Ok(changes.into_iter().map(|it| (it.collection, it.document)).collect())
    }

    async fn events_at(
        &self,
        positions: impl Iterator<Item = Position>,
    ) -> Result<HashMap<Position, RecordedEvent>, Error> {
        let positions: Vec<_> = positions.collect();
        let mut events = HashMap::new();
        for some in positions.chunks(FILTER_PARTS_MAX / 2) {
            let there = Query::from(Filter::is_in("position", some.iter().copied()));
            let found = self.read(&[(RecordedEvent::SCHEMA.collection, there)]).await?;
            for row in found.documents.iter().flatten() {
                let event = log::event(row)?;
                events.insert(event.position, event);
            }
        }
        Ok(events)
    }
}

fn changes_of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Result<Vec<Changed>, Error> {
    let changes = rows.into_iter().map(Changed::from_row).collect::<Result<_, _>>();
    changes.map_err(|error| Error::Damaged(format!("the history: {error}")))
}

fn row(schema: &Schema, json: &serde_json::Value) -> Result<Row, Error> {
    schema.row_from_json(json).map_err(|error| Error::Damaged(format!("the history: {error}")))
}
