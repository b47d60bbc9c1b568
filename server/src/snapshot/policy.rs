//! Snapshots that are taken by themselves.

use std::sync::Weak;
use std::time::Duration;

use flux_reducers::{Position, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::Snapshots;
use crate::backend::exclusive::Exclusive;
use crate::backend::own::StoredSnapshot;
use crate::clock::now;
use crate::error::Error;

/// How long it is waited while another server takes one.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long it is waited after a snapshot could not be taken; each time twice as long as before.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The longest that it is waited then.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(3600);

/// When snapshots are taken. None unless told.
///
/// ```
/// use flux_server::SnapshotPolicy;
/// use std::time::Duration;
///
/// let policy = SnapshotPolicy::default().every_events(50_000).every(Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct SnapshotPolicy {
    events: Option<Position>,
    interval: Option<Duration>,
    kept: Option<u32>,
}

impl SnapshotPolicy {
    /// After so many events, at least one.
    ///
    /// ```
    /// # use flux_server::SnapshotPolicy;
    /// let policy = SnapshotPolicy::default().every_events(50_000);
    /// ```
    pub const fn every_events(mut self, events: u32) -> Self {
        self.events = Some(if events == 0 { 1 } else { events as Position });
        self
    }

    /// After so long, if there was an event.
    ///
    /// ```
    /// # use flux_server::SnapshotPolicy;
    /// let policy = SnapshotPolicy::default().every(std::time::Duration::from_secs(3600));
    /// ```
    pub const fn every(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Keeps only so many, the last ones, at least one; all unless told. Between those that are
    /// kept the time machine has further to go.
    ///
    /// ```
    /// # use flux_server::SnapshotPolicy;
    /// let policy = SnapshotPolicy::default().every_events(50_000).keep(100);
    /// ```
    pub const fn keep(mut self, snapshots: u32) -> Self {
        self.kept = Some(if snapshots == 0 { 1 } else { snapshots });
        self
    }

    /// When the next one is due by time, where the last one is so old.
    fn due_after(self, age: Duration) -> Option<Instant> {
        // One that is never due in the time that there is, is not due by time.
        Instant::now().checked_add(self.interval?.saturating_sub(age))
    }

    pub(crate) const fn is_never(self) -> bool {
        self.events.is_none() && self.interval.is_none()
    }
}

/// Takes snapshots by a policy, until the store is closed. Of several servers one takes each.
pub(crate) async fn run(
    snapshots: Snapshots,
    policy: SnapshotPolicy,
    feed: Weak<crate::feed::Feed>,
) {
    let Some(mut head) = feed.upgrade().map(|feed| feed.watch()) else { return };
    drop(feed);
    let newest = snapshots.newest().await.unwrap_or_default();
    let mut last = newest.as_ref().map_or(0, |newest| newest.position);
    // A server that starts again and again takes its snapshots, too.
    let age = newest.map_or(Duration::MAX, |newest| since(newest.taken_at));
    let mut due_at = policy.due_after(age);
    let mut again_after = AGAIN_AFTER;
    while is_due(&mut head, policy, last, due_at).await {
        match snapshots.take_in_turn(last, policy, &mut head).await {
            Ok(position) => (last, again_after) = (position, AGAIN_AFTER),
            Err(Error::Superseded) => return,
            // The store was closed meanwhile.
            Err(_) if head.has_changed().is_err() => return,
            Err(error) => {
                let seconds = again_after.as_secs();
                tracing::warn!(%error, "a snapshot could not be taken: again in {seconds} s");
                if timeout(again_after, closed(&mut head)).await.is_ok() {
                    return;
                }
                again_after = (again_after * 2).min(AGAIN_AFTER_MAX);
            }
        }
        due_at = policy.due_after(Duration::ZERO);
    }
}

impl Snapshots {
    /// Takes one, unless another server has taken it or does so just now; returns the position of
    /// the last one.
    async fn take_in_turn(
        &self,
        last: Position,
        policy: SnapshotPolicy,
        head: &mut watch::Receiver<Position>,
    ) -> Result<Position, Error> {
        let own = loop {
            match self.backend.exclusively(Exclusive::Snapshot).await? {
                Some(own) => break own,
                None if timeout(LOOK_AGAIN_AFTER, closed(head)).await.is_ok() => {
                    return Err(Error::Closed);
                }
                None => {}
            }
        };
        let taken = async {
            if let Some(newest) = self.newest().await?.filter(|newest| newest.position > last) {
                return Ok(newest.position);
            }
            let position = self.take().await?;
            if let Some(most) = policy.kept {
                self.keep(most).await?;
            }
            Ok(position)
        };
        let taken = taken.await;
        own.end().await;
        taken
    }

    /// Returns the last one.
    async fn newest(&self) -> Result<Option<StoredSnapshot>, Error> {
        Ok(self.list().await?.pop())
    }

    /// Removes all but the last ones.
    async fn keep(&self, most: u32) -> Result<(), Error> {
        let all = self.list().await?;
        let old = all.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
        for snapshot in &all[..old] {
            self.backend.remove_snapshot(snapshot.id.clone()).await?;
        }
        Ok(())
    }
}

/// Waits until a snapshot is due; false once there will be no more events.
async fn is_due(
    head: &mut watch::Receiver<Position>,
    policy: SnapshotPolicy,
    last: Position,
    due_at: Option<Instant>,
) -> bool {
    loop {
        let events = *head.borrow_and_update() - last;
        let is_long_ago = due_at.is_some_and(|due_at| Instant::now() >= due_at);
        if policy.events.is_some_and(|most| events >= most) || (is_long_ago && events > 0) {
            return true;
        }
        let changed = match due_at.filter(|_| events > 0) {
            None => head.changed().await,
            Some(due_at) => tokio::select! {
                changed = head.changed() => changed,
                () = sleep_until(due_at) => Ok(()),
            },
        };
        if changed.is_err() {
            return false;
        }
    }
}

/// Waits until there will be no more events.
async fn closed(head: &mut watch::Receiver<Position>) {
    while head.changed().await.is_ok() {}
}

/// How long ago a time was.
fn since(time: Timestamp) -> Duration {
    let milliseconds = now().as_milliseconds() - time.as_milliseconds();
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}
