//! Reads of the database, part after part.

use std::ops::ControlFlow;

use flux_reducers::{Plan, Row, Schema};
use tokio::sync::mpsc;

use crate::backend::{Backend, Part};
use crate::checkpoint::Checkpoint;
use crate::error::Error;

/// A query of a collection, as its schema means it.
pub(crate) type PlannedQuery = (&'static Schema, Plan);

/// Parts that are read ahead of whoever takes them on a thread of its own: some MiB, so that neither
/// waits for the other where one of them is held up for a moment.
const PARTS_AHEAD_MAX: usize = 32;

/// Reads all, and does with it what takes the processor's time on a thread of its own, while the
/// next rows are read. Returns what it made, and the place in the log as of which it is.
pub(crate) async fn fold<State: Send + 'static>(
    backend: &dyn Backend,
    queries: &[PlannedQuery],
    state: State,
    mut take: impl FnMut(&mut State, usize, Row) -> Result<(), Error> + Send + 'static,
) -> Result<(State, Checkpoint), Error> {
    let read = |sender| backend.read(queries, sender);
    taken_apart(read, (state, Checkpoint::default()), move |(state, end), part| {
        match part {
            Part::End(found) => *end = found,
            Part::Rows { plan, rows } => {
                rows.into_iter().try_for_each(|row| take(state, plan, row))?;
            }
        }
        Ok(())
    })
    .await
}

/// Reads parts, and takes them on a thread of its own while the next ones are read.
pub(crate) async fn taken_apart<Part: Send + 'static, State: Send + 'static, Read>(
    read: impl FnOnce(mpsc::Sender<Part>) -> Read,
    mut state: State,
    mut take: impl FnMut(&mut State, Part) -> Result<(), Error> + Send + 'static,
) -> Result<State, Error>
where
    Read: Future<Output = Result<(), Error>>,
{
    let (sender, mut parts) = mpsc::channel(PARTS_AHEAD_MAX);
    let taken = on_own_thread(move || {
        while let Some(part) = parts.blocking_recv() {
            take(&mut state, part)?;
        }
        Ok(state)
    });
    let (read, taken) = tokio::join!(read(sender), taken);
    // Why it was not taken any further says more than that it was not read any further.
    taken.and_then(|taken| read.map(|()| taken))
}

/// Does what takes the processor's time, or waits, where nobody else waits for it.
pub(crate) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Damaged(format!("a read ended early: {error}")))?
}

/// Reads all rows, those of each query, and returns the place in the log as of which they are.
pub(crate) async fn rows(
    backend: &dyn Backend,
    queries: &[PlannedQuery],
) -> Result<(Vec<Vec<Row>>, Checkpoint), Error> {
    let mut all = vec![Vec::new(); queries.len()];
    let end = read(backend, queries, |plan, rows| {
        all[plan].extend(rows);
        ControlFlow::Continue(())
    });
    let end = end.await?;
    Ok((all, end))
}

/// Reads all, or until told to stop, and returns the place in the log as of which it is.
pub(crate) async fn read(
    backend: &dyn Backend,
    queries: &[PlannedQuery],
    mut take: impl FnMut(usize, Vec<Row>) -> ControlFlow<()>,
) -> Result<Checkpoint, Error> {
    let (sender, mut parts) = mpsc::channel(1);
    let taken = async move {
        let mut end = Checkpoint::default();
        while let Some(part) = parts.recv().await {
            match part {
                Part::End(found) => end = found,
                Part::Rows { plan, rows } => {
                    if take(plan, rows).is_break() {
                        break;
                    }
                }
            }
        }
        end
    };
    let (read, end) = tokio::join!(backend.read(queries, sender), taken);
    read.map(|()| end)
}
