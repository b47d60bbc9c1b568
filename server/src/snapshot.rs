//! Snapshots: all documents as of one position, kept in the database, from which a replay begins.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use flux_reducers::{
    Database, Document as _, Filter, Position, Query, RecordedEvent, Reducer, Row, Schema, Uuid,
    Value,
};
use tokio::sync::{Semaphore, mpsc};

use crate::backend::own::{SNAPSHOT_KEYS, SNAPSHOT_PARTS, SNAPSHOTS, SnapshotPart, StoredSnapshot};
use crate::backend::{self, Backend, Part};
use crate::checkpoint::Checkpoint;
use crate::clock::now;
use crate::error::Error;
use crate::reading::{self, PlannedQuery};
use crate::{replay, size};

use codec::Rows;

pub use policy::SnapshotPolicy;
pub(crate) use policy::run;

mod codec;
mod policy;

/// Bytes of one part before it is compressed: what MySQL takes in one packet.
const PART_BYTES: usize = 512 * 1024;

/// Parts that are read ahead.
const PARTS_AHEAD_MAX: usize = 4;

/// Documents of a database in memory that are written together.
const ROWS_AT_ONCE: usize = 1024;

/// How long after it has begun a snapshot that is not whole is taken for one that never will be. A
/// slow one of a large database takes hours.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What snapshots are made of, and by what.
#[derive(Clone, Debug)]
pub(crate) struct Snapshots {
    backend: Arc<dyn Backend>,
    empty: Database,
}

/// What is recorded of snapshots.
pub(crate) struct Records {
    /// By position.
    pub(crate) readable: Vec<StoredSnapshot>,
    /// The ids of those that can't be read, and why.
    pub(crate) broken: Vec<(Value, String)>,
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
        if let Err(error) = self.remove_replaced(position, &id).await {
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

    /// Returns the snapshots that these reducers and schemas made, by position. Those of which the
    /// record can't be read are passed over, with a warning.
    pub(crate) async fn list(&self) -> Result<Vec<StoredSnapshot>, Error> {
        let Records { readable, broken } = self.records().await?;
        for (_, reason) in broken {
            tracing::warn!(reason, "a snapshot is passed over");
        }
        Ok(readable)
    }

    /// Returns what is recorded of the snapshots that these reducers and schemas made.
    pub(crate) async fn records(&self) -> Result<Records, Error> {
        let own = Filter::eq("generation", self.backend.generation());
        match self.read_records(own.clone()).await {
            Err(Error::Damaged(_)) => {}
            readable => return Ok(Records { readable: readable?, broken: Vec::new() }),
        }
        // One by one, to tell which it is.
        let plan = Query::from(own.clone()).ascending("id").plan(SNAPSHOT_KEYS);
        let plans = [(SNAPSHOT_KEYS, plan.map_err(Error::Query)?)];
        let mut records = Records { readable: Vec::new(), broken: Vec::new() };
        let keys = match reading::rows(&*self.backend, &plans).await {
            Err(Error::Damaged(reason)) => {
                records.broken.push((Value::Null, reason));
                return Ok(records);
            }
            keys => keys?.0,
        };
        for key in keys.iter().flatten() {
            let id = SNAPSHOT_KEYS.id_of(key).clone();
            match self.read_records(own.clone() & Filter::eq("id", id.clone())).await {
                Ok(one) => records.readable.extend(one),
                Err(Error::Damaged(reason)) => records.broken.push((id, reason)),
                Err(error) => return Err(error),
            }
        }
        records.readable.sort_by_key(|it| it.position);
        Ok(records)
    }

    async fn read_records(&self, which: Filter) -> Result<Vec<StoredSnapshot>, Error> {
        let query = Query::from(which).ascending("position");
        let plans = [(SNAPSHOTS, query.plan(SNAPSHOTS).map_err(Error::Query)?)];
        let found = reading::fold(&*self.backend, &plans, Vec::new(), |all, _, row| {
            let snapshot = StoredSnapshot::from_row(&row).map_err(|error| damaged(&error))?;
            let StoredSnapshot { id, position, .. } = &snapshot;
            if *position < 0 {
                return Err(Error::Damaged(format!(
                    "document {id} of `flux_snapshots`: its position is {position}; the next \
                     snapshot that is taken removes it"
                )));
            }
            all.push(snapshot);
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
        if !self.empty.schemas().any(backend::is_log) {
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
        self.empty.schemas().filter(|schema| !backend::is_log(schema))
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

    /// Removes those before it of the same position, and those of which the record can't be read.
    async fn remove_replaced(&self, position: Position, by: &str) -> Result<(), Error> {
        let Records { readable, broken } = self.records().await?;
        let replaced = readable.into_iter().filter(|it| it.position == position && &*it.id < by);
        let broken = broken.iter().filter_map(|(id, _)| id.as_text().map(str::to_owned));
        for id in replaced.map(|it| it.id).chain(broken) {
            self.backend.remove_snapshot(id).await?;
        }
        Ok(())
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
