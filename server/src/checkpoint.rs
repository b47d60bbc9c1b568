//! A place in the log that a reader can go on from.

use flux_reducers::{Position, Uuid};

use crate::error::Error;

/// A place in the log: a position and, where it is known, the id of the event there.
///
/// Positions alone do not tell one log from another: where a database was replaced, or restored
/// and written again, the same position holds another event. With the id that is found out.
///
/// ```
/// # use flux_server::{Checkpoint, Error, Store};
/// # use flux_server::reducers::{Action, Uuid, aggregate_reducers};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// let event = store.dispatch(&Action::new("rung")).await?;
/// let seen = Checkpoint { position: 1, event_id: Some(event.id) };
/// assert!(store.subscribe_from(seen).await.is_ok());
///
/// let of_another_log = Checkpoint { position: 1, event_id: Some(Uuid::from_u128(7)) };
/// let refused = store.subscribe_from(of_another_log).await.unwrap_err();
/// assert_eq!(refused.code(), "log_replaced");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The position; 0 is before the first event.
    pub position: Position,
    /// The id of the event there. `None` where it is not known, or there is none.
    pub event_id: Option<Uuid>,
}

impl Checkpoint {
    /// Makes sure that the log has this place.
    pub(crate) fn check(self, head: Position, found: Option<Uuid>) -> Result<(), Error> {
        let Self { position, event_id } = self;
        if !(0..=head).contains(&position) {
            return Err(Error::PositionAhead { position, head });
        }
        match event_id {
            Some(expected) if found != Some(expected) => {
                Err(Error::LogReplaced { position, expected })
            }
            _ => Ok(()),
        }
    }
}

impl From<Position> for Checkpoint {
    fn from(position: Position) -> Self {
        Self { position, event_id: None }
    }
}
