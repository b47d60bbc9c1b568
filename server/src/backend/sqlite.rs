//! SQLite: one connection that writes, several that read beside it.

use std::collections::HashMap;

use flux_reducers::{Fault, Plan, Position, RecordedEvent, Row, Schema, Uuid};
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use super::{Head, LogRange, Read, Write};
use crate::error::Error;

mod connection;
mod documents;
mod events;
mod filter;
mod schema;

/// Placeholders in one statement; SQLite takes 32,766.
const PLACEHOLDERS_MAX: usize = 30_000;

#[derive(Clone, Debug)]
pub(crate) struct Sqlite {
    writer: SqlitePool,
    /// For a database in memory the writer itself: it has one connection.
    readers: SqlitePool,
}

pub(crate) struct Transaction {
    connection: sqlx::Transaction<'static, sqlx::Sqlite>,
}

impl Sqlite {
    pub(crate) async fn open(url: &str, schemas: &[&'static Schema]) -> Result<Self, Error> {
        let (writer, readers) = connection::open(url).await?;
        let sqlite = Self { writer, readers };
        let mut transaction = sqlite.transaction().await?;
        schema::prepare(&mut transaction.connection, schemas).await?;
        transaction.commit().await?;
        Ok(sqlite)
    }

    pub(crate) async fn begin(&self) -> Result<(Transaction, Head), Error> {
        let mut transaction = self.transaction().await?;
        let head = events::head(&mut transaction.connection).await?;
        Ok((transaction, head))
    }

    pub(crate) async fn head(&self) -> Result<Head, Error> {
        events::head(&mut *self.reader().await?).await
    }

    pub(crate) async fn read(&self, plans: &[(&'static Schema, Plan)]) -> Result<Read, Error> {
        let mut connection = self.reader().await?;
        let mut snapshot =
            connection.begin().await.map_err(Error::database("beginning to read"))?;
        let position = events::head(&mut snapshot).await?.position;
        let mut rows = Vec::with_capacity(plans.len());
        for (schema, plan) in plans {
            rows.push(documents::find(&mut snapshot, schema, plan).await?);
        }
        snapshot.rollback().await.map_err(Error::database("reading documents"))?;
        Ok(Read { position, rows })
    }

    pub(crate) async fn log(
        &self,
        range: &LogRange,
    ) -> Result<(Position, Vec<RecordedEvent>), Error> {
        let mut connection = self.reader().await?;
        let mut snapshot =
            connection.begin().await.map_err(Error::database("beginning to read"))?;
        let position = events::head(&mut snapshot).await?.position;
        let events = events::range(&mut snapshot, range).await?;
        snapshot.rollback().await.map_err(Error::database("reading the log"))?;
        Ok((position, events))
    }

    pub(crate) async fn events_by_id(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
        events::by_id(&mut *self.reader().await?, ids).await
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn transaction(&self) -> Result<Transaction, Error> {
        let connection = self.writer.begin_with("BEGIN IMMEDIATE").await;
        let connection = connection.map_err(Error::database("beginning a transaction"))?;
        Ok(Transaction { connection })
    }

    async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>, Error> {
        self.readers.acquire().await.map_err(Error::database("connecting"))
    }
}

impl Transaction {
    pub(crate) async fn events_by_id(
        &mut self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
        events::by_id(&mut self.connection, ids).await
    }

    pub(crate) async fn load(&mut self, faults: &[&Fault]) -> Result<Vec<Row>, Error> {
        documents::load(&mut self.connection, faults).await
    }

    pub(crate) async fn write(&mut self, write: Write<'_>) -> Result<(), Error> {
        let connection: &mut SqliteConnection = &mut self.connection;
        for (collection, changes) in write.delta.collections() {
            if let Some(schema) = write.schemas.get(collection) {
                documents::write(connection, schema, changes).await?;
            }
        }
        events::append(connection, write.events).await?;
        events::move_head(connection, write.head).await
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.connection.commit().await.map_err(|source| Error::Database {
            doing: "committing",
            source: source.into(),
            ambiguous: true,
        })
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        self.connection.rollback().await.map_err(Error::database("rolling back"))
    }
}

/// Quotes a name. Schemas have checked it already; this is the second lock.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
