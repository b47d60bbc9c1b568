//! A batch that is being committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use flux_reducers::{Schema, Uuid};
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use tracing::Instrument as _;

use super::Job;
use super::progress::{Outcome, Progress, WorkingSet, known_events};
use super::suspicion::Suspicion;
use crate::backend::Assumption;
use crate::error::Error;

pub(super) struct Commit {
    jobs: Vec<Job>,
    began: Instant,
    /// Goes on while it is waited for, and ends when the database has answered.
    pub(super) landing: MaybeDone<BoxFuture<'static, Landed>>,
}

/// Callers whose dispatches are committed, and what to tell them.
pub(super) struct Committed {
    pub(super) jobs: Vec<Job>,
    pub(super) outcome: Outcome,
}

/// What is left of a commit that did not succeed.
pub(super) struct Undone {
    /// The state before it, if that is known.
    pub(super) working_set: Option<WorkingSet>,
    /// What to commit again, the last part first.
    pub(super) parts: Vec<Vec<Job>>,
}

/// What became of a commit: done; or not, for what it was based on is no longer so; or failed.
type Landed = Result<Result<Outcome, WorkingSet>, Error>;

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
        let refused: Vec<Uuid> = refused.flat_map(|(job, _)| job.ids_to_look_up()).collect();
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

    /// Waits for its end.
    pub(super) async fn land(self) -> Result<Committed, Undone> {
        let landed = match self.landing {
            MaybeDone::Future(landing) => landing.await,
            MaybeDone::Done(landed) => landed,
            MaybeDone::Gone => Err(Error::Closed),
        };
        let Self { jobs, began, .. } = self;
        match landed {
            Ok(Ok(outcome)) => Ok(Committed { jobs, outcome }),
            Ok(Err(before)) => Err(Undone { working_set: Some(before), parts: vec![jobs] }),
            // The next batch reads what the database really holds.
            Err(error) => {
                let parts = Suspicion::default().divide(jobs, &error, began.elapsed());
                Err(Undone { working_set: None, parts })
            }
        }
    }
}
