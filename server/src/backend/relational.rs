//! A relational database of any dialect: what the store asks, as transactions and queries.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use flux_reducers::{Fault, Plan, Position, RecordedEvent, Row, Schema, Uuid, Value};
use futures_util::future::BoxFuture;
use sqlx::QueryBuilder;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::connections::{Connections, Lease, STEP_TIMEOUT, answer, silence, step};
use super::dialect::Dialect;
use super::event_texts::EventTexts;
use super::event_times;
use super::exclusive::{Exclusive, Exclusivity};
use super::generations::{self, Claimed};
use super::own::GenerationState;
use super::statement::{self, Log, Statement, are_independent, inserts, refusal, statements};
use super::tables::{self, Purpose, Tables};
use super::{
    Assumption, Backend, Begun, Built, Demand, Head, Lookup, Part, Settings, Shadow, Transaction,
    Write, documents, events, history, snapshots,
};
use crate::error::Error;

/// How long it may take to make the tables or to drop them, and to wait for another server that
/// does.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(30);

/// A store's tables, and the connections to them.
#[derive(Debug)]
pub(crate) struct Relational<D: Dialect> {
    connections: Arc<Connections<D>>,
    tables: Tables,
    is_shared: bool,
    row_bytes_max: usize,
    keeps_history: bool,
}

/// The connection that writes: as an assumption in no transaction until it commits, as a transaction
/// in the one that it holds the head in.
struct Writer<D: Dialect> {
    connection: Lease<D>,
    tables: Tables,
    row_bytes_max: usize,
}

impl<D: Dialect> Relational<D> {
    pub(crate) async fn open(
        url: &str,
        tables: Tables,
        schemas: Option<&[&'static Schema]>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        if settings.must_exist {
            D::check_there(url)?;
        }
        let connections = Arc::new(D::connect(url).await?);
        let Prepared { tables, row_bytes_max, keeps_history } =
            prepared(prepare(&connections, &tables, schemas, settings)).await?;
        let is_shared = D::is_shared(url);
        Ok(Self { connections, tables, is_shared, row_bytes_max, keeps_history })
    }

    fn writer(&self, connection: Lease<D>) -> Writer<D> {
        Writer { connection, tables: self.tables.clone(), row_bytes_max: self.row_bytes_max }
    }
}

/// Waits for tables to be made or dropped.
async fn prepared<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let done = timeout(PREPARE_TIMEOUT, work).await;
    done.map_err(|_| Error::database("preparing the tables")(silence(PREPARE_TIMEOUT)))?
}

/// What is known once the tables are there.
struct Prepared {
    tables: Tables,
    row_bytes_max: usize,
    keeps_history: bool,
}

/// Makes the tables that are missing.
async fn prepare<D: Dialect>(
    connections: &Connections<D>,
    tables: &Tables,
    schemas: Option<&[&'static Schema]>,
    settings: &Settings,
) -> Result<Prepared, Error> {
    let mut connection = connections.writer().await?;
    D::check(&mut connection).await?;
    connection.begin(D::BEGIN_WRITE).await?;
    let own = schemas.unwrap_or_default();
    let tables = tables::prepare_own::<D>(&mut connection, tables, own, settings).await?;
    let keeps_history = match schemas {
        None => tables::keeps_history::<D>(&mut connection, &tables).await?,
        Some(schemas) => {
            events::check_last::<D>(&mut connection, &tables).await?;
            tables::check_version::<D>(&mut connection, &tables, settings.version).await?;
            let (history, purpose) = (settings.wants_history, Purpose::Live);
            tables::prepare_collections::<D>(&mut connection, &tables, schemas, history, purpose)
                .await?
        }
    };
    let row_bytes_max = D::row_bytes_max(&mut connection).await;
    let row_bytes_max = row_bytes_max.map_err(Error::database("reading a limit"))?;
    connection.commit().await?;
    D::unlock_tables(&mut connection).await.map_err(Error::database("connecting"))?;
    connection.rest();
    Ok(Prepared { tables, row_bytes_max, keeps_history })
}

impl<D: Dialect> Backend for Relational<D> {
    fn begin(&self) -> BoxFuture<'_, Result<Begun, Error>> {
        Box::pin(async {
            let mut connection = self.connections.begin_write().await?;
            let head = events::head::<D>(&mut connection, &self.tables, D::LOCK);
            let head = step("reading the head", head).await?;
            Ok((Box::new(self.writer(connection)) as Box<dyn Transaction>, head))
        })
    }

    fn assume(&self) -> BoxFuture<'_, Result<Box<dyn Assumption>, Error>> {
        Box::pin(async {
            let connection = self.connections.writer().await?;
            Ok(Box::new(self.writer(connection)) as Box<dyn Assumption>)
        })
    }

    fn beside(&self) -> Box<dyn Lookup + '_> {
        Box::new(Beside(self, Role::Beside))
    }

    fn background(&self) -> Box<dyn Lookup + '_> {
        Box::new(Beside(self, Role::Background))
    }

    fn generation(&self) -> i64 {
        self.tables.generation()
    }

    fn recorded_schemas(&self) -> BoxFuture<'_, Result<Vec<&'static Schema>, Error>> {
        Box::pin(async {
            let mut connection = self.connections.reader().await?;
            let recorded = tables::recorded_schemas::<D>(&mut connection, &self.tables);
            let recorded = step("reading the schemas", recorded).await?;
            connection.rest();
            Ok(recorded)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, Error>> {
        Box::pin(async {
            let mut connection = self.connections.reader().await?;
            let head = events::head::<D>(&mut connection, &self.tables, "");
            let head = step("reading the head", head).await?;
            connection.rest();
            Ok(head)
        })
    }

    fn read<'a>(
        &'a self,
        plans: &'a [(&'static Schema, Plan)],
        parts: mpsc::Sender<Part>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut snapshot = self.connections.snapshot().await?;
            let end = events::head::<D>(&mut snapshot, &self.tables, "");
            let end = step("reading the head", end).await?;
            // Documents that no longer follow the log are not told as those of its end.
            let is_of_one = |schema: &Schema| tables::is_of_one_generation(schema.collection);
            if end.generation != self.tables.generation()
                && plans.iter().any(|(schema, _)| is_of_one(schema))
            {
                return Err(Error::Superseded);
            }
            let mut is_wanted = parts.send(Part::End(end.checkpoint())).await.is_ok();
            for (plan, (schema, query)) in plans.iter().enumerate() {
                if is_wanted {
                    let to = (plan, &parts);
                    is_wanted =
                        documents::find::<D>(&mut snapshot, &self.tables, schema, query, to)
                            .await?;
                }
            }
            // What nobody takes is not read to its end: the connection is closed instead.
            if is_wanted { snapshot.rollback().await } else { Ok(()) }
        })
    }

    fn events_by_id<'a>(
        &'a self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(async {
            find_events(&mut self.connections.reader().await?, &self.tables, ids).await
        })
    }

    fn event_times<'a>(
        &'a self,
        positions: &'a event_times::Positions,
    ) -> BoxFuture<'a, Result<event_times::Times, Error>> {
        Box::pin(async {
            let mut connection = self.connections.reader().await?;
            let times = event_times::find::<D>(&mut connection, &self.tables, positions);
            let times = step("reading the times of events", times).await?;
            connection.rest();
            Ok(times)
        })
    }

    fn events(
        &self,
        after: Position,
        to: Position,
        parts: mpsc::Sender<EventTexts>,
    ) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let mut snapshot = self.connections.snapshot().await?;
            let range = (after, to);
            let is_wanted = events::texts::<D>(&mut snapshot, &self.tables, range, &parts).await?;
            // What nobody takes is not read to its end: the connection is closed instead.
            if is_wanted { snapshot.rollback().await } else { Ok(()) }
        })
    }

    fn insert<'a>(
        &'a self,
        schema: &'static Schema,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut connection = self.connections.begin_background().await?;
            let statements: Vec<_> = inserts::<D>(schema, rows).collect();
            each::<D>(&mut connection, &self.tables, &statements).await?;
            connection.commit().await
        })
    }

    fn record_snapshot<'a>(&'a self, row: &'a Row) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(snapshots::record(&self.connections, &self.tables, row))
    }

    fn remove_snapshot(&self, id: String) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(snapshots::remove(&self.connections, &self.tables, id))
    }

    fn remove_snapshot_parts(&self, before: String) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(snapshots::remove_left_over(&self.connections, &self.tables, before))
    }

    fn exclusively(&self, what: Exclusive) -> BoxFuture<'_, Result<Option<Exclusivity>, Error>> {
        Box::pin(async move { self.connections.exclusively(&self.tables.lock(what.name())).await })
    }

    fn shadow<'a>(
        &'a self,
        schemas: &'a [&'static Schema],
        settings: &'a Settings,
        demand: Demand,
        owner: Uuid,
    ) -> BoxFuture<'a, Result<Option<Shadow>, Error>> {
        Box::pin(async move {
            let mut connection = self.connections.begin_background().await?;
            let (tables, demand) = (&self.tables, (settings, demand));
            let claimed = generations::claim::<D>(&mut connection, tables, schemas, demand, owner);
            let claimed = prepared(claimed).await?;
            connection.commit().await?;
            D::unlock_tables(&mut connection).await.map_err(Error::database("connecting"))?;
            connection.rest();
            Ok(claimed.map(|Claimed { tables, position, keeps_history }| {
                let shadow = Self {
                    connections: Arc::clone(&self.connections),
                    tables,
                    is_shared: self.is_shared,
                    row_bytes_max: self.row_bytes_max,
                    keeps_history,
                };
                (Arc::new(shadow) as Arc<dyn Backend>, position)
            }))
        })
    }

    fn begin_build(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, Error>> {
        Box::pin(async {
            let connection = self.connections.begin_background().await?;
            Ok(Box::new(self.writer(connection)) as Box<dyn Transaction>)
        })
    }

    fn abandon(&self, owner: Uuid, built: Built) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let mut connection = self.connections.begin_background().await?;
            let done = generations::abandon::<D>(&mut connection, &self.tables, owner, built);
            prepared(done).await?;
            connection.commit().await
        })
    }

    fn drop_generation(
        &self,
        generation: i64,
        state: GenerationState,
    ) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let (connections, tables) = (&self.connections, self.tables.of_generation(generation));
            // First: what is told of it from here on is that it is to be dropped.
            let mut connection = connections.begin_background().await?;
            let marked = generations::mark_dropped::<D>(&mut connection, &tables, state);
            let is_marked = prepared(marked).await?;
            connection.commit().await?;
            if is_marked {
                snapshots::remove_parts_of_generation(connections, &tables, generation).await?;
                let mut connection = connections.begin_background().await?;
                prepared(generations::drop::<D>(&mut connection, &tables)).await?;
                connection.commit().await?;
            }
            Ok(is_marked)
        })
    }

    fn keeps_history(&self) -> bool {
        self.keeps_history
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn has_one_writer(&self) -> bool {
        D::ONE_WRITER
    }

    fn notify(&self, head: Position) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if !D::NOTIFIES {
                return Ok(());
            }
            let mut connection = self.connections.reader().await?;
            let channel = self.tables.channel();
            let told = answer(STEP_TIMEOUT, D::notify(&mut connection, &channel, head)).await;
            told.map_err(Error::database("telling other servers"))?;
            connection.rest();
            Ok(())
        })
    }

    fn listen<'a>(
        &'a self,
        heard: &'a (dyn Fn(Option<Position>) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let channel = self.tables.channel();
            let ended = D::listen(self.connections.readers(), &channel, heard).await;
            ended.map_err(Error::database("listening to other servers"))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.connections.close())
    }
}

/// Looks up on a connection of its own.
struct Beside<'a, D: Dialect>(&'a Relational<D>, Role);

enum Role {
    Beside,
    Background,
}

impl<D: Dialect> Beside<'_, D> {
    async fn connection(&self) -> Result<Lease<D>, Error> {
        match self.1 {
            Role::Beside => self.0.connections.beside().await,
            Role::Background => self.0.connections.background().await,
        }
    }
}

impl<D: Dialect> Lookup for Beside<'_, D> {
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(async { find_events(&mut self.connection().await?, &self.0.tables, ids).await })
    }

    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        Box::pin(async { load(&mut self.connection().await?, &self.0.tables, faults).await })
    }
}

impl<D: Dialect> Lookup for Writer<D> {
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(find_events(&mut self.connection, &self.tables, ids))
    }

    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        Box::pin(load(&mut self.connection, &self.tables, faults))
    }
}

async fn find_events<D: Dialect>(
    connection: &mut Lease<D>,
    tables: &Tables,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
    let events = step("reading events", events::by_id::<D>(connection, tables, ids)).await?;
    connection.rest();
    Ok(events)
}

async fn load<D: Dialect>(
    connection: &mut Lease<D>,
    tables: &Tables,
    faults: &[&Fault],
) -> Result<Vec<Row>, Error> {
    let rows = step("reading", documents::load::<D>(connection, tables, faults)).await?;
    connection.rest();
    Ok(rows)
}

impl<D: Dialect> Assumption for Writer<D> {
    fn holds(&mut self, head: Head) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let found = events::head::<D>(&mut self.connection, &self.tables, "");
            let found = step("reading the head", found).await?;
            self.connection.rest();
            Ok(found == head)
        })
    }

    fn commit<'a>(
        mut self: Box<Self>,
        write: &'a Write<'a>,
        head: Head,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let log = Log::of(write)?;
            let statements = statements::<D>(write, &log, Some(head), self.row_bytes_max)?;
            let Self { connection, tables, .. } = &mut *self;
            let is_one = D::COMBINES_STATEMENTS && are_independent(&statements);
            let done = if is_one {
                combined::<D>(connection, tables, &statements).await
            } else {
                connection.begin(D::BEGIN_WRITE).await?;
                match each::<D>(connection, tables, &statements).await {
                    Ok(()) => connection.commit().await,
                    failed => failed,
                }
            };
            match done {
                Ok(()) => {
                    connection.rest();
                    Ok(true)
                }
                Err(error) if is_of_assumption(&error) => {
                    tracing::debug!(%error, "the head was moved, or an event is sent again");
                    connection.rest();
                    connection.rollback().await?;
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        })
    }
}

impl<D: Dialect> Transaction for Writer<D> {
    fn write<'a>(&'a mut self, write: &'a Write<'a>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let log = Log::of(write)?;
            let statements = statements::<D>(write, &log, None, self.row_bytes_max)?;
            each::<D>(&mut self.connection, &self.tables, &statements).await
        })
    }

    fn events(
        &mut self,
        after: Position,
        to: Position,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, Error>> {
        Box::pin(async move {
            let found = events::few::<D>(&mut self.connection, &self.tables, (after, to));
            step("reading the log", found).await
        })
    }

    fn build<'a>(
        &'a mut self,
        write: &'a Write<'a>,
        owner: Uuid,
        from: Position,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (connection, tables) = (&mut self.connection, &self.tables);
            let range = (from, write.head.position);
            generations::advance::<D>(connection, tables, owner, range).await?;
            let history = history::rows(write)?;
            let statements = statement::documents::<D>(write, &history, self.row_bytes_max)?;
            each::<D>(connection, tables, &statements).await
        })
    }

    fn swap(&mut self, head: Head, owner: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            generations::swap::<D>(&mut self.connection, &self.tables, head, owner).await
        })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move { self.connection.commit().await })
    }

    fn rollback(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move { self.connection.rollback().await })
    }
}

/// Runs statements one by one.
async fn each<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    statements: &[Statement<'_>],
) -> Result<(), Error> {
    for statement in statements {
        step("writing", statement.run::<D>(connection, tables)).await?;
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
    let done = answer(STEP_TIMEOUT, D::fetch(connection, sql)).await;
    done.map(|_| ()).map_err(|error| match error {
        sqlx::Error::Database(_) => refusal::<D>(error),
        // Nobody knows whether it arrived.
        _ => Error::or_done("committing")(error),
    })
}

/// Whether something is in the database that was assumed not to be.
fn is_of_assumption(error: &Error) -> bool {
    match error {
        Error::Damaged(_) => true,
        Error::Refused(source) => source.as_database_error().is_some_and(|error| {
            error.is_unique_violation() || error.code().is_some_and(|code| code == DIVISION_BY_ZERO)
        }),
        // Two servers that assume the same wait for each other: one of them is let go.
        Error::Database { source, .. } => source
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| DEADLOCKS.contains(&&*code)),
        _ => false,
    }
}

/// The code of the SQL standard.
const DIVISION_BY_ZERO: &str = "22012";

/// That of the standard, which MySQL uses, and that of PostgreSQL.
const DEADLOCKS: [&str; 2] = ["40001", "40P01"];
