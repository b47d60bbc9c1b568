//! Turns a reducer over documents into a plain Redux reducer, in your own WebAssembly package.
//!
//! The whole source of such a package, a crate of the types `cdylib` and `rlib`:
//!
//! ```
//! # mod notes_reducers {
//! #     use flux_reducers::{Collection, Document, Event, Reduction};
//! #     use serde::{Deserialize, Serialize};
//! #     #[derive(Document)]
//! #     #[document(collection = "notes")]
//! #     pub struct Note { id: i64 }
//! #     #[derive(Serialize, Deserialize, Event)]
//! #     #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
//! #     pub enum NoteEvent { NoteAdded { id: i64 } }
//! #     pub fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
//! #         let NoteEvent::NoteAdded { id } = event;
//! #         Ok(notes.create(Note { id: *id }))
//! #     }
//! # }
//! flux_wasm::reduxify!(notes: notes_reducers::notes);
//! ```
//!
//! `wasm-pack build` makes the npm package of it, with TypeScript types for the documents, the
//! events and the state; it is used as `configureStore({ reducer: { notes } })`.
//!
//! # What it promises
//! - **JavaScript owns the documents.** WebAssembly keeps no copy: only the action, the documents
//!   that the reducer reads and those that it changes cross.
//! - **The state is plain, frozen data**: a B+ tree ordered by id, `{ version: 1, count, root }`.
//!   Any state works at any time, also an older one, an imported one, or one read from JSON.
//! - **Identity**: what does not change stays the same object; no change returns the same state.
//! - **It never throws.** A rejected event, a malformed action or a state that is none leaves the
//!   state as it is, and the listener of [`onRejected`](code) hears of it.
//!
//! What a changeset means is decided in `flux-reducers`, for this crate and for the server alike.

#![forbid(unsafe_code)]

mod action;
mod border;
mod bytes;
mod description;
mod documents;
mod error;
mod loaded;
mod number;
mod query;
mod reducer;
mod reduxify;
mod typescript;
mod writer;

pub use error::code;

/// What [`reduxify!`] needs. Not for use by hand, and not stable.
#[doc(hidden)]
pub mod __private {
    pub use crate::description::Events;
    pub use crate::error::on_rejected;
    pub use crate::query::{Queries, callable, query_types};
    pub use crate::reducer::{ReduxReducer, stamp_versions};
    pub use crate::typescript::{Text, collection_types, document_types, event_types, root_types};
    pub use flux_reducers::{Describe, Document, Event};
    pub use wasm_bindgen;
}
