//! MySQL and MariaDB: text by code point without padding, positions by a locked head row.

use std::str::FromStr as _;

use flux_reducers::{Field, Kind};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool};
use sqlx::pool::PoolOptions;
use sqlx::{Connection as _, MySql, QueryBuilder, Row as _};

use super::dialect::{Dialect, reader_pool, same_for_all, writer_pool};
use crate::error::Error;

/// Strict, so that nothing is cut or rounded in silence; a bounded wait for the head that another
/// server, or somebody by hand, holds; keys compared to their end when they are sorted, and longer
/// text for its first 2,700 characters, of each of which a sort key has 3 bytes (the server's own
/// 1,024 bytes are not even a key's); and read committed, as the head's lock is what isolates.
const SESSION: &str = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
     SESSION innodb_lock_wait_timeout = 5, SESSION max_sort_length = 8192, \
     SESSION sort_buffer_size = 4194304; \
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Prepared statements that a connection keeps: those of a few collections. A server has 16,382 for
/// all connections.
const STATEMENTS_MAX: usize = 256;

impl Dialect for MySql {
    const BEGIN_WRITE: &'static str = "START TRANSACTION";
    const BEGIN_READ: &'static str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    const LOCK: &'static str = " FOR UPDATE";
    const ROWS_PER_STATEMENT: usize = 128;
    const AFFECTED_BY_UPDATE: u64 = 2;
    const OWN_TABLES: &'static str = include_str!("mysql/tables.sql");

    async fn connect(url: &str) -> Result<(MySqlPool, MySqlPool), Error> {
        let url = url.replacen("mariadb://", "mysql://", 1);
        let options = MySqlConnectOptions::from_str(&url).map_err(|error| Error::Url {
            url: "mysql://…".to_owned(),
            reason: error.to_string(),
        })?;
        let options = options.statement_cache_capacity(STATEMENTS_MAX);
        probe(&options).await.map_err(Error::database("connecting"))?;
        let prepared = |pool: PoolOptions<Self>| {
            pool.after_connect(|connection, _| Box::pin(prepare_session(connection)))
        };
        let writer = prepared(writer_pool()).connect_with(options.clone());
        let writer = writer.await.map_err(Error::database("connecting"))?;
        let readers = prepared(reader_pool()).connect_with(options);
        Ok((writer, readers.await.map_err(Error::database("connecting"))?))
    }

    fn quoted(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn column_type(field: &Field, is_key: bool) -> &'static str {
        match field.kind {
            Kind::Bool => "BOOLEAN",
            Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => "BIGINT",
            Kind::F64 => "DOUBLE",
            Kind::Text if is_key => "VARCHAR(512)",
            Kind::Text | Kind::Json | Kind::Enumeration(_) => "LONGTEXT",
            Kind::Uuid => "BINARY(16)",
            Kind::Bytes if is_key => "VARBINARY(2048)",
            Kind::Bytes => "LONGBLOB",
        }
    }

    fn push_starts_with(sql: &mut QueryBuilder<Self>, column: &str, text: &str) {
        sql.push(format_args!("LEFT({column}, CHAR_LENGTH("));
        sql.push_bind(text.to_owned()).push(")) = ").push_bind(text.to_owned());
    }

    fn push_contains(sql: &mut QueryBuilder<Self>, column: &str, text: &str) {
        sql.push(format_args!("INSTR({column}, "));
        sql.push_bind(text.to_owned()).push(") > 0");
    }

    /// Collations that pad make `a` and `a ` one; each of the two has its own that does not.
    async fn table_options(connection: &mut MySqlConnection) -> Result<String, sqlx::Error> {
        let row = sqlx::query("SELECT VERSION()").fetch_one(connection).await?;
        let is_mariadb = row.try_get::<String, _>(0)?.contains("MariaDB");
        let collation = if is_mariadb { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" };
        Ok(format!(" ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE {collation}"))
    }

    fn on_conflict(_: &str, columns: &[String]) -> String {
        let set: Vec<_> = columns.iter().map(|it| format!("{it} = VALUES({it})")).collect();
        format!(" ON DUPLICATE KEY UPDATE {}", set.join(", "))
    }

    async fn table_exists(
        connection: &mut MySqlConnection,
        name: &str,
    ) -> Result<bool, sqlx::Error> {
        let found = sqlx::query(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND \
             table_name = ?",
        );
        found.bind(name).fetch_optional(connection).await.map(|row| row.is_some())
    }

    same_for_all!();
}

/// Connects once outside of a pool, which would only tell that it waited.
async fn probe(options: &MySqlConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    prepare_session(&mut connection).await?;
    connection.close().await
}

async fn prepare_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SESSION).execute(&mut *connection).await?;
    // MariaDB only: where a server stops in the middle of a batch, the head is free again soon.
    // On MySQL it is free when the server's connection is given up.
    let idle = sqlx::raw_sql("SET SESSION idle_transaction_timeout = 5");
    idle.execute(connection).await.map(|_| ()).or_else(|error| match error {
        sqlx::Error::Database(_) => Ok(()),
        error => Err(error),
    })
}
