//! A relational database of any dialect: what the store asks, as transactions and queries.

use std::collections::HashMap;

use flux_reducers::{Fault, Plan, RecordedEvent, Row, Schema, Uuid, Value};
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool, QueryBuilder};
use tokio::sync::mpsc;

use super::dialect::Dialect;
use super::statement::{Statement, are_independent, statements};
use super::tables::{self, Tables};
use super::{
    Assumption, Backend, Begun, Head, Lookup, Part, Transaction, Write, documents, events,
};
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

/// The writer's connection, and no transaction yet.
struct Assumed<D: Dialect> {
    connection: PoolConnection<D>,
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

    fn assume(&self) -> BoxFuture<'_, Result<Box<dyn Assumption>, Error>> {
        Box::pin(async {
            let connection = self.writer.acquire().await.map_err(Error::database("connecting"))?;
            let tables = self.tables.clone();
            Ok(Box::new(Assumed::<D> { connection, tables }) as Box<dyn Assumption>)
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

impl<D: Dialect> Lookup for Assumed<D> {
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(events::by_id::<D>(&mut self.connection, &self.tables, ids))
    }

    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        Box::pin(documents::load::<D>(&mut self.connection, &self.tables, faults))
    }
}

impl<D: Dialect> Assumption for Assumed<D> {
    fn holds(&mut self, head: Head) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let found = events::head::<D>(&mut self.connection, &self.tables, "").await?;
            Ok(found == head)
        })
    }

    fn commit<'a>(
        mut self: Box<Self>,
        write: &'a Write<'a>,
        head: Head,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let log = events::rows(write.events)?;
            let statements = statements::<D>(write, &log, Some(head));
            let done = if D::COMBINES_STATEMENTS && are_independent(&statements) {
                combined::<D>(&mut self.connection, &self.tables, &statements).await
            } else {
                let transaction = self.connection.begin_with(D::BEGIN_WRITE).await;
                let mut transaction =
                    transaction.map_err(Error::database("beginning a transaction"))?;
                match each::<D>(&mut transaction, &self.tables, &statements).await {
                    Ok(()) => transaction.commit().await.map_err(not_committed),
                    Err(error) => {
                        transaction.rollback().await.map_err(Error::database("rolling back"))?;
                        Err(error)
                    }
                }
            };
            match done {
                Ok(()) => Ok(true),
                Err(error) if is_of_assumption(&error) => {
                    tracing::debug!(%error, "the head was moved, or an event is sent again");
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        })
    }
}

impl<D: Dialect> Lookup for WriteTransaction<D> {
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(events::by_id::<D>(&mut self.transaction, &self.tables, ids))
    }

    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        Box::pin(documents::load::<D>(&mut self.transaction, &self.tables, faults))
    }
}

impl<D: Dialect> Transaction for WriteTransaction<D> {
    fn write<'a>(&'a mut self, write: &'a Write<'a>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let log = events::rows(write.events)?;
            let statements = statements::<D>(write, &log, None);
            each::<D>(&mut self.transaction, &self.tables, &statements).await
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async { self.transaction.commit().await.map_err(not_committed) })
    }

    fn rollback(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async {
            self.transaction.rollback().await.map_err(Error::database("rolling back"))
        })
    }
}

/// Runs statements one by one.
async fn each<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    statements: &[Statement<'_>],
) -> Result<(), Error> {
    for statement in statements {
        statement.run::<D>(connection, tables).await?;
    }
    Ok(())
}

/// Runs statements as one, which is a transaction by itself. Where one of them affects another
/// number of rows than it must, a division by zero undoes them all.
async fn combined<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    statements: &[Statement<'_>],
) -> Result<(), Error> {
    let mut sql = QueryBuilder::new("WITH ");
    for (position, statement) in statements.iter().enumerate() {
        sql.push(format_args!("{}s{position} AS (", if position > 0 { ", " } else { "" }));
        statement.push::<D>(&mut sql, tables);
        sql.push(" RETURNING 1)");
    }
    sql.push(" SELECT 1 / CASE WHEN TRUE");
    for (position, statement) in statements.iter().enumerate() {
        sql.push(format_args!(" AND (SELECT COUNT(*) FROM s{position}) = "));
        let expected = i64::try_from(statement.expected::<D>()).unwrap_or(i64::MAX);
        D::push_value(&mut sql, &Value::Integer(expected));
    }
    sql.push(" THEN 1 ELSE 0 END");
    D::fetch(connection, sql).await.map(|_| ()).map_err(|error| match error {
        sqlx::Error::Database(_) => Error::database("writing")(error),
        // Nobody knows whether it arrived.
        _ => not_committed(error),
    })
}

fn not_committed(source: sqlx::Error) -> Error {
    Error::Database { doing: "committing", source: source.into(), ambiguous: true }
}

/// Whether something is in the database that was assumed not to be.
fn is_of_assumption(error: &Error) -> bool {
    match error {
        Error::Damaged(_) => true,
        Error::Database { source, .. } => source.as_database_error().is_some_and(|error| {
            error.is_unique_violation() || error.code().is_some_and(|code| code == DIVISION_BY_ZERO)
        }),
        _ => false,
    }
}

/// The code of the SQL standard.
const DIVISION_BY_ZERO: &str = "22012";
