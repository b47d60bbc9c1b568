//! What was recorded last, for those who follow the log: the head, and the latest events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use flux_reducers::{Position, RecordedEvent};
use tokio::sync::watch;

use crate::lock::lock;
use crate::size;

/// Events kept in memory, so that followers who keep up never read the log.
const RECENT_EVENTS_MAX: usize = 4096;

/// About how many bytes of them: a few events may be large.
const RECENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The end of the log, as the writer tells it. The writer never waits for a follower.
#[derive(Debug)]
pub(crate) struct Feed {
    head: watch::Sender<Position>,
    /// The latest events without a gap. A std mutex: it is held for a few copies of pointers.
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// With about how many bytes each takes.
    events: VecDeque<(Arc<RecordedEvent>, usize)>,
    bytes: usize,
}

impl Feed {
    pub(crate) fn new(head: Position) -> Self {
        Self { head: watch::Sender::new(head), recent: Mutex::default() }
    }

    pub(crate) fn publish(&self, events: Vec<Arc<RecordedEvent>>) {
        let Some(head) = events.last().map(|event| event.position) else {
            return;
        };
        let mut recent = lock(&self.recent);
        let next = recent.events.back().map(|(event, _)| event.position + 1);
        if next.is_some_and(|next| events.first().is_some_and(|event| event.position != next)) {
            *recent = Recent::default();
        }
        for event in events {
            let bytes = size::of_event(&event);
            recent.bytes += bytes;
            recent.events.push_back((event, bytes));
        }
        while recent.events.len() > RECENT_EVENTS_MAX || recent.bytes > RECENT_BYTES_MAX {
            let Some((_, bytes)) = recent.events.pop_front() else { break };
            recent.bytes -= bytes;
        }
        drop(recent);
        self.advance(head);
    }

    /// Tells that the log ends here, also where another server wrote it: followers read it.
    pub(crate) fn advance(&self, head: Position) {
        self.head.send_if_modified(|known| {
            let is_further = head > *known;
            *known = head.max(*known);
            is_further
        });
    }

    pub(crate) fn head(&self) -> Position {
        *self.head.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// Returns the events after a position, if they are still in memory: at most so many, and so
    /// many bytes unless the first has more.
    pub(crate) fn after(
        &self,
        position: Position,
        events_max: usize,
        bytes_max: usize,
    ) -> Option<Vec<Arc<RecordedEvent>>> {
        let recent = lock(&self.recent);
        let first = recent.events.front()?.0.position;
        let skipped = usize::try_from((position + 1).checked_sub(first)?).ok()?;
        let mut bytes = 0;
        let next = recent.events.iter().skip(skipped).take(events_max).take_while(|(_, more)| {
            let is_within = bytes < bytes_max;
            bytes += more;
            is_within
        });
        let events: Vec<_> = next.map(|(event, _)| Arc::clone(event)).collect();
        // What another server wrote after these is in the log only.
        (!events.is_empty()).then_some(events)
    }
}
