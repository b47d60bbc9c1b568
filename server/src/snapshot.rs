//! Snapshots: all documents as of one position, kept in the database, from which a replay begins.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Weak};
use std::time::Duration;

use flux_reducers::{
    Database, Document as _, Filter, Position, Query, RecordedEvent, Reducer, Row, Schema,
    Timestamp, Uuid,
};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::backend::exclusive::Exclusive;
use crate::backend::own::{SNAPSHOT_PARTS, SNAPSHOTS, SnapshotPart, StoredSnapshot};
use crate::backend::{Backend, Part};
use crate::checkpoint::Checkpoint;
use crate::clock::now;
use crate::error::Error;
use crate::reading::{self, PlannedQuery};
use crate::{replay, size};

use codec::Rows;

mod codec;

/// Bytes of one part before it is compressed: what MySQL takes in one packet.
const PART_BYTES: usize = 512 * 1024;

/// Parts that are read ahead.
const PARTS_AHEAD_MAX: usize = 4;

/// Documents of a database in memory that are written together.
const ROWS_AT_ONCE: usize = 1024;

/// How long after it has begun a snapshot that is not whole is taken for one that never will be. A
/// slow one of a large database takes hours.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(24 * 3600);

/// How long it is waited while another server takes one.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long it is waited after a snapshot could not be taken; each time twice as long as before.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The longest that it is waited then.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(3600);

/// When snapshots are taken. None unless told.
///
/// ```
/// use flux_server::SnapshotPolicy;
/// use std::time::Duration;
///
/// let policy = SnapshotPolicy::default().every_events(50_000).every(Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct SnapshotPolicy {
    events: Option<Position>,
    interval: Option<Duration>,
    kept: Option<u32>,
}

impl SnapshotPolicy {
    /// After so many events, at least one.
    ///
    /// ```
    /// # use flux_server::SnapshotPolicy;
    /// let policy = SnapshotPolicy::default().every_events(50_000);
    /// ```
    pub const fn every_events(mut self, events: u32) -> Self {
        self.events = Some(if events == 0 { 1 } else { events as Position });
        self
    }

    /// After so long, if there was an event.
    ///
    /// ```
    /// # use flux_server::SnapshotPolicy;
    /// let policy = SnapshotPolicy::default().every(std::time::Duration::from_secs(3600));
    /// ```
    pub const fn every(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Keeps only so many, the last ones, at least one; all unless told. Between those that are
    /// kept the time machine has further to go.
    ///
    /// ```
    /// # use flux_server::SnapshotPolicy;
    /// let policy = SnapshotPolicy::default().every_events(50_000).keep(100);
    /// ```
    pub const fn keep(mut self, snapshots: u32) -> Self {
        self.kept = Some(if snapshots == 0 { 1 } else { snapshots });
        self
    }

    pub(crate) const fn is_never(self) -> bool {
        self.events.is_none() && self.interval.is_none()
    }
}

/// What snapshots are made of, and by what.
#[derive(Clone, Debug)]
pub(crate) struct Snapshots {
    backend: Arc<dyn Backend>,
    empty: Database,
}

impl Snapshots {
    pub(crate) fn new(backend: Arc<dyn Backend>, reducer: &Reducer) -> Result<Self, Error> {
        let empty = Database::new(reducer.schemas())?;
        Ok(Self { backend, empty })
    }

    /// Takes one of the documents as they are now; returns its position. It takes the place of one
    /// that there is of the same position, which may be broken.
    pub(crate) async fn take(&self) -> Result<Position, Error> {
        if let Err(error) = self.remove_left_over().await {
            tracing::warn!(%error, "parts of snapshots that were never whole could not be removed");
        }
        let id = Uuid::now_v7();
        let position = self.record(id, self.write_live(id).await).await?;
        let id = id.to_string();
        if let Err(error) = self.remove(|it| it.position == position && it.id < id).await {
            tracing::warn!(%error, "the snapshot before could not be removed");
        }
        Ok(position)
    }

    /// Takes those of the past that are missing, one each so many events, by a replay.
    pub(crate) async fn take_missing(
        &self,
        reducer: &Reducer,
        every: Position,
    ) -> Result<(), Error> {
        let end = self.backend.head().await?.position;
        let taken: Vec<_> = self.list().await?.iter().map(|it| it.position).collect();
        let (mut from, mut database) = (0, self.empty.clone());
        let mut position = every;
        while position <= end {
            if !taken.contains(&position) {
                database =
                    replay::forwards(&*self.backend, reducer, database, from, position).await?;
                from = position;
                let id = Uuid::now_v7();
                self.record(id, self.write_all(id, &database, position).await).await?;
            }
            position += every;
        }
        Ok(())
    }

    /// Writes the documents as they are now.
    async fn write_live(&self, id: Uuid) -> Result<StoredSnapshot, Error> {
        let (plans, schemas) = (self.plans()?, self.schemas().collect::<Vec<_>>());
        if !self.backend.is_shared() {
            // Its one connection can't write while it reads.
            let (sender, parts) = mpsc::channel(Semaphore::MAX_PERMITS);
            self.backend.read(&plans, sender).await?;
            return self.write(id, &schemas, parts).await;
        }
        let (sender, parts) = mpsc::channel(1);
        let (read, written) =
            tokio::join!(self.backend.read(&plans, sender), self.write(id, &schemas, parts));
        // A read that failed ends as one does that is whole: only here it is known which it was.
        read.and(written)
    }

    /// Writes the documents of a database in memory.
    async fn write_all(
        &self,
        id: Uuid,
        database: &Database,
        position: Position,
    ) -> Result<StoredSnapshot, Error> {
        let schemas: Vec<_> = self.schemas().collect();
        let (sender, parts) = mpsc::channel(1);
        let fed = async {
            // Its own: the writing ends when it is dropped.
            let sender = sender;
            let end = Checkpoint { position, event_id: None };
            let mut is_wanted = sender.send(Part::End(end)).await.is_ok();
            for (plan, schema) in schemas.iter().enumerate() {
                let rows = database.rows(schema.collection, &Query::all());
                let rows = rows.map_err(|halt| damaged(&halt))?;
                for rows in rows.chunks(ROWS_AT_ONCE) {
                    let part = Part::Rows { plan, rows: rows.to_vec() };
                    is_wanted = is_wanted && sender.send(part).await.is_ok();
                }
            }
            Ok(())
        };
        let (fed, written) = tokio::join!(fed, self.write(id, &schemas, parts));
        fed.and(written)
    }

    /// Writes the parts, and returns what makes a snapshot of them once they are known to be all.
    async fn write(
        &self,
        id: Uuid,
        schemas: &[&'static Schema],
        mut parts: mpsc::Receiver<Part>,
    ) -> Result<StoredSnapshot, Error> {
        let mut writing = Writing { backend: &*self.backend, id, parts: 0, bytes: 0 };
        let (mut position, mut documents) = (0, 0);
        let mut gathered: Option<(usize, Rows)> = None;
        while let Some(part) = parts.recv().await {
            let (plan, rows) = match part {
                Part::End(end) => {
                    position = end.position;
                    continue;
                }
                Part::Rows { plan, rows } => (plan, rows),
            };
            for row in &rows {
                let more = size::of_row(row);
                let is_full =
                    |(of, rows): &(usize, Rows)| *of != plan || rows.len() + more > PART_BYTES;
                if gathered.as_ref().is_some_and(is_full) {
                    writing.part(gathered.take()).await?;
                }
                let (_, into) = match &mut gathered {
                    Some(gathered) => gathered,
                    None => gathered.insert((plan, Rows::of(schemas[plan].collection)?)),
                };
                into.push(row)?;
            }
            documents += count(rows.len());
        }
        writing.part(gathered).await?;
        Ok(StoredSnapshot {
            id: writing.id.to_string(),
            generation: self.backend.generation(),
            position,
            taken_at: now(),
            parts: writing.parts,
            documents,
            bytes: writing.bytes,
        })
    }

    /// Records a snapshot that is whole. Of one that is not, or is nobody's any more, nothing is
    /// left.
    async fn record(
        &self,
        id: Uuid,
        written: Result<StoredSnapshot, Error>,
    ) -> Result<Position, Error> {
        let recorded = async {
            let whole = written?;
            self.backend.record_snapshot(&row(SNAPSHOTS, &whole.to_fields())?).await?;
            Ok(whole)
        };
        match recorded.await {
            Ok(StoredSnapshot { position, documents, bytes, .. }) => {
                tracing::info!(position, documents, bytes, "a snapshot is taken");
                Ok(position)
            }
            Err(error) => {
                if let Err(error) = self.backend.remove_snapshot(id.to_string()).await {
                    tracing::warn!(%error, "what there is of a snapshot could not be removed");
                }
                Err(error)
            }
        }
    }

    /// Returns the snapshots that these reducers and schemas made, by position.
    pub(crate) async fn list(&self) -> Result<Vec<StoredSnapshot>, Error> {
        let own = Filter::eq("generation", self.backend.generation());
        let query = Query::from(own).ascending("position");
        let plans = [(SNAPSHOTS, query.plan(SNAPSHOTS).map_err(Error::Query)?)];
        let found = reading::fold(&*self.backend, &plans, Vec::new(), |all, _, row| {
            all.push(StoredSnapshot::from_row(&row).map_err(|error| damaged(&error))?);
            Ok(())
        });
        Ok(found.await?.0)
    }

    /// Whether it is still there.
    pub(crate) async fn has(&self, snapshot: &StoredSnapshot) -> Result<bool, Error> {
        Ok(self.list().await?.iter().any(|it| it.id == snapshot.id))
    }

    /// Returns its documents.
    pub(crate) async fn load(&self, snapshot: &StoredSnapshot) -> Result<Database, Error> {
        // In the order of their ids without sorting them.
        let own = Filter::starts_with("id", format!("{}/", snapshot.id));
        let plan = Query::from(own).plan(SNAPSHOT_PARTS).map_err(Error::Query)?;
        let plans = [(SNAPSHOT_PARTS, plan)];
        // One thread reads the parts, another puts what is in them where it belongs.
        let (sender, rows) = sync_channel::<(&'static Schema, Vec<Row>)>(PARTS_AHEAD_MAX);
        let (schemas, mut database) = (self.empty.clone(), self.empty.clone());
        let filled = reading::on_own_thread(move || {
            for (schema, rows) in rows {
                rows.into_iter().try_for_each(|row| put(&mut database, schema, row))?;
            }
            Ok(database)
        });
        let read =
            reading::fold(&*self.backend, &plans, (0, 0), move |(parts, documents), _, row| {
                let part = SnapshotPart::from_row(&row).map_err(|error| damaged(&error))?;
                let schema_of = |name: &str| schemas.schema(name).map_err(Error::Query);
                let (schema, rows) = codec::read(&part.bytes.0, schema_of)?;
                *parts += 1;
                *documents += count(rows.len());
                // Nobody takes them where one could not be put: that is told then.
                sender.send((schema, rows)).ok();
                Ok(())
            });
        let (read, filled) = tokio::join!(read, filled);
        let ((parts, documents), _) = read?;
        let database = filled?;
        if (parts, documents) != (snapshot.parts, snapshot.documents) {
            return Err(Error::Damaged(format!(
                "the snapshot of position {} has {parts} of {} parts and {documents} of {} \
                 documents",
                snapshot.position, snapshot.parts, snapshot.documents
            )));
        }
        self.with_log(database, snapshot.position).await
    }

    /// Adds the log up to a position, if the reducers read it. No snapshot has it: it never changes.
    pub(crate) async fn with_log(
        &self,
        database: Database,
        to: Position,
    ) -> Result<Database, Error> {
        if !self.empty.schemas().any(is_log) {
            return Ok(database);
        }
        let plans = [replay::between(RecordedEvent::SCHEMA, 0, to)?];
        let filled = reading::fold(&*self.backend, &plans, database, |database, _, row| {
            put(database, RecordedEvent::SCHEMA, row)
        });
        Ok(filled.await?.0)
    }

    /// Returns the schemas of what is in a snapshot.
    fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        self.empty.schemas().filter(|schema| !is_log(schema))
    }

    /// Returns the queries for all documents of all collections but the log, in their order.
    pub(crate) fn plans(&self) -> Result<Vec<PlannedQuery>, Error> {
        let plans = self.schemas().map(|schema| Ok((schema, Query::all().plan(schema)?)));
        plans.collect::<Result<_, _>>().map_err(Error::Query)
    }

    /// Returns a database without documents.
    pub(crate) const fn empty(&self) -> &Database {
        &self.empty
    }

    /// Removes the parts of snapshots that were never whole.
    async fn remove_left_over(&self) -> Result<(), Error> {
        let long_ago = now().as_milliseconds() - LEFT_OVER_AFTER.as_millis() as i64;
        self.backend.remove_snapshot_parts(first_id_at(long_ago).to_string()).await
    }

    /// Removes some; false where there are none of them.
    pub(crate) async fn remove(
        &self,
        which: impl Fn(&StoredSnapshot) -> bool,
    ) -> Result<bool, Error> {
        let mut is_any = false;
        for snapshot in self.list().await?.into_iter().filter(|it| which(it)) {
            self.backend.remove_snapshot(snapshot.id).await?;
            is_any = true;
        }
        Ok(is_any)
    }

    /// Removes all but the last ones.
    async fn keep(&self, most: u32) -> Result<(), Error> {
        let all = self.list().await?;
        let old = all.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
        for snapshot in &all[..old] {
            self.backend.remove_snapshot(snapshot.id.clone()).await?;
        }
        Ok(())
    }
}

/// Takes snapshots by a policy, until the store is closed. Of several servers one takes each.
pub(crate) async fn run(
    snapshots: Snapshots,
    policy: SnapshotPolicy,
    feed: Weak<crate::feed::Feed>,
) {
    let Some(mut head) = feed.upgrade().map(|feed| feed.watch()) else { return };
    drop(feed);
    let newest = snapshots.newest().await.unwrap_or_default();
    let mut last = newest.as_ref().map_or(0, |newest| newest.position);
    // A server that starts again and again takes its snapshots, too.
    let age = newest.map_or(Duration::MAX, |newest| since(newest.taken_at));
    let mut due_at = policy.interval.map(|every| Instant::now() + every.saturating_sub(age));
    let mut again_after = AGAIN_AFTER;
    while is_due(&mut head, policy, last, due_at).await {
        match snapshots.take_in_turn(last, policy).await {
            Ok(position) => (last, again_after) = (position, AGAIN_AFTER),
            Err(Error::Superseded) => return,
            // The store was closed meanwhile.
            Err(_) if head.has_changed().is_err() => return,
            Err(error) => {
                let seconds = again_after.as_secs();
                tracing::warn!(%error, "a snapshot could not be taken: again in {seconds} s");
                if timeout(again_after, closed(&mut head)).await.is_ok() {
                    return;
                }
                again_after = (again_after * 2).min(AGAIN_AFTER_MAX);
            }
        }
        due_at = policy.interval.map(|every| Instant::now() + every);
    }
}

impl Snapshots {
    /// Takes one, unless another server has taken it or does so just now; returns the position of
    /// the last one.
    async fn take_in_turn(
        &self,
        last: Position,
        policy: SnapshotPolicy,
    ) -> Result<Position, Error> {
        let own = loop {
            match self.backend.exclusively(Exclusive::Snapshot).await? {
                Some(own) => break own,
                None => sleep_until(Instant::now() + LOOK_AGAIN_AFTER).await,
            }
        };
        let taken = async {
            if let Some(newest) = self.newest().await?.filter(|newest| newest.position > last) {
                return Ok(newest.position);
            }
            let position = self.take().await?;
            if let Some(most) = policy.kept {
                self.keep(most).await?;
            }
            Ok(position)
        };
        let taken = taken.await;
        own.end().await;
        taken
    }

    /// Returns the last one.
    async fn newest(&self) -> Result<Option<StoredSnapshot>, Error> {
        Ok(self.list().await?.pop())
    }
}

/// Waits until a snapshot is due; false once there will be no more events.
async fn is_due(
    head: &mut watch::Receiver<Position>,
    policy: SnapshotPolicy,
    last: Position,
    due_at: Option<Instant>,
) -> bool {
    loop {
        let events = *head.borrow_and_update() - last;
        let is_long_ago = due_at.is_some_and(|due_at| Instant::now() >= due_at);
        if policy.events.is_some_and(|most| events >= most) || (is_long_ago && events > 0) {
            return true;
        }
        let changed = match due_at.filter(|_| events > 0) {
            None => head.changed().await,
            Some(due_at) => tokio::select! {
                changed = head.changed() => changed,
                () = sleep_until(due_at) => Ok(()),
            },
        };
        if changed.is_err() {
            return false;
        }
    }
}

/// Waits until there will be no more events.
async fn closed(head: &mut watch::Receiver<Position>) {
    while head.changed().await.is_ok() {}
}

/// A snapshot that is being written.
struct Writing<'a> {
    backend: &'a dyn Backend,
    id: Uuid,
    parts: i64,
    bytes: i64,
}

impl Writing<'_> {
    async fn part(&mut self, gathered: Option<(usize, Rows)>) -> Result<(), Error> {
        let Some((_, rows)) = gathered else { return Ok(()) };
        let bytes = rows.compress()?;
        self.bytes += count(bytes.len());
        let id = format!("{}/{:06}", self.id, self.parts);
        self.parts += 1;
        let snapshot = self.id.to_string();
        let part = SnapshotPart { id, snapshot, bytes: flux_reducers::Bytes(bytes) };
        self.backend.insert(SNAPSHOT_PARTS, &[row(SNAPSHOT_PARTS, &part.to_fields())?]).await
    }
}

/// How long ago a time was.
fn since(time: Timestamp) -> Duration {
    let milliseconds = now().as_milliseconds() - time.as_milliseconds();
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}

pub(crate) fn is_log(schema: &Schema) -> bool {
    *schema == *RecordedEvent::SCHEMA
}

/// Puts a document into a database that is being filled.
pub(crate) fn put(database: &mut Database, schema: &Schema, row: Row) -> Result<(), Error> {
    let id = schema.id_of(&row).clone();
    database.put(schema.collection, &id, Some(row)).map_err(Error::Query)
}

/// The first of the ids that are made at a time.
fn first_id_at(milliseconds: i64) -> Uuid {
    let milliseconds = u64::try_from(milliseconds).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

fn row(schema: &Schema, fields: &flux_reducers::Fields) -> Result<Row, Error> {
    schema.row_from_fields(fields).map_err(|error| damaged(&error))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::Damaged(format!("a snapshot: {error}"))
}
