//! What only one of all servers does at a time. The lock ends with whoever holds it, however that
//! one ends: nobody has to guess by a clock whether it still lives.

use std::time::Duration;

use sqlx::{Connection as _, QueryBuilder};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::connections::{Options, STEP_TIMEOUT, answer, connect};
use super::dialect::{Dialect, INTEGER};
use crate::error::Error;

/// How often who holds a lock shows the database that it is alive; without that for 30 s, the
/// database ends its connection and with it the lock.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// What only one does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exclusive {
    /// To build new tables.
    Rebuild,
    /// To take snapshots by a policy.
    Snapshot,
}

impl Exclusive {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Snapshot => "snapshot",
        }
    }
}

/// That this server is the one. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Exclusivity {
    end: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Exclusivity {
    /// Holds something as long as it is wanted.
    pub(super) fn of<T: Send + 'static>(held: T) -> Self {
        let (end, wanted) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            wanted.await.ok();
            drop(held);
        });
        Self { end, ended }
    }

    /// Lets others have it, and waits until they can.
    pub(crate) async fn end(self) {
        drop(self.end);
        self.ended.await.ok();
    }
}

/// How a database server locks a name for a connection.
pub(super) struct NamedLock {
    /// Ends the connection where nothing is heard of it for 30 s.
    pub(super) session: &'static str,
    /// Takes the lock if it is free, and returns 1 then.
    pub(super) take: &'static str,
    /// What follows the name in it.
    pub(super) take_end: &'static str,
    /// Gives it back.
    pub(super) release: &'static str,
}

/// Takes a lock on a connection of its own; `None` while another server has it.
pub(super) async fn by_connection<D: Dialect>(
    options: &Options<D>,
    name: &str,
    lock: &'static NamedLock,
) -> Result<Option<Exclusivity>, Error> {
    let failed = || Error::database("taking a lock");
    let mut connection = connect::<D>(options).await.map_err(failed())?;
    let limited = D::run_script(&mut connection, lock.session.to_owned());
    answer(STEP_TIMEOUT, limited).await.map_err(failed())?;
    let mut sql = QueryBuilder::new(lock.take);
    D::push_value(&mut sql, &name.into());
    sql.push(lock.take_end);
    let rows = answer(STEP_TIMEOUT, D::fetch(&mut connection, sql)).await.map_err(failed())?;
    let taken = rows.first().map(|row| D::value(row, 0, &INTEGER)).transpose().map_err(failed())?;
    if taken != Some(1.into()) {
        return Ok(None);
    }
    let (end, mut wanted) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        while timeout(ALIVE_EVERY, &mut wanted).await.is_err() {
            if answer(ALIVE_EVERY, connection.ping()).await.is_err() {
                tracing::warn!("a lock is lost with its connection");
                return;
            }
        }
        let released = D::run_script(&mut connection, lock.release.to_owned());
        answer(ALIVE_EVERY, released).await.ok();
        timeout(ALIVE_EVERY, connection.close()).await.ok();
    });
    Ok(Some(Exclusivity { end, ended }))
}
