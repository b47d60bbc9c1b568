//! A relational database of any dialect: what the store asks, as transactions and queries.

use std::collections::HashMap;

use flux_reducers::{Fault, Plan, RecordedEvent, Row, Schema, Uuid};
use futures_util::future::BoxFuture;
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use tokio::sync::mpsc;

use super::dialect::Dialect;
use super::tables::{self, Tables};
use super::{Backend, Begun, Head, Part, Transaction, Write, documents, events};
use crate::error::Error;

/// One connection that writes, and several that read beside it.
#[derive(Debug)]
pub(crate) struct Relational<D: Dialect> {
    writer: Pool<D>,
    readers: Pool<D>,
    tables: Tables,
    is_shared: bool,
}

/// A write transaction that holds the head.
pub(crate) struct WriteTransaction<D: Dialect> {
    transaction: sqlx::Transaction<'static, D>,
    tables: Tables,
}

impl<D: Dialect> Relational<D> {
    pub(crate) async fn open(
        url: &str,
        tables: Tables,
        schemas: &[&'static Schema],
    ) -> Result<Self, Error> {
        let (writer, readers) = D::connect(url).await?;
        let is_shared = D::is_shared(url);
        let database = Self { writer, readers, tables, is_shared };
        let mut transaction = database.transaction().await?;
        tables::prepare::<D>(&mut transaction, &database.tables, schemas).await?;
        transaction.commit().await.map_err(Error::database("making the tables"))?;
        Ok(database)
    }

    async fn transaction(&self) -> Result<sqlx::Transaction<'static, D>, Error> {
        let transaction = self.writer.begin_with(D::BEGIN_WRITE).await;
        transaction.map_err(Error::database("beginning a transaction"))
    }

    async fn snapshot(&self) -> Result<sqlx::Transaction<'static, D>, Error> {
        let snapshot = self.readers.begin_with(D::BEGIN_READ).await;
        snapshot.map_err(Error::database("beginning to read"))
    }

    async fn reader(&self) -> Result<PoolConnection<D>, Error> {
        self.readers.acquire().await.map_err(Error::database("connecting"))
    }
}

impl<D: Dialect> Backend for Relational<D> {
    fn begin(&self) -> BoxFuture<'_, Result<Begun, Error>> {
        Box::pin(async {
            let mut transaction = self.transaction().await?;
            let head = events::head::<D>(&mut transaction, &self.tables, D::LOCK).await?;
            let transaction = WriteTransaction { transaction, tables: self.tables.clone() };
            Ok((Box::new(transaction) as Box<dyn Transaction>, head))
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, Error>> {
        Box::pin(async {
            let mut connection = self.reader().await?;
            events::head::<D>(&mut connection, &self.tables, "").await
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [(&'static Schema, Plan)],
        parts: mpsc::Sender<Part>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut snapshot = self.snapshot().await?;
            let end = events::checkpoint::<D>(&mut snapshot, &self.tables).await?;
            let mut is_wanted = parts.send(Part::End(end)).await.is_ok();
            for (plan, (schema, query)) in plans.iter().enumerate() {
                if is_wanted {
                    let to = (plan, &parts);
                    is_wanted =
                        documents::find::<D>(&mut snapshot, &self.tables, schema, query, to)
                            .await?;
                }
            }
            snapshot.rollback().await.map_err(Error::database("reading"))
        })
    }

    fn events_by_id<'a>(
        &'a self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(async {
            let mut connection = self.reader().await?;
            events::by_id::<D>(&mut connection, &self.tables, ids).await
        })
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn notify(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let told = D::notify(&self.readers, &self.tables.channel()).await;
            told.map_err(Error::database("telling other servers"))
        })
    }

    fn listen<'a>(
        &'a self,
        heard: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let channel = self.tables.channel();
            let ended = D::listen(&self.readers, &channel, heard).await;
            ended.map_err(Error::database("listening to other servers"))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.readers.close().await;
            self.writer.close().await;
        })
    }
}

impl<D: Dialect> Transaction for WriteTransaction<D> {
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(events::by_id::<D>(&mut self.transaction, &self.tables, ids))
    }

    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        Box::pin(documents::load::<D>(&mut self.transaction, &self.tables, faults))
    }

    fn write<'a>(&'a mut self, write: Write<'a>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (connection, tables) = (&mut *self.transaction, &self.tables);
            for (collection, changes) in write.delta.collections() {
                // The log is written from the events, whether or not a reducer keeps it too.
                if let Some(schema) = write.schemas.get(collection)
                    && **schema != *events::SCHEMA
                {
                    documents::write::<D>(connection, tables, schema, changes).await?;
                }
            }
            events::append::<D>(connection, tables, write.events).await?;
            events::move_head::<D>(connection, tables, write.head).await
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async {
            self.transaction.commit().await.map_err(|source| Error::Database {
                doing: "committing",
                source: source.into(),
                ambiguous: true,
            })
        })
    }

    fn rollback(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async {
            self.transaction.rollback().await.map_err(Error::database("rolling back"))
        })
    }
}
