//! The one task that writes: it commits together what is waiting, and while one batch is being
//! committed it settles the next on the state that the first will leave.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use flux_reducers::{Reducer, Schema};
use futures_util::FutureExt as _;
use futures_util::future::select;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::backend::Backend;
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::feed::Feed;

use batch::Batch;
use commit::Commit;
use progress::{Answer, Outcome, Progress, WorkingSet};
use queue::Queue;
use suspicion::{Suspicion, fail};

mod batch;
mod commit;
mod progress;
mod queue;
mod suspicion;

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
                let (jobs, landed, took) = commit.land().await;
                let undone = match landed {
                    Ok(Ok(outcome)) => {
                        answered = Some((jobs, outcome));
                        None
                    }
                    // The next batch reads what the database really holds.
                    Err(error) => Some((None, Suspicion::default().divide(jobs, &error, took))),
                    Ok(Err(before)) => Some((Some(before), vec![jobs])),
                };
                if let Some((working_set, parts)) = undone {
                    // What was settled on it is not what is there.
                    self.queue.put_back(std::mem::take(&mut batch.jobs));
                    self.working_set = working_set;
                    self.hold(parts).await;
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
            batch.shed(&mut self.queue);
            return batch;
        };
        while !commit.is_done() {
            if !batch.is_full() && batch.take(&mut self.queue, SETTLED_AT_ONCE) {
                let mut lookup = self.backend.lookup();
                commit.alongside(batch.settle(&mut *lookup, &self.reducer)).await;
                drop(lookup);
                batch.shed(&mut self.queue);
            } else if batch.is_full() || self.queue.is_closed() {
                (&mut commit.landing).await;
            } else {
                select(&mut commit.landing, pin!(self.queue.wait())).await;
            }
        }
        batch
    }

    /// Returns the beginning of a batch on the assumption that the head is where the last one
    /// leaves it, and that no event is known yet. Where nobody else writes that is most likely so,
    /// and saves asking for both.
    fn progress(&self) -> Option<Progress> {
        let warm = self.working_set.as_ref().filter(|_| self.is_alone)?;
        Some(Progress::new(warm.clone(), HashMap::new()))
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
                self.keep(progress.working_set.clone());
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

    /// Commits each part together, the last one first; where one fails, finds the dispatch at
    /// fault by halves.
    async fn hold(&mut self, mut parts: Vec<Vec<Job>>) {
        let mut suspicion = Suspicion::default();
        while let Some(mut jobs) = parts.pop() {
            let began = Instant::now();
            let dispatches: Vec<&Dispatch> = jobs.iter().map(|job| &job.dispatch).collect();
            match self.commit_holding(&dispatches).await {
                Ok(outcome) => {
                    suspicion = Suspicion::default();
                    // Those that would have made it too large are next.
                    let later = jobs.split_off(outcome.answers.len());
                    parts.extend((!later.is_empty()).then_some(later));
                    self.answer(jobs, outcome);
                }
                Err(error) => parts.extend(suspicion.divide(jobs, &error, began.elapsed())),
            }
        }
    }

    /// Commits what is accepted of the dispatches; each one is accepted or refused as a whole.
    async fn commit_holding(&mut self, dispatches: &[&Dispatch]) -> Result<Outcome, Error> {
        // On an error it stays dropped: the next batch reads what the database really holds.
        let warm = self.working_set.take();
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
        self.keep(working_set);
        Ok(outcome)
    }

    /// Keeps the working set for the next batch, unless it has grown too large.
    fn keep(&mut self, next: WorkingSet) {
        self.working_set = (next.bytes <= WORKING_SET_BYTES_MAX).then_some(next);
    }

    fn answer(&self, jobs: Vec<Job>, outcome: Outcome) {
        self.feed.publish(outcome.recorded);
        for (job, answer) in jobs.into_iter().zip(outcome.answers) {
            // A caller that has gone has no use for the answer; the events are recorded.
            job.answer.send(answer).ok();
        }
    }
}
