//! MySQL and MariaDB: text by code point without padding, positions by a locked head row.

use std::str::FromStr as _;

use flux_reducers::{Field, Kind};
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{ConnectOptions as _, MySql, QueryBuilder, Row as _};

use super::connections::{Connections, Turn, reader_pool};
use super::dialect::{Dialect, same_for_all};
use super::exclusive::{Exclusivity, NamedLock, by_connection};
use crate::error::{Error, without_password};

/// Strict, so that nothing is cut or rounded in silence; a bounded wait for the head that another
/// server, or somebody by hand, holds; values compared as far as they count when they are sorted
/// (the server's own 1,024 bytes are not even a key's).
const SESSION: &str = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
     SESSION innodb_lock_wait_timeout = 5, SESSION max_sort_length = 8192, \
     SESSION sort_buffer_size = 4194304";

/// What a reader sees is of one moment.
const READER: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

/// The writer sees what was committed before it got the head, whose lock is what isolates.
const WRITER: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Prepared statements that a connection keeps: those of a few collections. A server has 16,382 for
/// all connections.
const STATEMENTS_MAX: usize = 256;

/// Where a server stops in the middle of a batch, the head is free again soon. On MySQL it is free
/// when the server's connection is given up.
const IDLE_LIMIT: &str = "SET SESSION idle_transaction_timeout = 5";

/// How long a statement of the writer may run: nobody waits for it any longer.
const STATEMENT_LIMIT: &str = "SET SESSION max_statement_time = 10";

/// Tells the store's own tables from those of others.
const COMMENT: &str = "Flux Capacitor";

/// The most that one packet has, whatever the server takes, and what is in it besides a row.
const PACKET_BYTES_MAX: i64 = 16 * 1024 * 1024;
const PACKET_OVERHEAD: i64 = 64 * 1024;

/// As the lock of the tables, without a wait for it.
const LOCK: NamedLock = NamedLock {
    session: "SET SESSION wait_timeout = 30",
    take: "SELECT COALESCE(GET_LOCK(MD5(CONCAT(DATABASE(), ' ', ",
    take_end: ")), 0), 0)",
    release: "SELECT RELEASE_ALL_LOCKS()",
};

impl Dialect for MySql {
    const BEGIN_WRITE: &'static str = "START TRANSACTION";
    const BEGIN_READ: &'static str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    const LOCK: &'static str = " FOR UPDATE";
    const ROWS_PER_STATEMENT: usize = 128;
    const AFFECTED_BY_UPDATE: u64 = 2;
    const OWN_TABLES: &'static str = include_str!("mysql/tables.sql");

    async fn connect(url: &str) -> Result<Connections<Self>, Error> {
        let options =
            MySqlConnectOptions::from_str(&url.replacen("mariadb://", "mysql://", 1)).map_err(
                |error| Error::Url { url: without_password(url), reason: error.to_string() },
            )?;
        let options = options.statement_cache_capacity(STATEMENTS_MAX).disable_statement_logging();
        let readers = reader_pool::<Self>()
            .after_connect(|connection, _| Box::pin(prepare_session(connection, READER)))
            .connect_lazy_with(options.clone());
        Connections::open(options, readers, Turn::default()).await
    }

    async fn prepare_writer(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        prepare_session(connection, WRITER).await?;
        where_known(connection, IDLE_LIMIT).await?;
        where_known(connection, STATEMENT_LIMIT).await
    }

    fn quoted(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn column_type(field: &Field, is_key: bool) -> &'static str {
        match field.kind {
            Kind::Bool => "BOOLEAN",
            Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => "BIGINT",
            Kind::F64 => "DOUBLE",
            Kind::Text | Kind::Enumeration(_) if is_key => "VARCHAR(512)",
            Kind::Text | Kind::Json | Kind::Enumeration(_) => "LONGTEXT",
            Kind::Uuid => "BINARY(16)",
            Kind::Bytes if is_key => "VARBINARY(2048)",
            Kind::Bytes => "LONGBLOB",
        }
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
        Ok(format!(
            " ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE {collation} COMMENT = '{COMMENT}'"
        ))
    }

    fn on_conflict(_: &str, columns: &[String]) -> String {
        let set: Vec<_> = columns.iter().map(|it| format!("{it} = VALUES({it})")).collect();
        format!(" ON DUPLICATE KEY UPDATE {}", set.join(", "))
    }

    /// "Data exception", "integrity constraint violation", what a trigger raises, and those that
    /// have no class: a row, a packet or a column that is too large, a value that does not fit.
    fn blames_data(error: &dyn DatabaseError) -> bool {
        let classes = ["22", "23", "45"];
        error.code().is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
            || matches!(number(error), 1118 | 1153 | 1264 | 1366 | 1406)
    }

    async fn row_bytes_max(connection: &mut MySqlConnection) -> Result<usize, sqlx::Error> {
        let row = sqlx::query("SELECT @@max_allowed_packet").fetch_one(connection).await?;
        let packet = row.try_get_unchecked::<i64, _>(0)?.min(PACKET_BYTES_MAX);
        Ok(usize::try_from(packet - PACKET_OVERHEAD).unwrap_or_default())
    }

    async fn check(connection: &mut MySqlConnection) -> Result<(), Error> {
        let name = sqlx::query_scalar("SELECT DATABASE()").fetch_one(connection).await;
        match name.map_err(Error::database("asking for the database's name"))? {
            Some::<String>(_) => Ok(()),
            None => Err(Error::Unsuitable(
                "the URL names a server and no database: `mysql://user@host/database`".to_owned(),
            )),
        }
    }

    /// By a lock of the session: a table that is made ends the transaction.
    async fn lock_tables(connection: &mut MySqlConnection, name: &str) -> Result<(), sqlx::Error> {
        let lock = sqlx::query_scalar("SELECT GET_LOCK(MD5(CONCAT(DATABASE(), ' ', ?)), 10)");
        match lock.bind(name).fetch_one(connection).await? {
            Some(1_i64) => Ok(()),
            _ => Err(sqlx::Error::PoolTimedOut),
        }
    }

    async fn unlock_tables(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("SELECT RELEASE_ALL_LOCKS()").execute(connection).await.map(|_| ())
    }

    async fn exclusively(
        options: &MySqlConnectOptions,
        name: &str,
    ) -> Result<Option<Exclusivity>, Error> {
        by_connection::<Self>(options, name, &LOCK).await
    }

    async fn is_left_over(
        connection: &mut MySqlConnection,
        name: &str,
    ) -> Result<bool, sqlx::Error> {
        Ok(comment(connection, name).await?.is_some_and(|comment| comment == COMMENT))
    }

    async fn table_exists(
        connection: &mut MySqlConnection,
        name: &str,
    ) -> Result<bool, sqlx::Error> {
        Ok(comment(connection, name).await?.is_some())
    }

    same_for_all!();
}

/// Returns what is said of a table or a view, if there is one of that name.
async fn comment(
    connection: &mut MySqlConnection,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::query_scalar(
        "SELECT table_comment FROM information_schema.tables WHERE table_schema = DATABASE() AND \
         table_name = ?",
    );
    found.bind(name).fetch_optional(connection).await
}

fn number(error: &dyn DatabaseError) -> u16 {
    error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number)
}

async fn prepare_session(
    connection: &mut MySqlConnection,
    isolation: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SESSION).execute(&mut *connection).await?;
    sqlx::raw_sql(isolation).execute(connection).await.map(|_| ())
}

/// Sets what MariaDB knows and MySQL does not.
async fn where_known(
    connection: &mut MySqlConnection,
    setting: &'static str,
) -> Result<(), sqlx::Error> {
    match sqlx::raw_sql(setting).execute(connection).await {
        Ok(_) | Err(sqlx::Error::Database(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
