//! The one task that writes: it commits together what is waiting, and while one batch is being
//! committed it settles the next on the state that the first will leave.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use flux_reducers::{Reducer, Schema, Uuid};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::backend::Backend;
use crate::dispatch::{Dispatch, Received};
use crate::error::Error;
use crate::feed::Feed;

use batch::{Batch, Settled};
use commit::{Commit, Committed, Undone};
use progress::{Answer, Outcome, Progress, WorkingSet};
use queue::Queue;
use suspicion::{Suspicion, fail};

pub use rebuild::RebuildProgress;
pub(crate) use rebuild::rebuild;

mod batch;
mod commit;
mod progress;
mod queue;
mod rebuild;
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
    received: Received,
    /// Whether a commit of it failed, and nobody knows how far it came.
    may_be_recorded: bool,
    /// About how many bytes it takes.
    bytes: usize,
    /// The room that it takes among those that wait, given back with it.
    _room: OwnedSemaphorePermit,
    answer: oneshot::Sender<Answer>,
}

impl Job {
    pub(crate) fn new(
        dispatch: Dispatch,
        bytes: usize,
        room: OwnedSemaphorePermit,
        answer: oneshot::Sender<Answer>,
    ) -> Self {
        let received = Received::new(dispatch);
        Self { received, may_be_recorded: false, bytes, _room: room, answer }
    }

    /// Returns the ids of events that the log may have already.
    fn ids_to_look_up(&self) -> Vec<Uuid> {
        if self.may_be_recorded {
            return self.received.ids.clone();
        }
        self.received.given_ids().collect()
    }
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
        let mut under_way = None;
        while under_way.is_some() || self.queue.wait().await {
            let (batch, committed) = match under_way.take() {
                None => (self.settle_waiting().await, None),
                Some(commit) => self.settle_beside(commit).await,
            };
            under_way = self.commit(batch, committed).await;
        }
    }

    /// Settles what is waiting.
    async fn settle_waiting(&mut self) -> Batch {
        let mut batch = Batch::new(self.progress());
        batch.take(&mut self.queue, usize::MAX);
        batch.settle_first(&*self.backend, &self.reducer).await;
        batch.shed(&mut self.queue);
        batch
    }

    /// Settles what is waiting, and what comes as long as a commit is under way. Returns also whom
    /// it has not answered yet.
    async fn settle_beside(&mut self, commit: Commit) -> (Batch, Option<Committed>) {
        let mut batch = Batch::new(self.progress());
        match self.gather(&mut batch, commit).await {
            Ok(committed) => (batch, committed),
            Err(Undone { working_set, parts }) => {
                // What was settled on it is not what is there.
                self.queue.put_back(batch.jobs);
                self.working_set = working_set;
                self.hold(parts).await;
                (Batch::new(None), None)
            }
        }
    }

    async fn gather(
        &mut self,
        batch: &mut Batch,
        mut commit: Commit,
    ) -> Result<Option<Committed>, Undone> {
        while !commit.is_done() {
            if batch.takes_more() && batch.take(&mut self.queue, SETTLED_AT_ONCE) {
                let under_way = self.settle_taken(batch, commit).await?;
                batch.shed(&mut self.queue);
                match under_way {
                    Some(same) => commit = same,
                    None => return Ok(None),
                }
            } else if !batch.takes_more() || self.queue.is_closed() {
                (&mut commit.landing).await;
            } else {
                select(&mut commit.landing, pin!(self.queue.wait())).await;
            }
        }
        commit.land().await.map(Some)
    }

    /// Settles what was taken beside a commit, and returns that if it is still under way. Should it
    /// land meanwhile, nobody waits for the rest to be answered.
    async fn settle_taken(
        &self,
        batch: &mut Batch,
        mut commit: Commit,
    ) -> Result<Option<Commit>, Undone> {
        let mut lookup = self.backend.beside();
        let settling = batch.settle(&mut *lookup, &self.reducer);
        match select(&mut commit.landing, pin!(settling)).await {
            Either::Right(_) => Ok(Some(commit)),
            Either::Left(((), settling)) => {
                self.answer(commit.land().await?);
                settling.await;
                Ok(None)
            }
        }
    }
    /// Returns the beginning of a batch on the assumption that the head is where the last one
    /// leaves it, and that no event is known yet. Where nobody else writes that is most likely so,
    /// and saves asking for both.
    fn progress(&self) -> Option<Progress> {
        let warm = self.working_set.as_ref().filter(|_| self.is_alone)?;
        Some(Progress::new(warm.clone(), HashMap::new()))
    }

    /// Begins to commit a batch, and answers those of the one before. One that makes no sense on the
    /// assumption is committed at once, holding the head.
    async fn commit(&mut self, batch: Batch, mut before: Option<Committed>) -> Option<Commit> {
        let (jobs, settled) = {
            let mut settled = pin!(batch.settled(&*self.backend));
            match (&mut settled).now_or_never() {
                Some(settled) => settled,
                None => {
                    before.take().into_iter().for_each(|committed| self.answer(committed));
                    settled.await
                }
            }
        };
        let mut commit = None;
        let mut to_hold = None;
        match settled {
            Settled::Nothing => {}
            Settled::Assumed(assumption, progress) => {
                self.keep(progress.working_set.clone());
                let schemas = Arc::clone(&self.schemas);
                let begun = commit.insert(Commit::begin(assumption, schemas, jobs, progress));
                // The database works while callers are answered.
                (&mut begun.landing).now_or_never();
            }
            Settled::Open => to_hold = Some(jobs),
            Settled::Failed(error) => {
                // The next batch reads what the database really holds.
                self.working_set = None;
                fail(jobs, &error);
            }
        }
        before.into_iter().for_each(|committed| self.answer(committed));
        self.hold(Vec::from_iter(to_hold)).await;
        commit
    }

    /// Commits each part together, the last one first; where one fails, finds the dispatch at
    /// fault by halves.
    async fn hold(&mut self, mut parts: Vec<Vec<Job>>) {
        let mut suspicion = Suspicion::default();
        while let Some(mut jobs) = parts.pop() {
            let began = Instant::now();
            match self.commit_holding(&jobs).await {
                Ok(outcome) => {
                    suspicion = Suspicion::default();
                    // Those that would have made it too large are next.
                    let later = jobs.split_off(outcome.answers.len());
                    parts.extend((!later.is_empty()).then_some(later));
                    self.answer(Committed { jobs, outcome });
                }
                Err(error) => parts.extend(suspicion.divide(jobs, &error, began.elapsed())),
            }
        }
    }

    /// Commits what is accepted of the dispatches; each one is accepted or refused as a whole.
    async fn commit_holding(&mut self, jobs: &[Job]) -> Result<Outcome, Error> {
        // On an error it stays dropped: the next batch reads what the database really holds.
        let warm = self.working_set.take();
        let (mut transaction, head) = self.backend.begin().await?;
        if head.generation != self.backend.generation() {
            // It is of no use any more, but to free it takes long, and others wait to be told.
            (self.working_set, self.is_alone) = (warm, false);
            // So that they need no new connection.
            transaction.rollback().await?;
            return Err(Error::Superseded);
        }
        self.is_alone = warm.as_ref().is_none_or(|warm| warm.head == head);
        let working_set = match warm.filter(|warm| warm.head == head) {
            Some(warm) => warm,
            None => {
                let keeps_history = self.backend.keeps_history();
                WorkingSet::empty(head, self.schemas.values().copied(), keeps_history)?
            }
        };
        let ids = jobs.iter().flat_map(Job::ids_to_look_up);
        let known = progress::known_events(&mut *transaction, ids).await?;
        let mut progress = Progress::new(working_set, known);
        let dispatches: Vec<&Received> = jobs.iter().map(|job| &job.received).collect();
        progress.settle(&self.reducer, &mut *transaction, &dispatches, None).await?;
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

    fn answer(&self, Committed { jobs, outcome }: Committed) {
        self.feed.publish(outcome.recorded);
        for (job, answer) in jobs.into_iter().zip(outcome.answers) {
            // A caller that has gone has no use for the answer; the events are recorded.
            job.answer.send(answer).ok();
        }
    }
}
