//! The reducer and what the callers dispatch.

use std::sync::Arc;

use flux_server::reducers::{Action, Collection, Document, Event, Reduction, Uuid};
use serde::{Deserialize, Serialize};

#[derive(Clone, Document)]
#[document(collection = "notes")]
pub(crate) struct Note {
    id: Uuid,
    title: Arc<str>,
    text: Arc<str>,
    color: Option<Arc<str>>,
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[allow(clippy::enum_variant_names, reason = "the names of the events")]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub(crate) enum NoteEvent {
    NoteAdded { id: Uuid, title: Arc<str>, text: Arc<str>, color: Option<Arc<str>> },
    NoteTitleEdited { id: Uuid, title: Arc<str> },
    NoteRemoved { id: Uuid },
}

pub(crate) fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    Ok(match event.clone() {
        NoteEvent::NoteAdded { id, title, text, color } => {
            notes.create(Note { id, title, text, color })
        }
        NoteEvent::NoteTitleEdited { id, title } => {
            notes.update_by_id(id, Note::patch().title(title))
        }
        NoteEvent::NoteRemoved { id } => notes.destroy_by_id(id),
    })
}

/// What the callers do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// 70 % create, 20 % update, 10 % remove, of a caller's own notes.
    Mixed,
    /// Everybody updates this one note.
    Hot(Uuid),
    /// Each updates one note of its own.
    Own,
}

/// One caller, and where it is in its round of ten.
pub(crate) struct Caller {
    workload: Workload,
    round: u32,
    note: Uuid,
}

impl Caller {
    pub(crate) fn new(workload: Workload) -> Self {
        Self { workload, round: 0, note: Uuid::now_v7() }
    }

    /// Returns its next action; every other one says who it is.
    pub(crate) fn next(&mut self) -> Action {
        self.round += 1;
        let action = self.event().to_action().unwrap();
        if self.round.is_multiple_of(2) { action.with_meta("user", "ann") } else { action }
    }

    fn event(&mut self) -> NoteEvent {
        let updated = match self.workload {
            Workload::Mixed => None,
            Workload::Hot(id) => Some(id),
            Workload::Own => (self.round > 1).then_some(self.note),
        };
        if let Some(id) = updated {
            return NoteEvent::NoteTitleEdited { id, title: format!("edit {}", self.round).into() };
        }
        match self.round % 10 {
            8 | 9 => NoteEvent::NoteTitleEdited { id: self.note, title: "edited".into() },
            0 => NoteEvent::NoteRemoved { id: self.note },
            _ => {
                self.note = Uuid::now_v7();
                added(self.note, self.round.is_multiple_of(3))
            }
        }
    }
}

/// A payload of about 150 bytes.
pub(crate) fn added(id: Uuid, has_color: bool) -> NoteEvent {
    let color = has_color.then(|| "green".into());
    NoteEvent::NoteAdded { id, title: "a title".into(), text: "x".repeat(70).into(), color }
}
