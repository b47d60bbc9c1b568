//! Events of the log, their texts side by side in one: many of them are few pieces of memory.

use std::ops::Range;

use flux_reducers::__private::EventText;
use flux_reducers::{Position, Timestamp, Uuid};

/// Some events, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct EventTexts {
    text: String,
    events: Vec<Located>,
}

/// An event, and where its texts are.
#[derive(Debug)]
struct Located {
    id: Uuid,
    timestamp: Timestamp,
    position: Position,
    error: Option<bool>,
    event_type: Range<usize>,
    payload: Option<Range<usize>>,
    meta: Option<Range<usize>>,
}

impl EventTexts {
    /// Makes room for so many events, and so many bytes of their texts.
    pub(super) fn with_capacity(events: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), events: Vec::with_capacity(events) }
    }

    pub(super) fn push(&mut self, event: EventText<'_>) {
        let mut add = |text: &str| {
            let begin = self.text.len();
            self.text.push_str(text);
            begin..self.text.len()
        };
        let EventText { id, timestamp, position, error, .. } = event;
        let event_type = add(event.event_type);
        let (payload, meta) = (event.payload.map(&mut add), event.meta.map(&mut add));
        self.events.push(Located { id, timestamp, position, error, event_type, payload, meta });
    }

    pub(super) const fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns how many bytes their texts have.
    pub(super) const fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = EventText<'_>> {
        self.events.iter().map(|it| EventText {
            id: it.id,
            timestamp: it.timestamp,
            event_type: &self.text[it.event_type.clone()],
            payload: it.payload.clone().map(|payload| &self.text[payload]),
            meta: it.meta.clone().map(|meta| &self.text[meta]),
            error: it.error,
            position: it.position,
        })
    }
}
