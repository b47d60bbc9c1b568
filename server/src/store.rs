//! The store: dispatches events, answers queries, tells subscribers.

use std::fmt;
use std::sync::{Arc, Mutex};

use flux_reducers::{
    Database, Document, Event, Filter, Halt, Position, Query, RecordedEvent, Reducer, Row, Schema,
    Uuid, Value,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use tracing::Instrument as _;

use crate::backend::Backend;
use crate::checkpoint::Checkpoint;
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::feed::Feed;
use crate::lock::lock;
use crate::log::LogQuery;
#[cfg(feature = "service")]
use crate::piecewise::Reading;
use crate::reading::{self, PlannedQuery};
use crate::schema_changes::schema_changes;
use crate::snapshot::Snapshots;
use crate::subscription::Subscription;
use crate::writer::Job;

use recent_past::RecentPast;

pub use builder::{OnChange, StoreBuilder};
pub use history::{DocumentChange, HistoryQuery};
pub use preview::{CollectionPreview, PreviewedChange, RebuildPreview};
pub use snapshots::TakenSnapshot;
pub use time_machine::{Moment, NoMoment, Past};
pub use verification::{Broken, Compared, Difference, Verification};

mod builder;
mod differences;
mod history;
mod preview;
#[cfg(feature = "service")]
mod rate;
mod rebuild;
mod recent_past;
mod snapshots;
mod time_machine;
mod verification;

/// The recorded events of a dispatch, in order.
///
/// ```
/// use flux_server::Recorded;
///
/// let last = |recorded: &Recorded| recorded.last().map(|event| event.position);
/// assert_eq!(last(&Vec::new()), None);
/// ```
pub type Recorded = Vec<Arc<RecordedEvent>>;

/// The innermost dispatch service, and any made of it by a middleware.
///
/// ```
/// use flux_server::{Dispatch, DispatchService, Error, Recorded};
/// use tower::ServiceExt as _;
///
/// async fn call(service: DispatchService, dispatch: Dispatch) -> Result<Recorded, Error> {
///     service.oneshot(dispatch).await
/// }
/// ```
pub type DispatchService = BoxCloneSyncService<Dispatch, Recorded, Error>;

/// An event store over a database: reduces, applies and logs events in one transaction.
///
/// A clone is another handle to the same store. The derives name `flux-reducers`, which so is a
/// dependency of the crate that has the documents.
///
/// ```
/// use flux_server::Store;
/// use flux_server::reducers::{Collection, Document, Event, Query, Reduction, lift};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Document)]
/// #[document(collection = "notes")]
/// struct Note {
///     id: i64,
///     title: String,
/// }
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum NoteEvent {
///     NoteAdded { id: i64, title: String },
/// }
///
/// fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
///     let NoteEvent::NoteAdded { id, title } = event;
///     Ok(notes.create(Note { id: *id, title: title.clone() }))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flux_server::Error> {
/// let store = Store::open(lift(notes), "sqlite::memory:").await?;
/// let event = store.dispatch(&NoteEvent::NoteAdded { id: 1, title: "Milk".into() }).await?;
/// assert_eq!(event.position, 1);
/// assert_eq!(store.find_all::<Note>(Query::all()).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    service: DispatchService,
}

struct Inner {
    backend: Arc<dyn Backend>,
    reducer: Reducer,
    snapshots: Snapshots,
    /// The documents of the moment that was asked for last.
    past: Arc<RecentPast>,
    /// Empty: what it knows of the schemas.
    collections: Database,
    schemas: Vec<&'static Schema>,
    feed: Mutex<Option<Arc<Feed>>>,
    jobs: Jobs,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Where dispatches wait for the writer; `None` once the store closes.
type Jobs = Arc<Mutex<Option<mpsc::Sender<Job>>>>;

/// Documents, and the position as of which they are.
///
/// ```
/// # use flux_server::{Error, LogQuery, Store};
/// # use flux_server::reducers::{Action, aggregate_reducers};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// store.dispatch(&Action::new("rung")).await?;
/// let log = store.events(LogQuery::default()).await?;
/// assert_eq!((log.position, log.documents.len()), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// The last event that they know of.
    pub position: Position,
    /// Its id; `None` where the log has no event yet.
    pub event_id: Option<Uuid>,
    /// The documents.
    pub documents: T,
}

impl<T> Snapshot<T> {
    const fn new(Checkpoint { position, event_id }: Checkpoint, documents: T) -> Self {
        Self { position, event_id, documents }
    }

    /// Returns the place in the log as of which it is, to follow the log from there.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, Query, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let read = store.read(&[("events", Query::all())]).await?;
    /// let events = store.subscribe_from(read.checkpoint()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint { position: self.position, event_id: self.event_id }
    }
}

impl Store {
    /// Opens the store of these reducers in the database that the URL names, such as
    /// `sqlite://notes.db` or `sqlite::memory:`. Tables that are missing are made.
    ///
    /// # Errors
    /// When the database can't be opened, or its tables do not fit the schemas.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let reducer = aggregate_reducers([]);
    /// let store = Store::open(reducer, "sqlite::memory:").await?;
    /// assert_eq!(store.position().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(reducer: Reducer, url: impl Into<String>) -> Result<Self, Error> {
        Self::builder(reducer, url).open().await
    }

    /// Begins to open a store with middleware.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let builder = Store::builder(aggregate_reducers([]), "sqlite::memory:");
    /// let store = builder.open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(reducer: Reducer, url: impl Into<String>) -> StoreBuilder {
        StoreBuilder::new(reducer, url.into())
    }

    /// Dispatches one event: reduces it, applies the changes and logs it, or nothing of it.
    ///
    /// An id and a timestamp are added. An event whose id is in the log already is answered with
    /// what was recorded, and nothing is done.
    ///
    /// # Errors
    /// When it is rejected, its id is taken by another event, or the database fails. It is answered
    /// within 30 s, whatever the database does: one that does not answer fails a step after 10 s,
    /// one that can't be reached after 5 s. Such an error [is retryable](Error::is_retryable): once
    /// the database is back the store goes on by itself.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// use flux_server::reducers::Uuid;
    ///
    /// let action = Action::new("rung").with_id(Uuid::from_u128(1));
    /// let event = store.dispatch(&action).await?;
    /// let retried = store.dispatch(&action).await?;
    /// assert_eq!((event.position, retried), (1, event));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn dispatch<E: Event>(&self, event: &E) -> Result<Arc<RecordedEvent>, Error> {
        let mut recorded = self.dispatch_all([event]).await?;
        recorded.pop().ok_or(Error::Closed)
    }

    /// Dispatches several events in one transaction: all of them or none.
    ///
    /// # Errors
    /// As of [`dispatch`](Self::dispatch); the error tells which event is at fault.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let recorded = store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// assert_eq!(recorded[1].position, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn dispatch_all<'a, E: Event + 'a>(
        &self,
        events: impl IntoIterator<Item = &'a E>,
    ) -> Result<Recorded, Error> {
        let actions = events.into_iter().enumerate().map(|(event, it)| {
            it.to_action().map_err(|rejection| Error::Rejected { event, rejection })
        });
        let actions = actions.collect::<Result<_, _>>()?;
        self.dispatch_together(Dispatch { actions, expected_position: None }).await
    }

    /// Dispatches as it says: several events, on condition that the log still ends where expected.
    ///
    /// # Errors
    /// As of [`dispatch_all`](Self::dispatch_all); [`Error::PositionMoved`] where something was
    /// recorded since the expected position. Nothing is recorded then: read again, decide again.
    ///
    /// ```
    /// # use flux_server::{Dispatch, Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let dispatch = Dispatch { actions: vec![Action::new("rung")], expected_position: Some(0) };
    /// store.dispatch_together(dispatch.clone()).await?;
    /// let refused = store.dispatch_together(dispatch).await.unwrap_err();
    /// assert_eq!(refused.code(), "position_moved");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn dispatch_together(&self, dispatch: Dispatch) -> Result<Recorded, Error> {
        let span = tracing::debug_span!("dispatch", events = dispatch.actions.len());
        let service = self.service.clone();
        let told = async move {
            let result = service.oneshot(dispatch).await;
            match &result {
                Ok(recorded) => {
                    let position = recorded.last().map(|event| event.position);
                    tracing::debug!(position, "recorded");
                }
                Err(error) => tracing::debug!(%error, "refused"),
            }
            result
        };
        told.instrument(span).await
    }

    /// Follows the events that are recorded from now on.
    ///
    /// # Errors
    /// When the store is closed.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let mut events = store.subscribe()?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let batch = events.next().await?.unwrap_or_default();
    /// assert_eq!(batch[0].event_type, "rung");
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self) -> Result<Subscription, Error> {
        let feed = self.inner.feed()?;
        Ok(Subscription::new(Arc::clone(&self.inner.backend), &feed, feed.head()))
    }

    /// Follows the events after a position: first those in the log, then those to come.
    ///
    /// # Errors
    /// When the log does not reach the position yet, has another event there than the
    /// [`Checkpoint`] says, or the store is closed.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let mut events = store.subscribe_from(1).await?;
    /// let batch = events.next().await?.unwrap_or_default();
    /// assert_eq!(batch[0].event_type, "answered");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscribe_from(
        &self,
        place: impl Into<Checkpoint>,
    ) -> Result<Subscription, Error> {
        let (feed, place) = (self.inner.feed()?, place.into());
        let position = place.position;
        if place.event_id.is_some() || !(0..=feed.head()).contains(&position) {
            // Another server may have written more than this one has heard of.
            feed.advance(self.locate(place).await?);
        }
        Ok(Subscription::new(Arc::clone(&self.inner.backend), &feed, position))
    }

    /// Returns the position of the last event in the log; 0 where there is none.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// assert_eq!(store.position().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn position(&self) -> Result<Position, Error> {
        Ok(self.inner.backend.head().await?.position)
    }

    /// As [`position`](Self::position), of a store whose tables were not replaced.
    pub(crate) async fn position_in_use(&self) -> Result<Position, Error> {
        let backend = &self.inner.backend;
        let head = backend.head().await?;
        if head.generation == backend.generation() {
            Ok(head.position)
        } else {
            Err(Error::Superseded)
        }
    }

    /// Returns the document with this id.
    ///
    /// # Errors
    /// When the id is of another kind, or the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, RecordedEvent, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let event = store.dispatch(&Action::new("rung")).await?;
    /// let found = store.find_by_id::<RecordedEvent>(event.id).await?;
    /// assert_eq!(found.as_ref(), Some(&*event));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_by_id<T: Document>(&self, id: impl Into<Value>) -> Result<Option<T>, Error> {
        self.find_one(Filter::eq(T::SCHEMA.id_field().name, id.into())).await
    }

    /// Returns the document with the least id of those that match.
    ///
    /// # Errors
    /// When the filter does not fit the schema, or the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, Filter, RecordedEvent, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let found = store.find_one::<RecordedEvent>(Filter::eq("type", "rung")).await?;
    /// assert!(found.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_one<T: Document>(&self, filter: Filter) -> Result<Option<T>, Error> {
        Ok(self.find_all(Query::from(filter).limit(1)).await?.pop())
    }

    /// Returns the documents that a query, or a filter, asks for.
    ///
    /// # Errors
    /// When the query does not fit the schema, or the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, Filter, Query, RecordedEvent, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let query = Query::from(Filter::ne("type", "rung")).descending("position").limit(10);
    /// let found = store.find_all::<RecordedEvent>(query).await?;
    /// assert_eq!(found.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_all<T: Document>(&self, query: impl Into<Query>) -> Result<Vec<T>, Error> {
        self.check_type::<T>()?;
        let rows = self.read(&[(T::SCHEMA.collection, query.into())]).await?.documents.pop();
        documents(&rows.unwrap_or_default())
    }

    /// Returns the rows that queries of several collections ask for, all as of one position.
    ///
    /// # Errors
    /// When a collection is unknown, a query does not fit its schema, or the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, Query, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let read = store.read(&[("events", Query::all())]).await?;
    /// let row = &read.documents[0][0];
    /// let json = serde_json::to_value(store.schema("events")?.named(row)).unwrap();
    /// assert_eq!((read.position, &json["type"]), (1, &"rung".into()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn read(&self, queries: &[(&str, Query)]) -> Result<Snapshot<Vec<Vec<Row>>>, Error> {
        self.read_plans(&self.plans(queries)?).await
    }

    async fn read_plans(&self, plans: &[PlannedQuery]) -> Result<Snapshot<Vec<Vec<Row>>>, Error> {
        let (documents, end) = reading::rows(&*self.inner.backend, plans).await?;
        Ok(Snapshot::new(end, documents))
    }

    /// Begins to read what queries ask for, all as of one position, piece by piece.
    #[cfg(feature = "service")]
    pub(crate) async fn reading(&self, queries: &[(&str, Query)]) -> Result<Reading, Error> {
        Reading::begin(Arc::clone(&self.inner.backend), self.plans(queries)?).await
    }

    fn plans(&self, queries: &[(&str, Query)]) -> Result<Vec<PlannedQuery>, Error> {
        let plans = queries.iter().map(|(collection, query)| {
            let schema = self.schema(collection)?;
            Ok((schema, query.plan(schema).map_err(Error::Query)?))
        });
        plans.collect()
    }

    /// Makes sure that the log has this place; every log has the beginning.
    pub(crate) async fn check(&self, place: Checkpoint) -> Result<(), Error> {
        if place != Checkpoint::default() {
            self.locate(place).await?;
        }
        Ok(())
    }

    /// Makes sure that the log has this place; returns the position where it ends.
    async fn locate(&self, place: Checkpoint) -> Result<Position, Error> {
        let (head, event) = self.event_at(place.position).await?;
        place.check(head, event.map(|event| event.id))?;
        Ok(head)
    }

    /// Returns events of the log, as of the position that the log had then.
    ///
    /// # Errors
    /// When the log has not the place after which they are asked for, or the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, LogQuery, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let last = store.events(LogQuery::default().descending().limit(1)).await?;
    /// assert_eq!(last.documents[0].event_type, "answered");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn events(&self, query: LogQuery) -> Result<Snapshot<Vec<RecordedEvent>>, Error> {
        self.check(query.place()).await?;
        let (end, events) = query.read(&*self.inner.backend, usize::MAX).await?;
        Ok(Snapshot::new(end, events))
    }

    /// Returns the events with these ids, those that there are, by position.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let event = store.dispatch(&Action::new("rung")).await?;
    /// let found = store.events_by_id(&[event.id]).await?;
    /// assert_eq!(found, [(*event).clone()]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn events_by_id(&self, ids: &[uuid::Uuid]) -> Result<Vec<RecordedEvent>, Error> {
        let found = self.inner.backend.events_by_id(ids).await?;
        let mut events: Vec<_> = found.into_values().collect();
        events.sort_unstable_by_key(|event| event.position);
        Ok(events)
    }

    /// Returns the schemas of the collections; the log is the collection `events`.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let names: Vec<_> = store.schemas().iter().map(|schema| schema.collection).collect();
    /// assert_eq!(names, ["events"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn schemas(&self) -> &[&'static Schema] {
        &self.inner.schemas
    }

    /// Returns the schema of a collection.
    ///
    /// # Errors
    /// A rejection `unknown_collection` as [`Error::Query`].
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// assert_eq!(store.schema("events")?.id_field().name, "id");
    /// assert_eq!(store.schema("notes").unwrap_err().code(), "unknown_collection");
    /// # Ok(())
    /// # }
    /// ```
    pub fn schema(&self, collection: &str) -> Result<&'static Schema, Error> {
        self.inner.collections.schema(collection).map_err(Error::Query)
    }

    /// Makes sure that a collection's documents are of this type: another one of that name may have the
    /// same values in another order.
    fn check_type<T: Document>(&self) -> Result<(), Error> {
        let collection = T::SCHEMA.collection;
        let own = self.schema(collection)?;
        match schema_changes(own, T::SCHEMA).into_iter().next() {
            None => Ok(()),
            Some(difference) => {
                Err(Error::OtherType { collection: collection.to_owned(), difference })
            }
        }
    }

    /// Takes no more dispatches, answers those that wait, ends the subscriptions, and closes the
    /// database.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.close().await;
    /// let refused = store.dispatch(&Action::new("rung")).await.unwrap_err();
    /// assert_eq!(refused.code(), "closed");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) {
        drop(lock(&self.inner.jobs).take());
        let writer = lock(&self.inner.writer).take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer ended early");
        }
        drop(lock(&self.inner.feed).take());
        self.inner.backend.close().await;
    }
}

fn documents<T: Document>(rows: &[Row]) -> Result<Vec<T>, Error> {
    rows.iter().map(document).collect()
}

fn document<T: Document>(row: &Row) -> Result<T, Error> {
    T::from_row(row).map_err(|error| {
        Error::Damaged(format!("a document of `{}`: {error}", T::SCHEMA.collection))
    })
}

/// Returns what a query finds in a database that is whole.
fn rows(database: &Database, collection: &str, query: &Query) -> Result<Vec<Row>, Error> {
    database.rows(collection, query).map_err(|halt| match halt {
        Halt::Rejected(rejection) => Error::Query(rejection),
        Halt::Fault(fault) => Error::Damaged(format!("`{}` is not loaded", fault.collection())),
    })
}

impl Inner {
    fn feed(&self) -> Result<Arc<Feed>, Error> {
        lock(&self.feed).clone().ok_or(Error::Closed)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Store")
            .field("backend", &self.inner.backend)
            .finish_non_exhaustive()
    }
}
