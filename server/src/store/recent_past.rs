//! The documents of the past that were asked for last, for the next question near them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flux_reducers::{Database, Position};
use tokio::time::{Instant, sleep_until};

use crate::checkpoint::Checkpoint;
use crate::lock::lock;

/// How long they are kept in memory after a question.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// Events to or from what is kept, over which a question has next to nothing to do: it shares all
/// other documents.
const NEAR: u64 = 1000;

#[derive(Default)]
pub(super) struct RecentPast {
    kept: Mutex<Option<Kept>>,
    turns: tokio::sync::Mutex<()>,
}

struct Kept {
    checkpoint: Checkpoint,
    database: Database,
    forgotten_at: Instant,
}

impl RecentPast {
    /// Returns what is kept, and its place in the log.
    pub(super) fn get(&self) -> Option<(Checkpoint, Database)> {
        lock(&self.kept).as_ref().map(|kept| (kept.checkpoint, kept.database.clone()))
    }

    /// Forgets what is kept, if it is of this place.
    pub(super) fn forget(&self, checkpoint: Checkpoint) {
        free(lock(&self.kept).take_if(|kept| kept.checkpoint == checkpoint));
    }

    /// Returns what is kept, and its position, where that is near.
    pub(super) fn near(self: &Arc<Self>, position: Position) -> Option<(Position, Database)> {
        let mut kept = lock(&self.kept);
        let kept =
            kept.as_mut().filter(|kept| kept.checkpoint.position.abs_diff(position) <= NEAR)?;
        kept.forgotten_at = Instant::now() + KEPT_FOR;
        Some((kept.checkpoint.position, kept.database.clone()))
    }

    /// Waits for other questions that are far from what is kept: each takes memory for all documents.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns.lock().await
    }

    /// Keeps documents instead of those that are kept, until nobody has asked for a while.
    pub(super) fn keep(self: &Arc<Self>, checkpoint: Checkpoint, database: Database) {
        let forgotten_at = Instant::now() + KEPT_FOR;
        let before = lock(&self.kept).replace(Kept { checkpoint, database, forgotten_at });
        if before.is_none() {
            tokio::spawn(forget(Arc::downgrade(self), forgotten_at));
        }
        free(before);
    }
}

async fn forget(past: std::sync::Weak<RecentPast>, mut at: Instant) {
    loop {
        sleep_until(at).await;
        let Some(past) = past.upgrade() else { return };
        let mut kept = lock(&past.kept);
        match &*kept {
            Some(kept) if kept.forgotten_at > Instant::now() => at = kept.forgotten_at,
            _ => return free(kept.take()),
        }
    }
}

/// Gives back the memory of many documents, which takes a while: nobody has to wait for it.
pub(super) fn free<T: Send + 'static>(documents: T) {
    tokio::task::spawn_blocking(move || drop(documents));
}
