//! The seam to the databases: what the store asks of each, and nothing else. SQL is below it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flux_reducers::{
    Delta, Direction, Fault, Plan, Position, RecordedEvent, Row, Schema, Timestamp, Uuid,
};

use crate::error::Error;

mod sqlite;

/// A database, opened, with the tables of the store's schemas.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Sqlite(sqlite::Sqlite),
}

/// A write transaction that holds the head.
pub(crate) enum Transaction {
    Sqlite(sqlite::Transaction),
}

/// The last event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: Position,
    pub(crate) timestamp: Timestamp,
}

/// Which events of the log, at most how many, and from which end.
#[derive(Clone, Debug)]
pub(crate) struct LogRange {
    pub(crate) after: Position,
    pub(crate) event_type: Option<String>,
    pub(crate) direction: Direction,
    pub(crate) limit: u64,
}

/// Documents that were read at one position.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) position: Position,
    pub(crate) rows: Vec<Vec<Row>>,
}

/// What a transaction writes: the net change, the events, the new head.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub(crate) schemas: &'a BTreeMap<&'static str, &'static Schema>,
    pub(crate) delta: &'a Delta,
    pub(crate) events: &'a [Arc<RecordedEvent>],
    pub(crate) head: Head,
}

impl Backend {
    /// Opens the database that the URL names, and makes the tables it lacks.
    pub(crate) async fn open(url: &str, schemas: &[&'static Schema]) -> Result<Self, Error> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite(sqlite::Sqlite::open(url, schemas).await?)),
            Some(scheme @ ("postgres" | "postgresql" | "mysql" | "mariadb")) => Err(Error::Url {
                url: format!("{scheme}://…"),
                reason: "this version knows SQLite only: `sqlite://notes.db`".to_owned(),
            }),
            _ => Err(Error::Url {
                url: url.to_owned(),
                reason: "expected `sqlite://file.db` or `sqlite::memory:`".to_owned(),
            }),
        }
    }

    /// Begins a write transaction: from here on nobody else moves the head.
    pub(crate) async fn begin(&self) -> Result<(Transaction, Head), Error> {
        match self {
            Self::Sqlite(sqlite) => {
                let (transaction, head) = sqlite.begin().await?;
                Ok((Transaction::Sqlite(transaction), head))
            }
        }
    }

    pub(crate) async fn head(&self) -> Result<Head, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.head().await,
        }
    }

    /// Reads documents of several collections, all at one position.
    pub(crate) async fn read(&self, plans: &[(&'static Schema, Plan)]) -> Result<Read, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(plans).await,
        }
    }

    /// Reads events of the log, with the head as of then.
    pub(crate) async fn log(
        &self,
        range: &LogRange,
    ) -> Result<(Position, Vec<RecordedEvent>), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.log(range).await,
        }
    }

    /// Returns the events with these ids, those that there are.
    pub(crate) async fn events_by_id(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.events_by_id(ids).await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}

impl Transaction {
    /// Returns the events with these ids, those that there are.
    pub(crate) async fn events_by_id(
        &mut self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
        match self {
            Self::Sqlite(transaction) => transaction.events_by_id(ids).await,
        }
    }

    /// Returns the documents that faults of one collection ask for, in one query.
    pub(crate) async fn load(&mut self, faults: &[&Fault]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(transaction) => transaction.load(faults).await,
        }
    }

    pub(crate) async fn write(&mut self, write: Write<'_>) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction) => transaction.write(write).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await,
        }
    }
}
