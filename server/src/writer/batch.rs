//! Dispatches that are committed together, settled as they come.

use std::collections::BTreeSet;

use flux_reducers::Reducer;

use super::Job;
use super::progress::{Absent, Progress};
use super::queue::Queue;
use crate::backend::{Assumption, Backend, Lookup};
use crate::dispatch::Received;
use crate::error::Error;

/// Dispatches in one transaction: enough to share the cost of the commit, few enough to answer
/// within milliseconds.
const DISPATCHES_MAX: usize = 512;

/// Bytes of events in one transaction, unless one dispatch alone has more.
const BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    /// About how many bytes they take.
    bytes: usize,
    /// Whether the next dispatch that waits has no room here.
    is_full: bool,
    state: State,
    /// What it was settled with, if that can commit it too.
    assumption: Option<Box<dyn Assumption>>,
}

enum State {
    /// Settled on the state that the last batch leaves.
    Assumed(Box<Progress>, Absent),
    /// To be settled holding the head.
    Open,
    Failed(Error),
}

/// How a batch may be committed.
pub(super) enum Settled {
    /// It has no dispatches.
    Nothing,
    /// By this, on the assumption that it was settled on.
    Assumed(Box<dyn Assumption>, Box<Progress>),
    /// Settled anew, holding the head.
    Open,
    Failed(Error),
}

impl Batch {
    pub(super) fn new(assumed: Option<Progress>) -> Self {
        let state = match assumed {
            Some(progress) => State::Assumed(Box::new(progress), BTreeSet::new()),
            None => State::Open,
        };
        Self { jobs: Vec::new(), bytes: 0, is_full: false, state, assumption: None }
    }

    /// Takes at most so many of those that wait; returns whether there was any.
    pub(super) fn take(&mut self, queue: &mut Queue, most: usize) -> bool {
        let before = self.jobs.len();
        let most = most.min(DISPATCHES_MAX - before);
        while self.jobs.len() - before < most {
            let room = if self.jobs.is_empty() { usize::MAX } else { BYTES_MAX - self.bytes };
            let Some(job) = queue.take(room) else {
                self.is_full = queue.has_next();
                break;
            };
            // One that alone is larger leaves no room.
            self.bytes = (self.bytes + job.bytes).min(BYTES_MAX);
            self.jobs.push(job);
        }
        self.is_full |= self.jobs.len() == DISPATCHES_MAX;
        self.jobs.len() > before
    }

    /// Whether another dispatch would do well here.
    pub(super) fn takes_more(&self) -> bool {
        !self.is_full && !matches!(self.state, State::Failed(_))
    }

    /// Settles all that was taken, with what will commit it.
    pub(super) async fn settle_first(&mut self, backend: &dyn Backend, reducer: &Reducer) {
        if let State::Assumed(..) = self.state {
            match backend.assume().await {
                Ok(mut assumption) => {
                    self.settle(&mut *assumption, reducer).await;
                    self.assumption = Some(assumption);
                }
                Err(error) => self.state = State::Failed(error),
            }
        }
    }

    /// Settles what was taken since it was last called.
    pub(super) async fn settle(&mut self, lookup: &mut dyn Lookup, reducer: &Reducer) {
        let State::Assumed(progress, absent) = &mut self.state else {
            return;
        };
        let jobs = self.jobs.iter().skip(progress.answers().len());
        let dispatches: Vec<&Received> = jobs.map(|job| &job.received).collect();
        match progress.settle(reducer, lookup, &dispatches, Some(absent)).await {
            Ok(()) => {}
            // Documents of different moments may contradict each other.
            Err(error) if error.may_be_of_one() => self.state = State::Open,
            Err(error) => self.state = State::Failed(error),
        }
    }

    /// Gives back those that would make it too large, once it is settled.
    pub(super) fn shed(&mut self, queue: &mut Queue) {
        if let State::Assumed(progress, _) = &self.state
            && progress.answers().len() < self.jobs.len()
        {
            queue.put_back(self.jobs.split_off(progress.answers().len()));
            self.is_full = true;
        }
    }

    /// Ends the batch.
    pub(super) async fn settled(self, backend: &dyn Backend) -> (Vec<Job>, Settled) {
        let settled = match self.state {
            _ if self.jobs.is_empty() => Settled::Nothing,
            // Only where it is written does the database tell whether it was there.
            State::Assumed(progress, absent)
                if absent.iter().all(|(collection, id)| progress.creates(collection, id)) =>
            {
                let assumption = match self.assumption {
                    Some(assumption) => Ok(assumption),
                    None => backend.assume().await,
                };
                match assumption {
                    Ok(assumption) => Settled::Assumed(assumption, progress),
                    Err(error) => Settled::Failed(error),
                }
            }
            State::Assumed(..) | State::Open => Settled::Open,
            State::Failed(error) => Settled::Failed(error),
        };
        (self.jobs, settled)
    }
}
