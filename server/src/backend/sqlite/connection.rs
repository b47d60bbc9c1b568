//! How SQLite is opened: WAL, every commit on disk, one writer.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Executor as _, Row as _, SqlitePool};

use crate::error::Error;

/// Readers beside the writer: queries and subscriptions; more would only share the same disk.
const READERS_MAX: u32 = 8;

/// How long another process may hold the database before a statement fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a reader waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first version in which a commit in WAL mode can't be lost.
const VERSION_MIN: [u32; 3] = [3, 51, 3];

/// Opens the pool of the writer and that of the readers.
pub(super) async fn open(url: &str) -> Result<(SqlitePool, SqlitePool), Error> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| Error::Url { url: url.to_owned(), reason: error.to_string() })?
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full);
    let is_in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
    if is_in_memory {
        // The database lives as long as its one connection.
        let only = pool().max_connections(1).idle_timeout(None).max_lifetime(None);
        let only = only.connect_with(options).await.map_err(Error::database("opening"))?;
        check_version(&only).await?;
        return Ok((only.clone(), only));
    }
    let options = options.journal_mode(SqliteJournalMode::Wal);
    let writer = pool().max_connections(1).connect_with(options.clone());
    let writer = writer.await.map_err(Error::database("opening"))?;
    check_version(&writer).await?;
    let readers = pool().max_connections(READERS_MAX).after_connect(|connection, _| {
        Box::pin(async move { connection.execute("PRAGMA query_only = ON").await.map(|_| ()) })
    });
    let readers = readers.connect_with(options).await.map_err(Error::database("opening"))?;
    Ok((writer, readers))
}

async fn check_version(pool: &SqlitePool) -> Result<(), Error> {
    let row = sqlx::query("SELECT sqlite_version()").fetch_one(pool).await;
    let version: String =
        row.and_then(|row| row.try_get(0)).map_err(Error::database("asking for the version"))?;
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers.as_slice() >= &VERSION_MIN[..] {
        return Ok(());
    }
    Err(Error::Damaged(format!(
        "SQLite {version} can lose commits in WAL mode: 3.51.3 or later is needed"
    )))
}
