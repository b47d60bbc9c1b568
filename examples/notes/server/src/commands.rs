//! What the page asks for: commands, each turned into the event that happened.

use flux_server::Service;
use flux_server::reducers::Uuid;
use notes_reducers::NoteEvent::{NoteAdded, NoteContentEdited, NoteRemoved, NoteTitleEdited};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddNote {
    title: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditNoteTitle {
    id: Uuid,
    title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditNoteContent {
    id: Uuid,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveNote {
    id: Uuid,
}

/// Adds the commands on notes.
pub(crate) fn add_to(service: Service) -> Service {
    service
        .command("addNote", |AddNote { title, text }, context| {
            Ok(vec![NoteAdded { id: context.new_id(), title, text, created_at: context.now() }])
        })
        .command("editNoteTitle", |EditNoteTitle { id, title }, _| {
            Ok(vec![NoteTitleEdited { id, title }])
        })
        .command("editNoteContent", |EditNoteContent { id, text }, _| {
            Ok(vec![NoteContentEdited { id, text }])
        })
        .command("removeNote", |RemoveNote { id }, _| Ok(vec![NoteRemoved { id }]))
}
