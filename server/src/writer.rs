//! The one task that writes: it commits together what is waiting, and while one batch is being
//! committed it settles the next on the state that the first will leave.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;

use flux_reducers::{Reducer, Schema};
use futures_util::FutureExt as _;
use futures_util::future::select;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::backend::Backend;
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::feed::Feed;

use batch::Batch;
use commit::{Commit, Landed};
use progress::{Answer, Outcome, Progress, WorkingSet};
use queue::Queue;

mod batch;
mod commit;
mod progress;
mod queue;

/// Dispatches that may wait. Beyond it callers are told that the store is busy, so that memory is
/// bounded and nobody waits for minutes.
pub(crate) const WAITING_MAX: usize = 8192;

/// Bytes of dispatches that may wait, for the same reason.
pub(crate) const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Dispatches that are settled without a look at the commit that is under way.
const SETTLED_AT_ONCE: usize = 32;

/// Bytes of documents that the working set keeps from one batch to the next.
const WORKING_SET_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A dispatch, and whom to answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) dispatch: Dispatch,
    /// About how many bytes it takes.
    pub(crate) bytes: usize,
    /// The room that it takes among those that wait, given back with it.
    pub(crate) _room: OwnedSemaphorePermit,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// Runs until every sender of jobs is gone and all that waited is answered. It is never cancelled.
pub(crate) async fn run(
    backend: Arc<dyn Backend>,
    reducer: Reducer,
    feed: Arc<Feed>,
    jobs: mpsc::Receiver<Job>,
) {
    let schemas = reducer.schemas().into_iter().map(|schema| (schema.collection, schema)).collect();
    let writer = Writer {
        backend,
        reducer,
        schemas: Arc::new(schemas),
        feed,
        queue: Queue::new(jobs),
        working_set: None,
        is_alone: true,
    };
    writer.run().await;
}

struct Writer {
    backend: Arc<dyn Backend>,
    reducer: Reducer,
    schemas: Arc<BTreeMap<&'static str, &'static Schema>>,
    feed: Arc<Feed>,
    queue: Queue,
    /// What the last batch leaves, committed or under way, unless it failed.
    working_set: Option<WorkingSet>,
    /// Whether the head was where it was left when that was last asked for.
    is_alone: bool,
}

impl Writer {
    async fn run(mut self) {
        let mut under_way: Option<Commit> = None;
        while under_way.is_some() || self.queue.wait().await {
            let mut batch = self.gather(&mut under_way).await;
            let mut answered = None;
            if let Some(commit) = under_way {
                match commit.land().await {
                    (jobs, Ok(Ok(outcome))) => answered = Some((jobs, outcome)),
                    (jobs, undone) => {
                        // What was settled on it is not what is there.
                        self.queue.put_back(std::mem::take(&mut batch.jobs));
                        self.undo(jobs, undone).await;
                    }
                }
            }
            under_way = self.commit(batch).await;
            // The database works while callers are answered.
            if let Some(commit) = &mut under_way {
                (&mut commit.landing).now_or_never();
            }
            if let Some((jobs, outcome)) = answered {
                self.answer(jobs, outcome);
            }
        }
    }

    /// Settles what is waiting, and what comes as long as a commit is under way.
    async fn gather(&mut self, under_way: &mut Option<Commit>) -> Batch {
        let mut batch = Batch::new(self.progress());
        let Some(commit) = under_way else {
            batch.take(&mut self.queue, usize::MAX);
            batch.settle_first(&*self.backend, &self.reducer).await;
            return batch;
        };
        while !commit.is_done() {
            if batch.take(&mut self.queue, SETTLED_AT_ONCE) {
                let mut lookup = self.backend.lookup();
                commit.alongside(batch.settle(&mut *lookup, &self.reducer)).await;
            } else if batch.is_full() || self.queue.is_closed() {
                (&mut commit.landing).await;
            } else {
                select(&mut commit.landing, pin!(self.queue.wait())).await;
            }
        }
        batch
    }

    /// Commits again what was not committed; or tells why that is of no use.
    async fn undo(&mut self, jobs: Vec<Job>, undone: Landed) {
        let (working_set, parts) = match undone {
            Ok(Ok(_)) => return,
            Ok(Err(before)) => (Some(before), vec![jobs]),
            // The next batch reads what the database really holds.
            Err(error) => (None, halves(jobs, &error)),
        };
        self.working_set = working_set;
        self.hold(parts).await;
    }

    /// Returns the beginning of a batch on the assumption that the head is where the last one
    /// leaves it, and that no event is known yet. Where nobody else writes that is most likely so,
    /// and saves asking for both.
    fn progress(&self) -> Option<Progress> {
        let warm = self.working_set.as_ref().filter(|_| self.is_alone)?;
        (warm.bytes <= WORKING_SET_BYTES_MAX).then(|| Progress::new(warm.clone(), HashMap::new()))
    }

    /// Begins to commit a batch. One that makes no sense on the assumption is committed at once,
    /// holding the head.
    async fn commit(&mut self, batch: Batch) -> Option<Commit> {
        if batch.jobs.is_empty() {
            return None;
        }
        let (jobs, settled) = batch.settled(&*self.backend).await;
        match settled {
            Ok(Some((assumption, progress))) => {
                self.working_set = Some(progress.working_set.clone());
                Some(Commit::begin(assumption, Arc::clone(&self.schemas), jobs, progress))
            }
            Ok(None) => {
                self.hold(vec![jobs]).await;
                None
            }
            Err(error) => {
                // The next batch reads what the database really holds.
                self.working_set = None;
                fail(jobs, &error);
                None
            }
        }
    }

    /// Commits each part together, the last one first; where the database refuses what was
    /// written, finds the one at fault by halves.
    async fn hold(&mut self, mut parts: Vec<Vec<Job>>) {
        while let Some(jobs) = parts.pop() {
            let dispatches: Vec<&Dispatch> = jobs.iter().map(|job| &job.dispatch).collect();
            match self.commit_holding(&dispatches).await {
                Ok(outcome) => self.answer(jobs, outcome),
                Err(error) => parts.extend(halves(jobs, &error)),
            }
        }
    }

    /// Commits what is accepted of the dispatches; each one is accepted or refused as a whole.
    async fn commit_holding(&mut self, dispatches: &[&Dispatch]) -> Result<Outcome, Error> {
        // On an error it stays dropped: the next batch reads what the database really holds.
        let warm = self.working_set.take().filter(|warm| warm.bytes <= WORKING_SET_BYTES_MAX);
        let (mut transaction, head) = self.backend.begin().await?;
        self.is_alone = warm.as_ref().is_none_or(|warm| warm.head == head);
        let working_set = match warm.filter(|warm| warm.head == head) {
            Some(warm) => warm,
            None => WorkingSet::empty(head, self.schemas.values().copied())?,
        };
        let ids = dispatches.iter().flat_map(|dispatch| dispatch.event_ids());
        let known = progress::known_events(&mut *transaction, ids).await?;
        let mut progress = Progress::new(working_set, known);
        progress.settle(&self.reducer, &mut *transaction, dispatches, None).await?;
        match progress.write(&self.schemas) {
            Some(write) => {
                transaction.write(&write).await?;
                transaction.commit().await?;
            }
            None => transaction.rollback().await?,
        }
        let (working_set, outcome) = progress.end();
        self.working_set = Some(working_set);
        Ok(outcome)
    }

    fn answer(&self, jobs: Vec<Job>, outcome: Outcome) {
        self.feed.publish(outcome.recorded);
        for (job, answer) in jobs.into_iter().zip(outcome.answers) {
            // A caller that has gone has no use for the answer; the events are recorded.
            job.answer.send(answer).ok();
        }
    }
}

/// Divides jobs, the later ones first, where one of several may be at fault; else answers them:
/// where the database can't work at all, that is told to all at once.
fn halves(mut jobs: Vec<Job>, error: &Error) -> Vec<Vec<Job>> {
    if jobs.len() == 1 || !error.is_of_data() {
        fail(jobs, error);
        return Vec::new();
    }
    tracing::warn!(%error, "a batch failed and is split");
    let later = jobs.split_off(jobs.len() / 2);
    vec![later, jobs]
}

fn fail(jobs: Vec<Job>, error: &Error) {
    tracing::error!(%error, dispatches = jobs.len(), "a batch failed");
    for job in jobs {
        job.answer.send(Err(error.clone())).ok();
    }
}
