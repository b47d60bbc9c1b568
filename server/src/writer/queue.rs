//! The dispatches that wait, in the order they came.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::Job;

pub(super) struct Queue {
    jobs: mpsc::Receiver<Job>,
    /// Those that come first.
    taken: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(jobs: mpsc::Receiver<Job>) -> Self {
        Self { jobs, taken: VecDeque::new(), is_closed: false }
    }

    /// Waits until there is one; false if there never will be. It may be given up at any moment.
    pub(super) async fn wait(&mut self) -> bool {
        if self.taken.is_empty() {
            match self.jobs.recv().await {
                Some(job) => self.taken.push_back(job),
                None => self.is_closed = true,
            }
        }
        !self.taken.is_empty()
    }

    /// Returns the first one that has no more than so many bytes.
    pub(super) fn take(&mut self, bytes_max: usize) -> Option<Job> {
        if self.taken.is_empty() {
            self.taken.push_back(self.jobs.try_recv().ok()?);
        }
        self.taken.pop_front_if(|job| job.bytes <= bytes_max)
    }

    /// Whether one waits that was looked at.
    pub(super) fn has_next(&self) -> bool {
        !self.taken.is_empty()
    }

    /// Puts back those that were taken last.
    pub(super) fn put_back(&mut self, jobs: Vec<Job>) {
        for job in jobs.into_iter().rev() {
            self.taken.push_front(job);
        }
    }

    /// Whether nothing waits, and nothing ever will again.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed && self.taken.is_empty()
    }
}
