//! Following the log by position: what is recorded already, then what comes, nothing twice.

use std::sync::{Arc, Weak};

use flux_reducers::{Position, RecordedEvent};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use crate::backend::Backend;
use crate::error::Error;
use crate::feed::Feed;
use crate::log::LogQuery;
use crate::replay;

/// Events in one batch of a subscription.
const BATCH_EVENTS_MAX: usize = 512;

/// About how many bytes of events in one batch, unless one event alone has more.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// The events after a position, in order, without a gap, each once; then those to come.
///
/// A slow reader holds up nobody: what is no longer in memory is read from the log again.
///
/// ```
/// # use flux_server::{Error, Store};
/// # use flux_server::reducers::{Action, aggregate_reducers};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// let mut events = store.subscribe_from(0).await?;
/// store.dispatch(&Action::new("rung")).await?;
/// while let Some(batch) = events.next().await? {
///     assert_eq!(batch[0].event_type, "rung");
/// #   store.close().await;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Subscription {
    backend: Arc<dyn Backend>,
    feed: Weak<Feed>,
    head: watch::Receiver<Position>,
    position: Position,
}

impl Subscription {
    pub(crate) fn new(backend: Arc<dyn Backend>, feed: &Arc<Feed>, position: Position) -> Self {
        Self { backend, feed: Arc::downgrade(feed), head: feed.watch(), position }
    }

    /// Returns the position of the last event that it gave.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let mut events = store.subscribe_from(0).await?;
    /// events.next().await?;
    /// assert_eq!(events.position(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Waits for the next events; `None` once the store is closed.
    ///
    /// It may be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// When the log can't be read. Call it again: it goes on where it was. [`Error::Damaged`] where
    /// the log has a gap, or an event that can't be read, after all events before it.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let mut events = store.subscribe_from(0).await?;
    /// assert_eq!(events.next().await?.map(|batch| batch.len()), Some(1));
    /// store.close().await;
    /// assert!(events.next().await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Result<Option<Vec<Arc<RecordedEvent>>>, Error> {
        loop {
            if *self.head.borrow_and_update() > self.position {
                let Some(feed) = self.feed.upgrade() else {
                    return Ok(None);
                };
                let events = self.read(&feed).await?;
                self.position = events.last().map_or(self.position, |last| last.position);
                return Ok(Some(events));
            }
            if self.head.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Returns the events one by one as a stream, which ends when the store is closed.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # use futures_util::TryStreamExt as _;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// let mut events = std::pin::pin!(store.subscribe_from(0).await?.into_stream());
    /// assert_eq!(events.try_next().await?.map(|event| event.position), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_stream(self) -> impl Stream<Item = Result<Arc<RecordedEvent>, Error>> + Send {
        let batches = stream::try_unfold(self, |mut subscription| async move {
            let events = subscription.next().await?;
            let batch =
                events.map(|events| (stream::iter(events.into_iter().map(Ok)), subscription));
            Ok::<_, Error>(batch)
        });
        futures_util::TryStreamExt::try_flatten(batches)
    }

    async fn read(&self, feed: &Feed) -> Result<Vec<Arc<RecordedEvent>>, Error> {
        if let Some(events) = feed.after(self.position, BATCH_EVENTS_MAX, BATCH_BYTES_MAX) {
            return Ok(events);
        }
        let query = LogQuery::default().after(self.position);
        let read =
            async |limit| query.clone().limit(limit).read(&*self.backend, BATCH_BYTES_MAX).await;
        let (_, events) = match read(BATCH_EVENTS_MAX as u64).await {
            // Those before the one that is missing, or can't be read, are handed on.
            Err(Error::Damaged(_)) => read(1).await?,
            events => events?,
        };
        if events.is_empty() {
            return Err(replay::missing(self.position + 1));
        }
        Ok(events.into_iter().map(Arc::new).collect())
    }
}
