//! The notes sample: what a note is, what can happen to it, and what that means.

#![no_std]
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "the names of the fields and events say it")]

extern crate alloc;

use alloc::string::String;

use flux_reducers::{Collection, Document, Event, Reduction, Timestamp, Uuid};
use serde::{Deserialize, Serialize};

// ANCHOR: model
/// A note.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "notes")]
#[serde(rename_all = "camelCase")]
pub struct Note {
    pub id: Uuid,
    pub title: String,
    pub text: String,
    #[document(index)]
    pub created_at: Timestamp,
}

/// What can happen to notes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NoteEvent {
    NoteAdded { id: Uuid, title: String, text: String, created_at: Timestamp },
    NoteTitleEdited { id: Uuid, title: String },
    NoteContentEdited { id: Uuid, text: String },
    NoteRemoved { id: Uuid },
}
// ANCHOR_END: model

// ANCHOR: reducer
/// What an event changes in the notes.
pub fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    use NoteEvent::{NoteAdded, NoteContentEdited, NoteRemoved, NoteTitleEdited};
    Ok(match event.clone() {
        NoteAdded { id, title, text, created_at } => {
            notes.create(Note { id, title, text, created_at })
        }
        NoteTitleEdited { id, title } => notes.update_by_id(id, Note::patch().title(title)),
        NoteContentEdited { id, text } => notes.update_by_id(id, Note::patch().text(text)),
        NoteRemoved { id } => notes.destroy_by_id(id),
    })
}
// ANCHOR_END: reducer
