//! SQLite: one connection that writes, several that read beside it; every commit on disk.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use flux_reducers::{Field, Kind};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, QueryBuilder, Sqlite, SqliteConnection,
};
use tokio::time::{Instant, sleep};

use super::connections::{Connections, Turn, reader_pool};
use super::dialect::{Dialect, same_for_all};
use super::exclusive::Exclusivity;
use crate::error::Error;
use crate::lock::lock;

/// Bytes that the log of writes keeps on the disk once nobody needs it: a long read while many write
/// lets it grow, and by itself it never shrinks.
const WAL_BYTES_KEPT: u64 = 64 * 1024 * 1024;

/// How long another process may hold the database before a statement fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Until a database that another one turns to WAL is tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// <https://www.sqlite.org/rescode.html#busy>
const SQLITE_BUSY: i32 = 5;

/// The first version in which a commit in WAL mode can't be lost.
const VERSION_MIN: [u32; 3] = [3, 51, 3];

/// Those who wait for a turn at a database, of all stores of this process.
static TURNS: Mutex<BTreeMap<PathBuf, Weak<tokio::sync::Mutex<()>>>> = Mutex::new(BTreeMap::new());

impl Dialect for Sqlite {
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_READ: &'static str = "BEGIN";
    const LOCK: &'static str = "";
    const ROWS_PER_STATEMENT: usize = 64;
    const ONE_WRITER: bool = true;
    const OWN_TABLES: &'static str = include_str!("sqlite/tables.sql");

    fn check_there(url: &str) -> Result<(), Error> {
        let options = options(url)?;
        let file = options.get_filename();
        if is_in_memory(url) || file.exists() {
            return Ok(());
        }
        let reason =
            format!("there is no file `{}`: `serve` and `import` make one", file.display());
        Err(Error::Url { url: url.to_owned(), reason })
    }

    async fn connect(url: &str) -> Result<Connections<Self>, Error> {
        let options = options(url)?
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        if is_in_memory(url) {
            // The database lives as long as its one connection, which so reads and writes.
            let only = reader_pool().max_connections(1).idle_timeout(None).max_lifetime(None);
            let only = only.connect_with(options).await.map_err(Error::database("opening"))?;
            return Ok(Connections::only(only));
        }
        check_folder(url, &options)?;
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("journal_size_limit", WAL_BYTES_KEPT.to_string());
        turn_to_wal(&options).await?;
        let readers = reader_pool::<Self>().after_connect(|connection, _| {
            Box::pin(async move { connection.execute("PRAGMA query_only = ON").await.map(|_| ()) })
        });
        let readers = readers.connect_lazy_with(options.clone());
        let turn = turn_at(options.get_filename());
        Connections::open(options, readers, turn).await
    }

    fn is_shared(url: &str) -> bool {
        !is_in_memory(url)
    }

    /// Text compares by code point (BINARY over UTF-8), UUIDs and bytes byte by byte.
    fn column_type(field: &Field, _: bool) -> &'static str {
        match field.kind {
            Kind::Bool | Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => "INTEGER",
            Kind::F64 => "REAL",
            Kind::Text | Kind::Json | Kind::Enumeration(_) => "TEXT",
            Kind::Uuid | Kind::Bytes => "BLOB",
        }
    }

    async fn table_options(_: &mut SqliteConnection) -> Result<String, sqlx::Error> {
        Ok(" STRICT".to_owned())
    }

    fn push_contains(sql: &mut QueryBuilder<Self>, column: &str, text: &str) {
        sql.push(format_args!("instr({column}, "));
        sql.push_bind(text.to_owned()).push(") > 0");
    }

    /// Too large, a constraint, a value of another type, out of range.
    fn blames_data(error: &dyn DatabaseError) -> bool {
        matches!(result_code(error), Some(18 | 19 | 20 | 25))
    }

    async fn check(connection: &mut SqliteConnection) -> Result<(), Error> {
        let asked = sqlx::query_as("SELECT sqlite_version(), encoding FROM pragma_encoding");
        let (version, encoding): (String, String) =
            asked.fetch_one(connection).await.map_err(Error::database("asking for the version"))?;
        let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
        if numbers.as_slice() < &VERSION_MIN[..] {
            return Err(Error::Unsuitable(format!(
                "SQLite {version} can lose commits in WAL mode: 3.51.3 or later is needed"
            )));
        }
        if encoding != "UTF-8" {
            return Err(Error::Unsuitable(format!(
                "its encoding is {encoding}, which orders text in another way than UTF-8: use \
                 another file"
            )));
        }
        Ok(())
    }

    /// A file beside the database's, which the operating system unlocks when the process ends.
    async fn exclusively(
        options: &SqliteConnectOptions,
        name: &str,
    ) -> Result<Option<Exclusivity>, Error> {
        let file = beside(options.get_filename(), name);
        let failed = |error| {
            Error::Unsuitable(format!(
                "a file beside it can't be written, {}: {error}",
                file.display()
            ))
        };
        let opened = File::options().create(true).truncate(false).write(true).open(&file);
        let opened = opened.map_err(failed)?;
        match opened.try_lock() {
            Ok(()) => Ok(Some(Exclusivity::of(opened))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    async fn table_exists(
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<bool, sqlx::Error> {
        let found = sqlx::query(
            "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? \
             COLLATE NOCASE",
        );
        found.bind(name).fetch_optional(connection).await.map(|row| row.is_some())
    }

    same_for_all!();
}

/// Returns the turn at the database that is in a file.
fn turn_at(file: &Path) -> Turn {
    let file = resolved(file);
    let mut turns = lock(&TURNS);
    turns.retain(|_, turn| turn.strong_count() > 0);
    if let Some(turn) = turns.get(&file).and_then(Weak::upgrade) {
        return turn;
    }
    let turn = Turn::default();
    turns.insert(file, Arc::downgrade(&turn));
    turn
}

/// Returns the one path of a file, through whichever links it was named.
fn resolved(file: &Path) -> PathBuf {
    let resolved = file.canonicalize().or_else(|_| std::path::absolute(file));
    resolved.unwrap_or_else(|_| file.to_owned())
}

/// Returns the file of a lock, such as `notes.db-flux_rebuild`.
fn beside(file: &Path, name: &str) -> PathBuf {
    let mut path = resolved(file).into_os_string();
    path.push("-");
    path.push(name);
    path.into()
}

fn options(url: &str) -> Result<SqliteConnectOptions, Error> {
    SqliteConnectOptions::from_str(url)
        .map_err(|error| Error::Url { url: url.to_owned(), reason: error.to_string() })
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// SQLite itself says only that it can't open the file.
fn check_folder(url: &str, options: &SqliteConnectOptions) -> Result<(), Error> {
    if options.get_filename().is_dir() {
        let reason = "it is a folder: name a file in it".to_owned();
        return Err(Error::Url { url: url.to_owned(), reason });
    }
    let folder = options.get_filename().parent().filter(|folder| *folder != Path::new(""));
    match folder.filter(|folder| !folder.is_dir()) {
        None => Ok(()),
        Some(folder) => Err(Error::Url {
            url: url.to_owned(),
            reason: format!("the folder `{}` does not exist: create it", folder.display()),
        }),
    }
}

/// Turns the database to WAL, which stays. SQLite waits for whoever uses the database, but not for
/// another one that turns it at the same moment.
async fn turn_to_wal(options: &SqliteConnectOptions) -> Result<(), Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let turned = match options.connect().await {
            Ok(connection) => connection.close().await,
            Err(error) => Err(error),
        };
        match turned {
            Err(error) if is_busy(&error) && Instant::now() < deadline => sleep(BUSY_PAUSE).await,
            turned => return turned.map_err(Error::database("opening")),
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| result_code(error) == Some(SQLITE_BUSY))
}

/// Returns the code of what went wrong, without what extends it.
fn result_code(error: &dyn DatabaseError) -> Option<i32> {
    error.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}
