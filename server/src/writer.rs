//! The one task that writes: it takes what is waiting, and commits it together.

use std::sync::Arc;

use flux_reducers::{RecordedEvent, Reducer};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::Instrument as _;

use crate::backend::Backend;
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::feed::Feed;

use batch::{Batch, Outcome};

mod batch;

/// Dispatches that may wait. Beyond it callers are told that the store is busy, so that memory is
/// bounded and nobody waits for minutes.
pub(crate) const WAITING_MAX: usize = 8192;

/// Dispatches in one transaction: enough to share the cost of the commit, few enough to answer
/// within milliseconds.
const BATCH_DISPATCHES_MAX: usize = 512;

/// Bytes of dispatches that may wait, for the same reason.
pub(crate) const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of events in one transaction, unless one dispatch alone has more.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A dispatch, and whom to answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) dispatch: Dispatch,
    /// About how many bytes it takes.
    pub(crate) bytes: usize,
    /// The room that it takes among those that wait, given back with it.
    pub(crate) _room: OwnedSemaphorePermit,
    pub(crate) answer: oneshot::Sender<Result<Vec<Arc<RecordedEvent>>, Error>>,
}

/// Runs until every sender of jobs is gone and all that waited is answered. It is never cancelled.
pub(crate) async fn run(
    backend: Arc<dyn Backend>,
    reducer: Reducer,
    feed: Arc<Feed>,
    mut jobs: mpsc::Receiver<Job>,
) {
    let mut batch = Batch::new(backend, reducer);
    let mut waiting = Vec::new();
    while jobs.recv_many(&mut waiting, BATCH_DISPATCHES_MAX).await > 0 {
        let span = tracing::debug_span!("batch", dispatches = waiting.len());
        write(&mut batch, &feed, parts(waiting.drain(..))).instrument(span).await;
    }
}

/// Divides jobs into transactions, the last one first.
fn parts(jobs: impl Iterator<Item = Job>) -> Vec<Vec<Job>> {
    let mut parts: Vec<Vec<Job>> = Vec::new();
    let mut bytes = BATCH_BYTES_MAX;
    for job in jobs {
        bytes += job.bytes;
        match parts.last_mut() {
            Some(part) if bytes <= BATCH_BYTES_MAX => part.push(job),
            _ => {
                bytes = job.bytes;
                parts.push(vec![job]);
            }
        }
    }
    parts.reverse();
    parts
}

/// Commits each part together; where the database refuses what was written, finds the one at fault
/// by halves. Where it can't work at all, that is told to all at once.
async fn write(batch: &mut Batch, feed: &Feed, mut parts: Vec<Vec<Job>>) {
    while let Some(mut jobs) = parts.pop() {
        let dispatches: Vec<&Dispatch> = jobs.iter().map(|job| &job.dispatch).collect();
        match batch.commit(&dispatches).await {
            Ok(outcome) => {
                let Outcome { answers, recorded } = outcome;
                feed.publish(recorded);
                for (job, answer) in jobs.into_iter().zip(answers) {
                    // A caller that has gone has no use for the answer; the events are recorded.
                    job.answer.send(answer).ok();
                }
            }
            Err(error) if jobs.len() > 1 && error.is_of_data() => {
                tracing::warn!(%error, "a batch failed and is split");
                let later = jobs.split_off(jobs.len() / 2);
                parts.push(later);
                parts.push(jobs);
            }
            Err(error) => {
                tracing::error!(%error, dispatches = jobs.len(), "a batch failed");
                for job in jobs {
                    job.answer.send(Err(error.clone())).ok();
                }
            }
        }
    }
}
