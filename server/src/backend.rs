//! The seam to the databases: what the store asks of each, and nothing else. SQL is below it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::Arc;

use flux_reducers::{Delta, Fault, Plan, Position, RecordedEvent, Row, Schema, Timestamp, Uuid};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, without_password};

pub(crate) use events::is_log;

use event_texts::EventTexts;
use exclusive::{Exclusive, Exclusivity};
use relational::Relational;
use tables::Tables;

mod columns;
mod connections;
mod dialect;
mod documents;
pub(crate) mod event_texts;
pub(crate) mod event_times;
mod events;
pub(crate) mod exclusive;
mod filter;
mod generations;
pub(crate) mod history;
#[cfg(feature = "mysql")]
mod mysql;
pub(crate) mod own;
#[cfg(feature = "postgres")]
mod postgres;
mod relational;
mod snapshots;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod tables;

/// The last event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) timestamp: Timestamp,
    /// `None` where the log is empty.
    pub(crate) event_id: Option<Uuid>,
    /// Which set of tables has what the log means.
    pub(crate) generation: i64,
}

impl Head {
    pub(crate) const fn checkpoint(self) -> Checkpoint {
        Checkpoint { position: self.position, event_id: self.event_id }
    }
}

/// What a read gives, piece by piece: first where the log ends, then the rows of one plan after
/// the other.
#[derive(Debug)]
pub(crate) enum Part {
    End(Checkpoint),
    Rows {
        /// Which of the plans.
        plan: usize,
        rows: Vec<Row>,
    },
}

/// What a transaction writes: the net change, the events, the new head.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub(crate) schemas: &'a BTreeMap<&'static str, &'static Schema>,
    pub(crate) delta: &'a Delta,
    pub(crate) events: &'a [Arc<RecordedEvent>],
    /// What each event changed; of none where no history is kept.
    pub(crate) deltas: &'a [Delta],
    pub(crate) head: Head,
}

/// A database, opened, with the tables of the store's schemas.
pub(crate) trait Backend: Debug + Send + Sync {
    /// Begins a write transaction: from here on nobody else moves the head.
    fn begin(&self) -> BoxFuture<'_, Result<Begun, Error>>;

    /// Begins to write on the assumption that nobody else has moved the head.
    fn assume(&self) -> BoxFuture<'_, Result<Box<dyn Assumption>, Error>>;

    /// Reads for the writer, beside what it is writing: each answer is of its own moment.
    fn beside(&self) -> Box<dyn Lookup + '_>;

    /// Reads for what is written in the background.
    fn background(&self) -> Box<dyn Lookup + '_>;

    /// Returns which set of tables it reads and writes.
    fn generation(&self) -> i64;

    /// Returns the schemas that made the tables of its generation, the store's own aside, and makes
    /// sure that these still fit.
    fn recorded_schemas(&self) -> BoxFuture<'_, Result<Vec<&'static Schema>, Error>>;

    /// Returns the last event's position and time.
    fn head(&self) -> BoxFuture<'_, Result<Head, Error>>;

    /// Reads documents of several collections, all at one position. It goes as fast as the parts
    /// are taken, and ends early once nobody takes them.
    fn read<'a>(
        &'a self,
        plans: &'a [(&'static Schema, Plan)],
        parts: mpsc::Sender<Part>,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Reads the events after a position, up to another one, in their order. It goes as fast as the
    /// parts are taken, and ends early once nobody takes them.
    fn events(
        &self,
        after: Position,
        to: Position,
        parts: mpsc::Sender<EventTexts>,
    ) -> BoxFuture<'_, Result<(), Error>>;

    /// Returns the events with these ids, those that there are.
    fn events_by_id<'a>(
        &'a self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>>;

    /// Returns when the events at these positions were recorded, those that there are.
    fn event_times<'a>(
        &'a self,
        positions: &'a event_times::Positions,
    ) -> BoxFuture<'a, Result<event_times::Times, Error>>;

    /// Adds rows to one of the store's own tables, beside what is being written.
    fn insert<'a>(
        &'a self,
        schema: &'static Schema,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Records a snapshot that is whole, unless its tables are no longer the live ones.
    fn record_snapshot<'a>(&'a self, row: &'a Row) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes a snapshot: first what says that it is whole, so that who reads it meanwhile passes it
    /// over.
    fn remove_snapshot(&self, id: String) -> BoxFuture<'_, Result<(), Error>>;

    /// Removes the parts of snapshots that are older than an id and not recorded.
    fn remove_snapshot_parts(&self, before: String) -> BoxFuture<'_, Result<(), Error>>;

    /// Takes on what only one server does at a time; `None` while another does it.
    fn exclusively(&self, what: Exclusive) -> BoxFuture<'_, Result<Option<Exclusivity>, Error>>;

    /// Takes over the building of new tables that an interrupted one has begun, or begins anew.
    /// None where what is live is what is demanded.
    fn shadow<'a>(
        &'a self,
        schemas: &'a [&'static Schema],
        settings: &'a Settings,
        demand: Demand,
        owner: Uuid,
    ) -> BoxFuture<'a, Result<Option<Shadow>, Error>>;

    /// Begins to write the tables of a generation that is not live.
    fn begin_build(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, Error>>;

    /// Ends the building of its generation, if it is still the owner's: others may go on with what
    /// is built, or it is dropped.
    fn abandon(&self, owner: Uuid, built: Built) -> BoxFuture<'_, Result<(), Error>>;

    /// Drops the tables of a generation that is not live, as long as it is still in this state;
    /// returns whether it was.
    fn drop_generation(
        &self,
        generation: i64,
        state: own::GenerationState,
    ) -> BoxFuture<'_, Result<bool, Error>>;

    /// Whether it is kept which event changed which document.
    fn keeps_history(&self) -> bool;

    /// Whether other servers can write the same log.
    fn is_shared(&self) -> bool;

    /// Whether only one connection can write at a time, so that all others wait for each write.
    fn has_one_writer(&self) -> bool;

    /// Tells other servers that the log has grown: a hint.
    fn notify(&self, head: Position) -> BoxFuture<'_, Result<(), Error>>;

    /// Calls back whenever a server tells where the log ends now, and without a position where it
    /// may have missed that; ends on an error.
    fn listen<'a>(
        &'a self,
        heard: &'a (dyn Fn(Option<Position>) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Closes all connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Which rebuild is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// One of what is live, whatever made it; newer reducers aside.
    Anyway {
        /// What is kept from the one before is dropped in the end.
        replaces_previous: bool,
        /// Also where newer reducers made what is live.
        downgrades: bool,
    },
    /// One where older reducers, or other schemas, made what is live.
    WhereNewer,
}

/// What becomes of what a rebuild has built when it ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Built {
    Left,
    Dropped,
}

/// Tables that are not live, and how far they are built.
pub(crate) type Shadow = (Arc<dyn Backend>, Position);

/// A write transaction, and the head that it holds.
pub(crate) type Begun = (Box<dyn Transaction>, Head);

/// What reducers read of a database while a batch is made.
pub(crate) trait Lookup: Send {
    /// Returns the events with these ids, those that there are.
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>>;

    /// Returns the documents that faults of one collection ask for.
    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>>;
}

/// A batch that holds nothing until it is written. What it reads is of one moment only if the
/// assumption holds in the end.
pub(crate) trait Assumption: Lookup {
    /// Returns whether the head is still there.
    fn holds(&mut self, head: Head) -> BoxFuture<'_, Result<bool, Error>>;

    /// Writes and commits where the head is still there, and no id of an event is in the log yet.
    /// Otherwise it writes nothing and returns false.
    fn commit<'a>(
        self: Box<Self>,
        write: &'a Write<'a>,
        head: Head,
    ) -> BoxFuture<'a, Result<bool, Error>>;
}

/// A write transaction that holds the head. Dropped, it is rolled back.
pub(crate) trait Transaction: Lookup {
    /// Writes the net change, the events and the new head.
    fn write<'a>(&'a mut self, write: &'a Write<'a>) -> BoxFuture<'a, Result<(), Error>>;

    /// Returns the events after a position, up to another one: as many as others can wait for.
    fn events(
        &mut self,
        after: Position,
        to: Position,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, Error>>;

    /// Writes what events changed to the tables of a generation that is not live, and how far that
    /// is built; if it is still the owner's, and as far as that one left it.
    fn build<'a>(
        &'a mut self,
        write: &'a Write<'a>,
        owner: Uuid,
        from: Position,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Makes its generation the live one, in a transaction that holds the head; if it is still the
    /// owner's.
    fn swap(&mut self, head: Head, owner: Uuid) -> BoxFuture<'_, Result<(), Error>>;

    /// Commits.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;

    /// Leaves everything as it was.
    fn rollback(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

/// What a store's tables are to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// What their names begin with.
    pub(crate) namespace: Option<String>,
    /// Whether it shall be kept which event changed which document.
    pub(crate) wants_history: bool,
    /// The version of the reducers.
    pub(crate) version: u32,
    /// Whether a database without a store is refused.
    pub(crate) must_exist: bool,
    /// The program that rebuilds, where that is known.
    pub(crate) program: Option<Uuid>,
}

impl Settings {
    /// The same, of a store that is there.
    pub(crate) fn of_existing(&self) -> Self {
        Self { must_exist: true, ..self.clone() }
    }
}

/// Opens the database that the URL names, and makes the tables it lacks. Without schemas the tables
/// of the collections are neither made nor checked.
pub(crate) async fn open(
    url: &str,
    settings: &Settings,
    schemas: Option<&[&'static Schema]>,
) -> Result<Arc<dyn Backend>, Error> {
    let tables = Tables::new(settings.namespace.clone())?;
    match url.split_once(':').map_or("", |(scheme, _)| scheme) {
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            Ok(Arc::new(Relational::<sqlx::Sqlite>::open(url, tables, schemas, settings).await?))
        }
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            Ok(Arc::new(Relational::<sqlx::Postgres>::open(url, tables, schemas, settings).await?))
        }
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => {
            Ok(Arc::new(Relational::<sqlx::MySql>::open(url, tables, schemas, settings).await?))
        }
        scheme => Err(unknown_scheme(url, scheme)),
    }
}

fn unknown_scheme(url: &str, scheme: &str) -> Error {
    let needs = match scheme {
        "sqlite" => ": enable the feature `sqlite`",
        "postgres" | "postgresql" => ": enable the feature `postgres`",
        "mysql" | "mariadb" => ": enable the feature `mysql`",
        _ => "",
    };
    Error::Url {
        url: without_password(url),
        reason: format!(
            "its scheme is not known{needs}; a URL is `sqlite://notes.db`, `sqlite::memory:`, \
             `postgres://user@host/database` or `mysql://user@host/database`"
        ),
    }
}
