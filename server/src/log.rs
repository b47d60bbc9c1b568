//! Queries of the log.

use flux_reducers::{Direction, Position};

use crate::backend::LogRange;

/// Which events of the log: by position and type, the first or the last ones.
///
/// ```
/// use flux_server::LogQuery;
///
/// let last_edits = LogQuery::default().event_type("noteTitleEdited").descending().limit(50);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LogQuery {
    after: Position,
    event_type: Option<String>,
    direction: Direction,
    limit: u64,
}

impl Default for LogQuery {
    /// The first 100 events.
    fn default() -> Self {
        Self { after: 0, event_type: None, direction: Direction::Ascending, limit: 100 }
    }
}

impl LogQuery {
    /// Only events after this position.
    ///
    /// ```
    /// # use flux_server::{Error, LogQuery, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let events = store.events(LogQuery::default().after(1)).await?.documents;
    /// assert_eq!(events[0].event_type, "answered");
    /// # Ok(())
    /// # }
    /// ```
    pub const fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// Only events of this type.
    ///
    /// ```
    /// # use flux_server::{Error, LogQuery, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let events = store.events(LogQuery::default().event_type("rung")).await?.documents;
    /// assert_eq!(events.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event_type = Some(event_type.into());
        self
    }

    /// The last ones first.
    ///
    /// ```
    /// # use flux_server::{Error, LogQuery, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let events = store.events(LogQuery::default().descending()).await?.documents;
    /// assert_eq!(events[0].event_type, "answered");
    /// # Ok(())
    /// # }
    /// ```
    pub const fn descending(mut self) -> Self {
        self.direction = Direction::Descending;
        self
    }

    /// At most this many; 100 unless told.
    ///
    /// ```
    /// # use flux_server::{Error, LogQuery, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch_all(&[Action::new("rung"), Action::new("answered")]).await?;
    /// let events = store.events(LogQuery::default().limit(1)).await?.documents;
    /// assert_eq!(events.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
}

impl From<LogQuery> for LogRange {
    fn from(query: LogQuery) -> Self {
        Self {
            after: query.after,
            event_type: query.event_type,
            direction: query.direction,
            limit: query.limit,
        }
    }
}
