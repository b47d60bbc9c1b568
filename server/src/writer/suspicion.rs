//! Which of the dispatches that failed together is at fault, or whether it is the database.

use std::time::Duration;

use super::Job;
use crate::error::Error;

/// A failure that took longer is no one dispatch's: to look for it would keep all waiting.
const LOOKED_FOR_WITHIN: Duration = Duration::from_secs(1);

/// So many dispatches that fail alone, one after the other, and it is the database.
const ALONE_MAX: u32 = 3;

/// What was found out since the last commit.
#[derive(Default)]
pub(super) struct Suspicion {
    /// Dispatches with which the database failed while they were alone.
    alone: u32,
}

impl Suspicion {
    /// Divides jobs that failed together in halves, the later first, to be tried again; or answers
    /// them, where there is only one, or it is the database that fails.
    pub(super) fn divide(
        &mut self,
        mut jobs: Vec<Job>,
        error: &Error,
        took: Duration,
    ) -> Vec<Vec<Job>> {
        let is_of_one = match error {
            Error::Database { .. } => {
                self.alone += u32::from(jobs.len() == 1);
                error.may_be_of_one() && took <= LOOKED_FOR_WITHIN && self.alone < ALONE_MAX
            }
            error => error.may_be_of_one(),
        };
        if error.is_ambiguous() {
            jobs.iter_mut().for_each(|job| job.may_be_recorded = true);
        }
        if jobs.len() == 1 || !is_of_one {
            fail(jobs, error);
            return Vec::new();
        }
        tracing::warn!(%error, "a batch failed and is split");
        let later = jobs.split_off(jobs.len() / 2);
        vec![later, jobs]
    }
}

/// Answers all with the error.
pub(super) fn fail(jobs: Vec<Job>, error: &Error) {
    tracing::error!(%error, dispatches = jobs.len(), "a batch failed");
    for job in jobs {
        job.answer.send(Err(error.clone())).ok();
    }
}
