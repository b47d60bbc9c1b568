//! The lock of a database server: of a name, for a connection.

use std::time::Duration;

use sqlx::{Connection as _, QueryBuilder};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Exclusivity;
use crate::backend::connections::{Options, STEP_TIMEOUT, answer, connect};
use crate::backend::dialect::{Dialect, INTEGER};
use crate::error::Error;

/// How often who holds a lock shows the database that it is alive; without that for 30 s, the
/// database ends its connection and with it the lock.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// How a database server locks a name for a connection.
pub(in crate::backend) struct NamedLock {
    /// Ends the connection where nothing is heard of it for 30 s.
    pub(in crate::backend) session: &'static str,
    /// Takes the lock if it is free, and returns 1 then.
    pub(in crate::backend) take: &'static str,
    /// What follows the name in it.
    pub(in crate::backend) take_end: &'static str,
    /// Gives it back.
    pub(in crate::backend) release: &'static str,
}

/// Takes a lock on a connection of its own; `None` while another server has it.
pub(in crate::backend) async fn by_connection<D: Dialect>(
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
