//! What other servers write to the same log: found by looking, sooner where the database tells.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::backend::Backend;
use crate::feed::Feed;

/// How long it waits before it listens again after the database failed.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Runs until the feed is gone: advances it to the head that the database has.
pub(crate) async fn run(backend: Arc<dyn Backend>, feed: Weak<Feed>, poll_interval: Duration) {
    let told = Notify::new();
    tokio::select! {
        () = look(&*backend, &feed, &told, poll_interval) => {}
        () = listen(&*backend, &told) => {}
        () = tell(&*backend, &feed) => {}
    }
}

/// The head in the database is the truth; a hint only shortens the wait.
async fn look(backend: &dyn Backend, feed: &Weak<Feed>, told: &Notify, poll_interval: Duration) {
    loop {
        timeout(poll_interval, told.notified()).await.ok();
        let head = backend.head().await;
        let Some(feed) = feed.upgrade() else {
            return;
        };
        match head {
            Ok(head) => feed.advance(head.position),
            Err(error) => tracing::warn!(%error, "can't look for events of other servers"),
        }
    }
}

async fn listen(backend: &dyn Backend, told: &Notify) {
    loop {
        if let Err(error) = backend.listen(&|| told.notify_one()).await {
            tracing::warn!(%error, "can't listen to other servers for now");
        }
        // What was told meanwhile is lost: look at once.
        told.notify_one();
        sleep(LISTEN_AGAIN).await;
    }
}

/// Tells others what is new here; many commits in a row are told once.
async fn tell(backend: &dyn Backend, feed: &Weak<Feed>) {
    let Some(mut head) = feed.upgrade().map(|feed| feed.watch()) else {
        return;
    };
    while head.changed().await.is_ok() {
        if let Err(error) = backend.notify().await {
            tracing::debug!(%error, "can't tell other servers for now");
        }
    }
}
