//! Snapshots as they are asked for: taken, listed, removed.

use flux_reducers::{Position, Timestamp};

use super::Store;
use crate::backend::own::StoredSnapshot;
use crate::error::Error;

/// A snapshot in the database.
///
/// ```
/// use flux_server::TakenSnapshot;
///
/// let told = |it: &TakenSnapshot| format!("{}: {} documents", it.position, it.documents);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TakenSnapshot {
    /// The position as of which its documents are.
    pub position: Position,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// How many documents it has.
    pub documents: u64,
    /// How many bytes it takes in the database.
    pub bytes: u64,
}

impl Store {
    /// Takes a snapshot of the documents as they are now, and returns its position: replays begin
    /// there. See [`StoreBuilder::snapshots`](crate::StoreBuilder::snapshots) to take them by
    /// themselves.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// assert_eq!(store.take_snapshot().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn take_snapshot(&self) -> Result<Position, Error> {
        self.inner.snapshots.take().await
    }

    /// Takes the snapshots of the past that are missing, one each so many events, at least one: after a rebuild,
    /// which leaves none, say. The log is replayed, in memory for all documents.
    ///
    /// # Errors
    /// When the database fails, or the reducers no longer accept an event of the log.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&vec![Action::new("rung"); 5]).await?;
    /// store.take_missing_snapshots(2).await?;
    /// assert_eq!(store.snapshots().await?.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn take_missing_snapshots(&self, every_events: u32) -> Result<(), Error> {
        let every = Position::from(every_events.max(1));
        self.inner.snapshots.take_missing(&self.inner.reducer, every).await
    }

    /// Removes the snapshot of a position; false where there is none.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// # store.dispatch(&Action::new("rung")).await?;
    /// let position = store.take_snapshot().await?;
    /// assert!(store.remove_snapshot(position).await?);
    /// assert!(!store.remove_snapshot(position).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove_snapshot(&self, position: Position) -> Result<bool, Error> {
        self.inner.snapshots.remove(|it| it.position == position).await
    }

    /// Returns the snapshots that these reducers and schemas made, by position.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.take_snapshot().await?;
    /// assert_eq!(store.snapshots().await?[0].position, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn snapshots(&self) -> Result<Vec<TakenSnapshot>, Error> {
        let all = self.inner.snapshots.list().await?.into_iter();
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let taken = all.map(|StoredSnapshot { position, taken_at, documents, bytes, .. }| {
            TakenSnapshot { position, taken_at, documents: count(documents), bytes: count(bytes) }
        });
        Ok(taken.collect())
    }
}
