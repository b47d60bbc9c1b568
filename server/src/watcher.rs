//! What other servers write to the same log: found by looking, sooner where the database tells.

use std::sync::{Arc, Weak};
use std::time::Duration;

use flux_reducers::Position;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::backend::Backend;
use crate::error::Error;
use crate::feed::Feed;

/// How long it waits before it listens again after the database failed.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// How long it waits before it tells again: the work of telling is the database's too.
const TELL_AGAIN: Duration = Duration::from_millis(5);

/// Runs until the feed is gone: advances it to the head that the database has. Where more is used than
/// the log, it tells once when other tables have taken the place of those in use.
pub(crate) async fn run(
    backend: Arc<dyn Backend>,
    feed: Weak<Feed>,
    poll_interval: Duration,
    uses_tables: bool,
) {
    let told = Notify::new();
    tokio::select! {
        () = look(&*backend, &feed, &told, (poll_interval, uses_tables)) => {}
        () = listen(&*backend, &feed, &told) => {}
        () = tell(&*backend, &feed) => {}
    }
}

/// The head in the database is the truth; a hint only shortens the wait.
async fn look(
    backend: &dyn Backend,
    feed: &Weak<Feed>,
    told: &Notify,
    (poll_interval, uses_tables): (Duration, bool),
) {
    let mut tells_superseded = uses_tables;
    loop {
        timeout(poll_interval, told.notified()).await.ok();
        let head = backend.head().await;
        let Some(feed) = feed.upgrade() else {
            return;
        };
        match head {
            Ok(head) => {
                feed.advance(head.position);
                if head.generation != backend.generation() && tells_superseded {
                    tells_superseded = false;
                    tracing::error!("{}", Error::Superseded);
                }
            }
            Err(error) => tracing::warn!(%error, "can't look for events of other servers"),
        }
    }
}

async fn listen(backend: &dyn Backend, feed: &Weak<Feed>, told: &Notify) {
    // Most of what is told is told by this server itself.
    let is_known = |head| feed.upgrade().is_some_and(|feed| head <= feed.head());
    let heard = |head: Option<Position>| {
        if !head.is_some_and(is_known) {
            told.notify_one();
        }
    };
    loop {
        if let Err(error) = backend.listen(&heard).await {
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
        let position = *head.borrow_and_update();
        if let Err(error) = backend.notify(position).await {
            tracing::debug!(%error, "can't tell other servers for now");
        }
        sleep(TELL_AGAIN).await;
    }
}
