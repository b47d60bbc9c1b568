//! PostgreSQL: text in collation "C", positions by a locked head row.

use std::str::FromStr as _;
use std::time::Duration;

use flux_reducers::{Direction, Field, Kind, Position, Row, Schema, Uuid, Value};
use sqlx::error::DatabaseError;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool};
use sqlx::{ConnectOptions as _, Executor as _, Postgres, QueryBuilder};
use tokio::time::timeout;

use super::connections::{Connections, STEP_TIMEOUT, Turn, reader_pool};
use super::dialect::{Dialect, same_for_all};
use super::exclusive::{Exclusivity, NamedLock, by_connection};
use crate::error::{Error, without_password};

/// How long the writer waits for the head that another server, or somebody by hand, holds; and how
/// long a server that stopped in the middle of a batch may hold it (milliseconds).
const WAIT_MS: &str = "5000";

/// Whatever the database's default is: the writer sees what was committed before it got the head,
/// whose lock is what isolates.
const ISOLATION: &str = "read committed";

/// How long a statement of the writer may run: nobody waits for it any longer (milliseconds).
const STATEMENT_MS: &str = "10000";

/// How long nothing is heard of other servers before it is asked whether the connection is alive.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// As the lock of the tables, but of a connection, not of a transaction.
const LOCK: NamedLock = NamedLock {
    session: "SET idle_session_timeout = '30s'",
    take: "SELECT CASE WHEN pg_try_advisory_lock(hashtext(",
    take_end: ")) THEN 1 ELSE 0 END::BIGINT",
    release: "SELECT pg_advisory_unlock_all()",
};

impl Dialect for Postgres {
    const BEGIN_WRITE: &'static str = "BEGIN";
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const LOCK: &'static str = " FOR UPDATE";
    const ROWS_PER_STATEMENT: usize = 512;
    const NOTIFIES: bool = true;
    const COMBINES_STATEMENTS: bool = true;
    const OWN_TABLES: &'static str = include_str!("postgres/tables.sql");

    async fn connect(url: &str) -> Result<Connections<Self>, Error> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Error::Url { url: without_password(url), reason: error.to_string() })?
            .options([("lock_timeout", WAIT_MS), ("default_transaction_isolation", ISOLATION)])
            .disable_statement_logging();
        let readers = reader_pool().connect_lazy_with(options.clone());
        // A plan that was made while a table was empty reads all of it, for as long as it is kept.
        let writer = [
            ("statement_timeout", STATEMENT_MS),
            ("idle_in_transaction_session_timeout", WAIT_MS),
            ("enable_seqscan", "off"),
        ];
        Connections::open(options.options(writer), readers, Turn::default()).await
    }

    fn column_type(field: &Field, _: bool) -> &'static str {
        match field.kind {
            Kind::Bool => "BOOLEAN",
            Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => "BIGINT",
            Kind::F64 => "DOUBLE PRECISION",
            Kind::Text | Kind::Json | Kind::Enumeration(_) => "TEXT COLLATE \"C\"",
            Kind::Uuid => "UUID",
            Kind::Bytes => "BYTEA",
        }
    }

    async fn table_options(_: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok(String::new())
    }

    fn push_contains(sql: &mut QueryBuilder<Self>, column: &str, text: &str) {
        sql.push("position(");
        sql.push_bind(text.to_owned()).push(format_args!(" IN {column}) > 0"));
    }

    /// One array a column, so that the statement is the same for any number of rows, and prepared
    /// once.
    fn push_rows(sql: &mut QueryBuilder<Self>, schema: &Schema, rows: &[&Row]) {
        sql.push("SELECT * FROM UNNEST(");
        for (position, field) in schema.fields.iter().enumerate() {
            if position > 0 {
                sql.push(", ");
            }
            push_array(sql, field.kind, rows.iter().map(|row| &row[position]));
        }
        sql.push(")");
    }

    fn length_at_most(rows: usize) -> usize {
        rows
    }

    fn push_in(sql: &mut QueryBuilder<Self>, field: &Field, column: &str, values: &[&Value]) {
        sql.push(format_args!("{column} = ANY("));
        push_array(sql, field.kind, values.iter().copied());
        sql.push(")");
    }

    fn direction(direction: Direction) -> &'static str {
        match direction {
            Direction::Ascending => "ASC NULLS FIRST",
            Direction::Descending => "DESC NULLS LAST",
        }
    }

    /// "Data exception", "integrity constraint violation", "program limit exceeded", and what a
    /// trigger raises.
    fn blames_data(error: &dyn DatabaseError) -> bool {
        let classes = ["22", "23", "54", "P0"];
        error.code().is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
    }

    /// What another encoding does not know could not be written.
    async fn check(connection: &mut PgConnection) -> Result<(), Error> {
        let encoding = sqlx::query_scalar("SHOW server_encoding").fetch_one(connection).await;
        let encoding: String = encoding.map_err(Error::database("asking for the encoding"))?;
        if encoding == "UTF8" {
            return Ok(());
        }
        Err(Error::Unsuitable(format!(
            "its encoding is {encoding}: create one with ENCODING 'UTF8'"
        )))
    }

    async fn lock_tables(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        let lock = sqlx::query("SELECT pg_advisory_xact_lock(hashtext($1))");
        lock.bind(name).execute(connection).await.map(|_| ())
    }

    async fn exclusively(
        options: &PgConnectOptions,
        name: &str,
    ) -> Result<Option<Exclusivity>, Error> {
        by_connection::<Self>(options, name, &LOCK).await
    }

    async fn table_exists(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
        let found = sqlx::query("SELECT 1 WHERE to_regclass(quote_ident($1)) IS NOT NULL");
        found.bind(name).fetch_optional(connection).await.map(|row| row.is_some())
    }

    /// Not in the transaction that appends: a NOTIFY in it makes commits wait for each other.
    async fn notify(
        connection: &mut PgConnection,
        channel: &str,
        head: Position,
    ) -> Result<(), sqlx::Error> {
        let tell = sqlx::query("SELECT pg_notify($1, $2)").bind(channel).bind(head.to_string());
        tell.execute(connection).await.map(|_| ())
    }

    async fn listen(
        pool: &PgPool,
        channel: &str,
        heard: &(dyn Fn(Option<Position>) + Send + Sync),
    ) -> Result<(), sqlx::Error> {
        // Its own, for a listener holds on to a connection that has fallen silent.
        let options = PoolOptions::new().max_connections(1).acquire_timeout(STEP_TIMEOUT);
        let own = options.connect_lazy_with((*pool.connect_options()).clone());
        let silent = |_| sqlx::Error::PoolTimedOut;
        let mut listener = PgListener::connect_with(&own).await?;
        timeout(STEP_TIMEOUT, listener.listen(channel)).await.map_err(silent)??;
        loop {
            match timeout(SILENCE_MAX, listener.try_recv()).await {
                // Nothing where it had to connect again, and may have missed something.
                Ok(received) => heard(received?.and_then(|told| told.payload().parse().ok())),
                Err(_) => {
                    let alive = timeout(STEP_TIMEOUT, listener.execute("SELECT 1"));
                    alive.await.map_err(silent)??;
                }
            }
        }
    }

    same_for_all!();
}

/// Appends the values of one column as a bound array.
fn push_array<'a>(
    sql: &mut QueryBuilder<Postgres>,
    kind: Kind,
    values: impl Iterator<Item = &'a Value>,
) {
    macro_rules! bind {
        ($type:ty, $($pattern:pat => $value:expr),+) => {
            sql.push_bind(values.map(|value| match value {
                $($pattern => Some($value),)+
                _ => None,
            }).collect::<Vec<Option<$type>>>())
        };
    }
    match kind {
        Kind::Bool => bind!(bool, Value::Bool(bool) => *bool),
        Kind::I32 | Kind::I64 | Kind::U32 => bind!(i64, Value::Integer(integer) => *integer),
        Kind::Timestamp => bind!(i64, Value::Timestamp(time) => time.as_milliseconds()),
        Kind::F64 => bind!(f64, Value::Float(float) => float.get()),
        Kind::Text | Kind::Enumeration(_) => bind!(String, Value::Text(text) => text.to_string()),
        Kind::Json => bind!(String, Value::Json(json) => json.to_string()),
        Kind::Uuid => bind!(Uuid, Value::Uuid(uuid) => *uuid),
        Kind::Bytes => bind!(Vec<u8>, Value::Bytes(bytes) => bytes.to_vec()),
    };
}
