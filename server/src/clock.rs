//! The time, the one thing besides ids that the store adds to events.

use std::time::SystemTime;

use flux_reducers::Timestamp;

/// Returns the time, to the millisecond.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let milliseconds = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_milliseconds(milliseconds).unwrap_or(Timestamp::MAX)
}
