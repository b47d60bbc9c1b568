//! Connections: one that writes, one that looks up for the writer meanwhile, several that read.
//! Each is kept only while all goes well: after a failure or a silence nobody knows what state it is
//! in, and a new one costs little.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, TryStreamExt as _};
use sqlx::pool::{PoolConnection, PoolConnectionMetadata, PoolOptions};
use sqlx::{Connection as _, Pool};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::dialect::Dialect;
use super::exclusive::Exclusivity;
use crate::error::Error;
use crate::lock::lock;

/// How long the database may take for one step of a write transaction, or for a small question:
/// longer than the 5 s for which it waits for a lock, so that it can say so itself.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it is tried to connect: a database that is started again is back by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it is waited after a connection was refused.
const CONNECT_AGAIN: Duration = Duration::from_millis(50);

/// Readers: queries and subscriptions; more would only share the same disk.
const READERS_MAX: u32 = 8;

/// How long one waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a query may take for its next row: longer than what the writer waits for, as a query
/// may be a large one.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection that does nothing may take to show that it is alive.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that was used a moment ago needs no test.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How to connect to a database of a dialect.
pub(super) type Options<D> = <<D as sqlx::Database>::Connection as sqlx::Connection>::Options;

/// The connections of one store.
pub(super) struct Connections<D: Dialect> {
    /// How the writer connects; `None` where the readers' only connection *is* the database.
    writer: Option<Options<D>>,
    /// The writer's connection, while it does not write.
    waiting: Waiting<D>,
    /// The one that it looks up with while the other commits: not one of the readers', who may
    /// hold all of theirs for long.
    beside: Waiting<D>,
    /// The one for what is written now and then, beside the batches.
    background: Waiting<D>,
    /// Whose turn it is to write, where the database has one writer at a time: who waits for it in
    /// the database looks again only after a while.
    turn: Turn,
    readers: Pool<D>,
}

/// A connection, and since when nobody uses it; none until it is needed.
type Waiting<D> = Arc<Mutex<Option<(<D as sqlx::Database>::Connection, Instant)>>>;

/// Whose turn it is to write.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// A connection in use. Dropped, it is kept for the next one if it is [at rest](Self::rest) and in
/// no transaction, and else closed, which ends its transaction too.
pub(super) struct Lease<D: Dialect> {
    /// `None` only while it is dropped.
    held: Option<Held<D>>,
    /// Whether all that it was asked for is answered.
    is_at_rest: bool,
    is_in_transaction: bool,
    turn: Turn,
    /// Its turn to write, as long as it writes.
    held_turn: Option<tokio::sync::OwnedMutexGuard<()>>,
}

enum Held<D: Dialect> {
    /// The writer's own.
    Own(D::Connection, Waiting<D>),
    Pooled(PoolConnection<D>),
    /// One that must not be closed: its database would be gone with it.
    Only(PoolConnection<D>),
}

/// The pool of the connections that read.
pub(super) fn reader_pool<D: Dialect>() -> PoolOptions<D> {
    PoolOptions::new()
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_connections(READERS_MAX)
        // The pool's own tests wait for ever for one that has fallen silent.
        .test_before_acquire(false)
        .before_acquire(|connection, PoolConnectionMetadata { idle_for, .. }| {
            Box::pin(async move {
                if idle_for > TRUSTED_FOR {
                    ping::<D>(connection).await?;
                }
                Ok(true)
            })
        })
        .after_release(|connection, _| {
            Box::pin(async { ping::<D>(connection).await.map(|()| true) })
        })
}

async fn ping<D: Dialect>(connection: &mut D::Connection) -> Result<(), sqlx::Error> {
    answer(PING_TIMEOUT, connection.ping()).await
}

/// Waits for an answer of the database so long.
pub(super) async fn answer<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(limit, asked).await.unwrap_or_else(|_| Err(silence(limit)))
}

/// Waits for the next row of a query. One that is there already takes no look at the clock.
pub(super) async fn next_row<S, T>(rows: &mut S) -> Result<Option<T>, sqlx::Error>
where
    S: Stream<Item = Result<T, sqlx::Error>> + Unpin,
{
    match rows.try_next().now_or_never() {
        Some(next) => next,
        None => answer(QUERY_TIMEOUT, rows.try_next()).await,
    }
}

/// Waits for one step of the writer, or for a small question.
pub(super) async fn step<T>(
    doing: &'static str,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let answer = timeout(STEP_TIMEOUT, asked).await;
    answer.unwrap_or_else(|_| Err(Error::database(doing)(silence(STEP_TIMEOUT))))
}

pub(super) fn silence(limit: Duration) -> sqlx::Error {
    let text = format!("no answer in {} s", limit.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, text).into()
}

impl<D: Dialect> Connections<D> {
    /// Connects to a database that others can reach too.
    ///
    /// # Errors
    /// When it can't be reached.
    pub(super) async fn open(
        writer: Options<D>,
        readers: Pool<D>,
        turn: Turn,
    ) -> Result<Self, Error> {
        let connection = connect::<D>(&writer).await.map_err(|error| match error {
            sqlx::Error::Tls(reason) if !cfg!(feature = "tls") => Error::Url {
                url: format!("{}:…", D::NAME.to_lowercase()),
                reason: format!("{reason}: enable the feature `tls` of flux-server"),
            },
            sqlx::Error::Protocol(reason) => Error::Url {
                url: format!("{}:…", D::NAME.to_lowercase()),
                reason: format!("what answers there is no {}: {reason}", D::NAME),
            },
            error => Error::database("connecting")(error),
        })?;
        let waiting = Arc::new(Mutex::new(Some((connection, Instant::now()))));
        let (beside, background) = Default::default();
        Ok(Self { writer: Some(writer), waiting, beside, background, turn, readers })
    }

    /// Uses a database that is there as long as its one connection.
    #[cfg(feature = "sqlite")]
    pub(super) fn only(pool: Pool<D>) -> Self {
        let (waiting, beside, background, turn) = Default::default();
        Self { writer: None, waiting, beside, background, turn, readers: pool }
    }

    /// Returns the connection that writes.
    pub(super) async fn writer(&self) -> Result<Lease<D>, Error> {
        self.own(&self.waiting).await
    }

    /// Returns the connection that the writer looks up with while it commits.
    pub(super) async fn beside(&self) -> Result<Lease<D>, Error> {
        self.own(&self.beside).await
    }

    /// Returns the connection that writes beside the batches.
    pub(super) async fn background(&self) -> Result<Lease<D>, Error> {
        self.own(&self.background).await
    }

    /// Begins to write beside the batches.
    pub(super) async fn begin_background(&self) -> Result<Lease<D>, Error> {
        let mut lease = self.background().await?;
        lease.begin(D::BEGIN_WRITE).await?;
        Ok(lease)
    }

    /// Returns the connection that waits, or a new one where it was lost meanwhile.
    async fn own(&self, waiting: &Waiting<D>) -> Result<Lease<D>, Error> {
        let held = async {
            let Some(options) = &self.writer else {
                return self.readers.acquire().await.map(Held::Only);
            };
            let kept = lock(waiting).take();
            if let Some((mut connection, since)) = kept
                && (since.elapsed() <= TRUSTED_FOR || ping::<D>(&mut connection).await.is_ok())
            {
                return Ok(Held::Own(connection, Arc::clone(waiting)));
            }
            Ok(Held::Own(connect::<D>(options).await?, Arc::clone(waiting)))
        };
        step("connecting", async {
            held.await.map(|held| self.lease(held)).map_err(Error::database("connecting"))
        })
        .await
    }

    /// Takes a lock that one server has at a time; `None` while another has it.
    pub(super) async fn exclusively(&self, name: &str) -> Result<Option<Exclusivity>, Error> {
        match &self.writer {
            Some(options) => D::exclusively(options, name).await,
            // Nobody else can open it.
            None => Ok(Some(Exclusivity::of(()))),
        }
    }

    /// Begins to write.
    pub(super) async fn begin_write(&self) -> Result<Lease<D>, Error> {
        let mut lease = self.writer().await?;
        lease.begin(D::BEGIN_WRITE).await?;
        Ok(lease)
    }

    /// Returns a connection that reads.
    pub(super) async fn reader(&self) -> Result<Lease<D>, Error> {
        let connection = self.readers.acquire().await.map_err(Error::database("connecting"))?;
        Ok(self.lease(match self.writer {
            Some(_) => Held::Pooled(connection),
            None => Held::Only(connection),
        }))
    }

    /// Begins to read: all that is read is of one moment.
    pub(super) async fn snapshot(&self) -> Result<Lease<D>, Error> {
        let mut lease = self.reader().await?;
        lease.begin(D::BEGIN_READ).await?;
        Ok(lease)
    }

    fn lease(&self, held: Held<D>) -> Lease<D> {
        let turn = Arc::clone(&self.turn);
        let held = Some(held);
        Lease { held, is_at_rest: true, is_in_transaction: false, turn, held_turn: None }
    }

    pub(super) fn readers(&self) -> &Pool<D> {
        &self.readers
    }

    /// Closes all connections; what does not answer is dropped.
    pub(super) async fn close(&self) {
        let own = [&self.waiting, &self.beside, &self.background].map(|it| lock(it).take());
        let closed = async {
            for (connection, _) in own.into_iter().flatten() {
                connection.close().await.ok();
            }
            self.readers.close().await;
        };
        timeout(STEP_TIMEOUT, closed).await.ok();
    }
}

impl<D: Dialect> Lease<D> {
    /// Tells that all it was asked for is answered.
    pub(super) fn rest(&mut self) {
        self.is_at_rest = true;
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self, statement: &str) -> Result<(), Error> {
        if D::ONE_WRITER && statement == D::BEGIN_WRITE {
            let turn = timeout(STEP_TIMEOUT, Arc::clone(&self.turn).lock_owned()).await;
            let turn = turn.map_err(|_| Error::database("waiting to write")(silence(STEP_TIMEOUT)));
            self.held_turn = Some(turn?);
        }
        self.is_in_transaction = true;
        let begun = answer(STEP_TIMEOUT, run::<D>(self, statement)).await;
        begun.map_err(Error::database("beginning a transaction"))
    }

    /// Ends its transaction. Whatever goes wrong: it may be done all the same.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        let done = answer(STEP_TIMEOUT, run::<D>(self, "COMMIT")).await;
        done.map_err(Error::or_done("committing"))?;
        self.end();
        Ok(())
    }

    /// Leaves everything as it was, if it is in a transaction.
    pub(super) async fn rollback(&mut self) -> Result<(), Error> {
        if !self.is_in_transaction {
            return Ok(());
        }
        let done = answer(STEP_TIMEOUT, run::<D>(self, "ROLLBACK")).await;
        done.map_err(Error::database("rolling back"))?;
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        self.is_in_transaction = false;
        self.held_turn = None;
        self.rest();
    }
}

impl<D: Dialect> Drop for Lease<D> {
    fn drop(&mut self) {
        let is_kept = self.is_at_rest && !self.is_in_transaction;
        match self.held.take() {
            Some(Held::Own(connection, waiting)) if is_kept => {
                *lock(&waiting) = Some((connection, Instant::now()));
            }
            Some(Held::Own(connection, _)) => drop(connection),
            // The pool takes it back.
            Some(Held::Pooled(it) | Held::Only(it)) if is_kept => drop(it),
            Some(Held::Pooled(connection)) => drop(connection.detach()),
            Some(Held::Only(mut connection)) => {
                // Without a runtime nobody uses the database any more.
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(async move {
                        // It may not be in a transaction.
                        run::<D>(&mut connection, "ROLLBACK").await.ok();
                    });
                }
            }
            None => {}
        }
    }
}

impl<D: Dialect> Deref for Lease<D> {
    type Target = D::Connection;

    fn deref(&self) -> &Self::Target {
        match &self.held {
            Some(Held::Own(connection, _)) => connection,
            Some(Held::Pooled(connection) | Held::Only(connection)) => connection,
            None => unreachable!("it is taken out only when the lease is dropped"),
        }
    }
}

/// Whoever asks it for something is to tell when it is [at rest](Lease::rest) again.
impl<D: Dialect> DerefMut for Lease<D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.is_at_rest = false;
        match &mut self.held {
            Some(Held::Own(connection, _)) => connection,
            Some(Held::Pooled(connection) | Held::Only(connection)) => connection,
            None => unreachable!("it is taken out only when the lease is dropped"),
        }
    }
}

/// Connects as the writer; tries again while the database starts. The error is that of the
/// last time, not merely that it took too long.
pub(super) async fn connect<D: Dialect>(
    options: &Options<D>,
) -> Result<D::Connection, sqlx::Error> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    loop {
        let connected = async {
            let mut connection = D::Connection::connect_with(options).await?;
            D::prepare_writer(&mut connection).await?;
            Ok(connection)
        };
        let error = match timeout_at(deadline, connected).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(silence(CONNECT_TIMEOUT)),
        };
        let may_start = match &error {
            sqlx::Error::Io(_) => true,
            sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
            _ => false,
        };
        if !may_start || Instant::now() + CONNECT_AGAIN > deadline {
            return Err(error);
        }
        sleep(CONNECT_AGAIN).await;
    }
}

/// Without the options: they have the password.
impl<D: Dialect> fmt::Debug for Connections<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connections")
            .field("database", &D::NAME)
            .field("readers", &self.readers.size())
            .finish_non_exhaustive()
    }
}

async fn run<D: Dialect>(
    connection: &mut D::Connection,
    statement: &str,
) -> Result<(), sqlx::Error> {
    D::run_script(connection, statement.to_owned()).await
}
