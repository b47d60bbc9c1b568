//! The time machine: all documents as they were once.

use std::collections::BTreeSet;
use std::str::FromStr;

use flux_reducers::{
    Database, Document, Filter, Position, Query, RecordedEvent, Row, Timestamp, Value,
};

use super::recent_past::free;
use super::{Inner, Store};
use crate::backend::own::StoredSnapshot;
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::{log, reading, replay, snapshot};

/// A point in time: a position of the log, or a time.
///
/// ```
/// use flux_server::Moment;
/// use flux_server::reducers::Timestamp;
///
/// assert_eq!(Moment::from(7), Moment::Position(7));
/// let noon: Timestamp = "2016-09-26T12:00:00.000Z".parse().unwrap();
/// assert_eq!(Moment::from(noon), Moment::Time(noon));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the event at this position; 0 is before the first.
    Position(Position),
    /// After the last event that is not later.
    Time(Timestamp),
}

/// A position from 0, or a time such as `2016-09-26T20:32:46.588Z`.
impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let position = text.parse().ok().filter(|position| *position >= 0).map(Self::Position);
        position.or_else(|| text.parse().ok().map(Self::Time)).ok_or(NoMoment)
    }
}

/// A text that names no moment.
///
/// ```
/// use flux_server::Moment;
///
/// let error = "yesterday".parse::<Moment>().unwrap_err();
/// assert!(error.to_string().starts_with("expected a position, or a time"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a position, or a time such as 2016-09-26T20:32:46.588Z: in UTC, with milliseconds or \
     without"
)]
pub struct NoMoment;

impl From<Position> for Moment {
    fn from(position: Position) -> Self {
        Self::Position(position)
    }
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

/// All documents as they were at one position. It is in memory, and nothing changes it.
///
/// ```
/// # use flux_server::{Error, Store};
/// # use flux_server::reducers::{Action, Query, aggregate_reducers};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
/// let past = store.at(1).await?;
/// assert_eq!(past.read(&[("events", Query::all())]).await?[0].len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Past {
    checkpoint: Checkpoint,
    database: Database,
    store: Store,
}

/// Where a replay can begin.
enum Base {
    Nothing,
    Kept(Position, Database),
    Snapshot(StoredSnapshot),
    /// The documents as they are now, of a store that keeps its history.
    Now(Position),
}

impl Base {
    const fn position(&self) -> Position {
        match self {
            Self::Nothing => 0,
            Self::Kept(position, _) | Self::Now(position) => *position,
            Self::Snapshot(snapshot) => snapshot.position,
        }
    }
}

impl Store {
    /// Returns all documents as they were at a position, or at a time.
    ///
    /// The nearest snapshot and a replay of the events from there; where the history is kept, also
    /// back from a later snapshot, or from now. It takes memory for all documents of that time;
    /// those of the last question are kept for a minute, so that the next one near it is fast.
    ///
    /// # Errors
    /// [`Error::PositionAhead`] for a position that the log does not have yet;
    /// [`Error::ReplayStopped`] where the reducers no longer accept an event of the log.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let event = store.dispatch(&Action::new("rung")).await?;
    /// assert_eq!(store.at(event.timestamp).await?.position(), 1);
    /// assert_eq!(store.at(0).await?.position(), 0);
    /// assert_eq!(store.at(2).await.unwrap_err().code(), "position_ahead");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn at(&self, moment: impl Into<Moment>) -> Result<Past, Error> {
        // Other reducers may make other documents of the past.
        self.position_in_use().await?;
        self.forget_other_log().await?;
        let checkpoint = self.checkpoint_at(moment.into()).await?;
        let database = self.inner.documents_at(checkpoint).await?;
        Ok(Past { checkpoint, database, store: self.clone() })
    }

    /// Forgets what is kept of a log that was replaced: by an older copy of the database, say.
    async fn forget_other_log(&self) -> Result<(), Error> {
        let Some((kept, _)) = self.inner.past.get() else { return Ok(()) };
        match self.check(kept).await {
            Err(Error::LogReplaced { .. } | Error::PositionAhead { .. }) => {
                self.inner.past.forget(kept);
                Ok(())
            }
            checked => checked,
        }
    }

    async fn checkpoint_at(&self, moment: Moment) -> Result<Checkpoint, Error> {
        let position = match moment {
            Moment::Position(position) => position,
            Moment::Time(time) => {
                let head = self.position().await?;
                let found = self.last_where(&[time], head, |at, time| at <= time).await?;
                found.first().copied().unwrap_or_default()
            }
        };
        if position == 0 {
            return Ok(Checkpoint::default());
        }
        match self.event_at(position).await? {
            (_, Some(event)) => Ok(Checkpoint { position, event_id: Some(event.id) }),
            (head, None) if (1..=head).contains(&position) => Err(replay::missing(position)),
            (head, None) => Err(Error::PositionAhead { position, head }),
        }
    }

    /// Returns for each time the position of the last event whose time is as asked for beside it: one
    /// that is of no later event of those that are.
    ///
    /// Positions and times rise together, so that each is found by halves: whatever the length of the
    /// log that is a few queries, each of one event a time.
    pub(super) async fn last_where(
        &self,
        times: &[Timestamp],
        head: Position,
        is_asked_for: impl Fn(Timestamp, Timestamp) -> bool,
    ) -> Result<Vec<Position>, Error> {
        let middle = |(low, high): (Position, Position)| low + (high - low + 1) / 2;
        let mut bounds = vec![(0, head); times.len()];
        loop {
            let open = bounds.iter().filter(|(low, high)| low < high);
            let middles: BTreeSet<_> = open.map(|bound| middle(*bound)).collect();
            if middles.is_empty() {
                return Ok(bounds.into_iter().map(|(low, _)| low).collect());
            }
            let found = self.inner.backend.event_times(&middles).await?;
            for (time, bound) in
                times.iter().zip(&mut bounds).filter(|(_, bound)| bound.0 < bound.1)
            {
                let middle = middle(*bound);
                match found.get(&middle) {
                    Some(at) if is_asked_for(*at, *time) => bound.0 = middle,
                    Some(_) => bound.1 = middle - 1,
                    None => return Err(replay::missing(middle)),
                }
            }
        }
    }

    /// Returns the event at a position, and where the log ends.
    pub(super) async fn event_at(
        &self,
        position: Position,
    ) -> Result<(Position, Option<RecordedEvent>), Error> {
        let there = Query::from(Filter::eq("position", position));
        let found = self.read(&[(RecordedEvent::SCHEMA.collection, there)]).await?;
        let event = found.documents.iter().flatten().next().map(log::event).transpose()?;
        Ok((found.position, event))
    }
}

impl Inner {
    async fn documents_at(&self, checkpoint: Checkpoint) -> Result<Database, Error> {
        let position = checkpoint.position;
        if position == 0 {
            return Ok(self.snapshots.empty().clone());
        }
        if let Some(found) = self.documents_near(position).await {
            return found;
        }
        let turn = self.past.turn().await;
        // Whoever was before may have been there.
        if let Some(found) = self.documents_near(position).await {
            return found;
        }
        let database = self.documents_far(position).await?;
        self.past.keep(checkpoint, database.clone());
        drop(turn);
        Ok(database)
    }

    /// Returns the documents as of a position near that of the last question.
    async fn documents_near(&self, position: Position) -> Option<Result<Database, Error>> {
        let (kept, database) = self.past.near(position)?;
        if kept > position && !self.backend.keeps_history() {
            return None;
        }
        match self.documents_from(Base::Kept(kept, database), position).await {
            Err(Error::Damaged(_)) => None,
            done => Some(done),
        }
    }

    /// Returns the documents as of any position.
    async fn documents_far(&self, position: Position) -> Result<Database, Error> {
        let mut bases = vec![Base::Nothing];
        bases.extend(self.past.get().map(|(kept, database)| Base::Kept(kept.position, database)));
        bases.extend(self.snapshots.list().await?.into_iter().map(Base::Snapshot));
        if self.backend.keeps_history() {
            bases.push(Base::Now(self.backend.head().await?.position));
        } else {
            bases.retain(|base| base.position() <= position);
        }
        // The nearest last.
        bases.sort_by_key(|base| std::cmp::Reverse(base.position().abs_diff(position)));
        let found = loop {
            let base = bases.pop().unwrap_or(Base::Nothing);
            let begins_at = base.position();
            match self.documents_from(base, position).await {
                Err(error @ (Error::Damaged(_) | Error::ReplayStopped { .. }))
                    if !bases.is_empty() =>
                {
                    tracing::warn!(begins_at, position, %error, "a way to the past is passed over");
                    // Where the reducers do not accept the event, a way from another snapshot is as
                    // long, and ends there, too.
                    if matches!(error, Error::ReplayStopped { .. }) {
                        bases.retain(|base| !matches!(base, Base::Snapshot(_)));
                    }
                }
                done => break done,
            }
        };
        free(bases);
        found
    }

    async fn documents_from(&self, base: Base, to: Position) -> Result<Database, Error> {
        let (from, database) = match base {
            Base::Nothing => (0, self.snapshots.empty().clone()),
            Base::Kept(position, database) => (position, database),
            Base::Snapshot(snapshot) => (snapshot.position, self.snapshots.load(&snapshot).await?),
            Base::Now(_) => self.documents_now().await?,
        };
        if from <= to {
            return replay::forwards(&*self.backend, &self.reducer, database, from, to).await;
        }
        replay::backwards(&*self.backend, database, from, to).await
    }

    pub(super) async fn documents_now(&self) -> Result<(Position, Database), Error> {
        let (plans, empty) = (self.snapshots.plans()?, self.snapshots.empty().clone());
        let schemas: Vec<_> = plans.iter().map(|(schema, _)| *schema).collect();
        let read = reading::fold(&*self.backend, &plans, empty, move |all, plan, row| {
            snapshot::put(all, schemas[plan], row)
        });
        let (database, end) = read.await?;
        Ok((end.position, self.snapshots.with_log(database, end.position).await?))
    }
}

impl Past {
    /// Returns the position of the last event that it knows of.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// assert_eq!(store.at(0).await?.position(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn position(&self) -> Position {
        self.checkpoint.position
    }

    /// Returns its place in the log.
    ///
    /// ```
    /// # use flux_server::{Checkpoint, Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// assert_eq!(store.at(0).await?.checkpoint(), Checkpoint::default());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// Returns the document with this id, as it was.
    ///
    /// # Errors
    /// When the id is none, or the document does not fit its type.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{RecordedEvent, Uuid, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let past = store.at(0).await?;
    /// assert_eq!(past.find_by_id::<RecordedEvent>(Uuid::nil()).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_by_id<T: Document>(&self, id: impl Into<Value>) -> Result<Option<T>, Error> {
        self.find_one(Filter::eq(T::SCHEMA.id_field().name, id.into())).await
    }

    /// Returns the first document that matches, as it was.
    ///
    /// # Errors
    /// When the filter does not fit the schema, or the document its type.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, Filter, RecordedEvent, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let past = store.at(1).await?;
    /// assert!(past.find_one::<RecordedEvent>(Filter::eq("type", "rung")).await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_one<T: Document>(&self, filter: Filter) -> Result<Option<T>, Error> {
        Ok(self.find_all(Query::from(filter).limit(1)).await?.pop())
    }

    /// Returns the documents that a query asks for, as they were.
    ///
    /// # Errors
    /// When the query does not fit the schema, or a document its type.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Query, RecordedEvent, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// assert_eq!(store.at(0).await?.find_all::<RecordedEvent>(Query::all()).await?, []);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_all<T: Document>(&self, query: impl Into<Query>) -> Result<Vec<T>, Error> {
        self.store.check_type::<T>()?;
        let rows = self.read(&[(T::SCHEMA.collection, query.into())]).await?.pop();
        super::documents(&rows.unwrap_or_default())
    }

    /// Answers several queries of any collections, the log as `events` included.
    ///
    /// # Errors
    /// When a query does not fit its schema, or there is no such collection.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Query, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let past = store.at(0).await?;
    /// assert_eq!(past.read(&[("events", Query::all())]).await?, [vec![]]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn read(&self, queries: &[(&str, Query)]) -> Result<Vec<Vec<Row>>, Error> {
        let mut answers = Vec::with_capacity(queries.len());
        for (collection, query) in queries {
            answers.push(match self.store.schema(collection)? {
                schema if *schema == *RecordedEvent::SCHEMA => self.read_log(query).await?,
                schema => self.read_documents(schema.collection, query).await?,
            });
        }
        Ok(answers)
    }

    /// To look at all documents takes a while: those who read what is now do not wait for it.
    async fn read_documents(
        &self,
        collection: &'static str,
        query: &Query,
    ) -> Result<Vec<Row>, Error> {
        let (database, query) = (self.database.clone(), query.clone());
        reading::on_own_thread(move || super::rows(&database, collection, &query)).await
    }

    /// The log is in the database: nothing of it ever changes.
    async fn read_log(&self, query: &Query) -> Result<Vec<Row>, Error> {
        let schema = RecordedEvent::SCHEMA;
        let query = query.clone().and(Filter::le("position", self.position()));
        let plan = [(schema, query.plan(schema).map_err(Error::Query)?)];
        Ok(self.store.read_plans(&plan).await?.documents.pop().unwrap_or_default())
    }
}
