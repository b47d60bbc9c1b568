//! The history of a document: which events changed it, and what it was before and after each.

use std::collections::HashMap;

use flux_reducers::{
    Document, FILTER_PARTS_MAX, Filter, Position, Query, RecordedEvent, Row, Schema, Value,
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
        let changes = self.history_of(T::SCHEMA.collection, id.into()).await?;
        changes.into_iter().map(|change| change.map(|row| super::document(&row))).collect()
    }

    /// Returns all changes of a document of any collection, the first one first.
    ///
    /// # Errors
    /// As [`history`](Self::history); also for an unknown collection, or an id that is none.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let error = store.history_of("notes", 1.into()).await.unwrap_err();
    /// assert_eq!(error.code(), "unknown_collection");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history_of(
        &self,
        collection: &str,
        id: Value,
    ) -> Result<Vec<DocumentChange<Row>>, Error> {
        let schema = self.schema(collection)?;
        let id = schema.id(id).map_err(Error::Query)?;
        if !self.inner.backend.keeps_history() {
            return Err(Error::HistoryNotKept);
        }
        let (from, to) =
            (history::key(collection, &id, 0), history::key(collection, &id, i64::MAX));
        let changes = Query::from(Filter::ge("id", from) & Filter::le("id", to));
        let now = Query::from(Filter::eq(schema.id_field().name, id.clone()));
        let plans = [
            (history::SCHEMA, changes.plan(history::SCHEMA).map_err(Error::Query)?),
            (schema, now.plan(schema).map_err(Error::Query)?),
        ];
        // Of one moment: what a document was after a change is said by the next one.
        let mut read = self.read_plans(&plans).await?.documents.into_iter();
        let (changes, now) = (read.next().unwrap_or_default(), read.next().unwrap_or_default());
        let changes = changes.iter().map(Changed::from_row).collect::<Result<Vec<_>, _>>();
        let changes = changes.map_err(|error| Error::Damaged(format!("the history: {error}")))?;
        // Keys of other documents may lie in between, where ids look like paths.
        let id = flux_reducers::Json::new(id.to_json());
        let changes: Vec<_> = changes.into_iter().filter(|it| it.document == id).collect();
        let mut events = self.events_at(changes.iter().map(|change| change.position)).await?;
        let mut after = now.into_iter().next();
        let mut all = Vec::with_capacity(changes.len());
        for Changed { position, before, .. } in changes.into_iter().rev() {
            let event = events.remove(&position).ok_or_else(|| replay::missing(position))?;
            let before = before.map(|json| row(schema, json.as_value())).transpose()?;
            let change = DocumentChange { event, before: before.clone(), after };
            after = before;
            all.push(change);
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
    ) -> Result<Vec<(String, flux_reducers::Json)>, Error> {
        if !self.inner.backend.keeps_history() {
            return Err(Error::HistoryNotKept);
        }
        let there = Query::from(Filter::eq("position", position)).limit(limit);
        let plans = [(history::SCHEMA, there.plan(history::SCHEMA).map_err(Error::Query)?)];
        let found = self.read_plans(&plans).await?.documents;
        let changes = found.iter().flatten().map(Changed::from_row);
        let changed = changes.map(|it| it.map(|it| (it.collection, it.document)));
        let changed = changed.collect::<Result<Vec<_>, _>>();
        changed.map_err(|error| Error::Damaged(format!("the history: {error}")))
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

fn row(schema: &Schema, json: &serde_json::Value) -> Result<Row, Error> {
    schema.row_from_json(json).map_err(|error| Error::Damaged(format!("the history: {error}")))
}
