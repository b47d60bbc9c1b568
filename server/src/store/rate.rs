//! How many events there were, by time.

use std::collections::BTreeSet;

use flux_reducers::{Position, Timestamp};

use super::Store;
use crate::clock::now;
use crate::error::Error;

/// How long before its end a time begins that nobody has given, in a log without events.
const SPAN_MS: i64 = 60_000;

/// The events of a time that is cut into equal parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) from: Timestamp,
    /// No event of this time belongs to it any more.
    pub(crate) to: Timestamp,
    /// The last event before each part, and before `to`: the differences are how many there were.
    pub(crate) positions: Vec<Position>,
}

impl Store {
    /// Returns where the parts of a time are in the log. It begins with the first event and ends with
    /// the last one, unless told; what begins at a time ends now.
    pub(crate) async fn rate(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        parts: i64,
    ) -> Result<Rate, Error> {
        let head = self.position().await?;
        let ends = self.inner.backend.event_times(&BTreeSet::from([1, head])).await?;
        let last = ends.get(&head).copied();
        let end = || match (from, last) {
            (None, Some(last)) => last,
            (_, last) => now().max(last.unwrap_or(Timestamp::MIN)),
        };
        let to = to.unwrap_or_else(|| later(end(), 1));
        let from = from.or_else(|| ends.get(&1).copied()).unwrap_or_else(|| later(to, -SPAN_MS));
        let span = (to.as_milliseconds() - from.as_milliseconds()).max(0);
        let borders: Vec<_> = (0..=parts).map(|part| later(from, span * part / parts)).collect();
        let positions = self.last_where(&borders, head, |at, border| at < border).await?;
        Ok(Rate { from, to, positions })
    }
}

/// Returns the time so much later, within what a timestamp can be.
fn later(time: Timestamp, milliseconds: i64) -> Timestamp {
    let least = Timestamp::MIN.as_milliseconds();
    let later = time.as_milliseconds().saturating_add(milliseconds).max(least);
    Timestamp::from_milliseconds(later).unwrap_or(Timestamp::MAX)
}
