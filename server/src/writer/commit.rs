//! A batch that is being committed.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_reducers::{Schema, Uuid};
use futures_util::future::{BoxFuture, Either, MaybeDone, maybe_done, select};
use tracing::Instrument as _;

use super::Job;
use super::progress::{Outcome, Progress, WorkingSet, known_events};
use crate::backend::Assumption;
use crate::error::Error;

pub(super) struct Commit {
    jobs: Vec<Job>,
    began: Instant,
    /// Goes on while it is waited for, and ends when the database has answered.
    pub(super) landing: MaybeDone<BoxFuture<'static, Landed>>,
}

/// What became of a commit: done; or not, for what it was based on is no longer so; or failed.
pub(super) type Landed = Result<Result<Outcome, WorkingSet>, Error>;

impl Commit {
    /// Commits, should the head be that of the working set before and no event be known.
    pub(super) fn begin(
        mut assumption: Box<dyn Assumption>,
        schemas: Arc<BTreeMap<&'static str, &'static Schema>>,
        jobs: Vec<Job>,
        progress: Box<Progress>,
    ) -> Self {
        let head = progress.head_before();
        // What is refused may be an event that is sent again, which is in its own way.
        let refused = jobs.iter().zip(progress.answers()).filter(|(_, answer)| answer.is_err());
        let refused: Vec<Uuid> = refused.flat_map(|(job, _)| job.dispatch.event_ids()).collect();
        let span = tracing::debug_span!("batch", dispatches = jobs.len());
        let landing = async move {
            if !known_events(&mut *assumption, refused.into_iter()).await?.is_empty() {
                return Ok(Err(progress.undo()));
            }
            let holds = match progress.write(&schemas) {
                Some(write) => assumption.commit(&write, head).await?,
                None => assumption.holds(head).await?,
            };
            Ok(if holds { Ok(progress.end().1) } else { Err(progress.undo()) })
        };
        let landing: BoxFuture<'static, Landed> = Box::pin(landing.instrument(span));
        Self { jobs, began: Instant::now(), landing: maybe_done(landing) }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.landing, MaybeDone::Done(_))
    }

    /// Does something else meanwhile, to its end.
    pub(super) async fn alongside<T>(&mut self, task: impl Future<Output = T>) -> T {
        match select(&mut self.landing, pin!(task)).await {
            Either::Left(((), task)) => task.await,
            Either::Right((done, _)) => done,
        }
    }

    /// Waits for its end; returns also how long it took.
    pub(super) async fn land(self) -> (Vec<Job>, Landed, Duration) {
        let landed = match self.landing {
            MaybeDone::Future(landing) => landing.await,
            MaybeDone::Done(landed) => landed,
            MaybeDone::Gone => Err(Error::Closed),
        };
        (self.jobs, landed, self.began.elapsed())
    }
}
