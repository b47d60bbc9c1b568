//! Queries of the log.

use std::ops::ControlFlow;

use flux_reducers::{Direction, Document as _, Filter, Position, Query, RecordedEvent, Row};

use crate::backend::Backend;
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::{reading, replay, size};

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
    after: Checkpoint,
    event_type: Option<String>,
    direction: Direction,
    limit: u64,
}

impl Default for LogQuery {
    /// The first 100 events.
    fn default() -> Self {
        Self {
            after: Checkpoint::default(),
            event_type: None,
            direction: Direction::Ascending,
            limit: 100,
        }
    }
}

impl LogQuery {
    /// Only events after this position, or after this checkpoint.
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
    pub fn after(mut self, place: impl Into<Checkpoint>) -> Self {
        self.after = place.into();
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

    /// Returns the place after which it begins.
    pub(crate) const fn place(&self) -> Checkpoint {
        self.after
    }

    /// Returns it as a query of the collection `events`.
    pub(crate) fn to_query(&self) -> Query {
        let after = Filter::gt("position", self.after.position);
        let of_type = self.event_type.as_deref().map(|it| Filter::eq("type", it));
        let all = Filter::And(std::iter::once(after).chain(of_type).collect());
        Query::from(all).order_by("position", self.direction).limit(self.limit)
    }

    /// Reads the events; no more than about so many bytes of them, but at least one.
    pub(crate) async fn read(
        &self,
        backend: &dyn Backend,
        bytes_max: usize,
    ) -> Result<(Checkpoint, Vec<RecordedEvent>), Error> {
        let schema = RecordedEvent::SCHEMA;
        let queries = [(schema, self.to_query().plan(schema).map_err(Error::Query)?)];
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let end = reading::read(backend, &queries, |_, more| {
            bytes += more.iter().map(size::of_row).sum::<usize>();
            rows.extend(more);
            if bytes < bytes_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let end = end.await?;
        let events = rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        self.check_dense(end.position, &events)?;
        Ok((end, events))
    }

    /// Makes sure that no event is missing among those that were read.
    fn check_dense(&self, end: Position, events: &[RecordedEvent]) -> Result<(), Error> {
        if self.event_type.is_some() {
            return Ok(());
        }
        let (mut next, step) = match self.direction {
            Direction::Ascending => (self.after.position + 1, 1),
            Direction::Descending => (end, -1),
        };
        for event in events {
            if event.position != next {
                return Err(replay::missing(next));
            }
            next += step;
        }
        Ok(())
    }
}

/// Reads an event of the log from its row.
pub(crate) fn event(row: &Row) -> Result<RecordedEvent, Error> {
    RecordedEvent::from_row(row)
        .map_err(|error| Error::Damaged(format!("an event of the log: {error}")))
}
