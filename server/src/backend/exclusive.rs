//! What only one of all servers does at a time. The lock ends with whoever holds it, however that
//! one ends: nobody has to guess by a clock whether it still lives.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) use by_connection::{NamedLock, by_connection};

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod by_connection;

/// What only one does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exclusive {
    /// To build new tables.
    Rebuild,
    /// To take snapshots by a policy.
    Snapshot,
}

impl Exclusive {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Snapshot => "snapshot",
        }
    }
}

/// That this server is the one. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Exclusivity {
    end: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Exclusivity {
    /// Holds something as long as it is wanted.
    pub(super) fn of<T: Send + 'static>(held: T) -> Self {
        let (end, wanted) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            wanted.await.ok();
            drop(held);
        });
        Self { end, ended }
    }

    /// Lets others have it, and waits until they can.
    pub(crate) async fn end(self) {
        drop(self.end);
        self.ended.await.ok();
    }
}
