//! Pure reducers over typed documents: `(collection, event) -> changeset`.
//!
//! The same code runs in the native store over a database and, compiled to WebAssembly, as a Redux
//! reducer in the browser. What a changeset means is decided here and nowhere else.
//!
//! ```
//! use flux_reducers::{Collection, Document, Event, Reduction, testing::given};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Document)]
//! #[document(collection = "notes")]
//! struct Note {
//!     id: i64,
//!     title: String,
//! }
//!
//! #[derive(Serialize, Deserialize, Event)]
//! #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
//! enum NoteEvent {
//!     NoteAdded { id: i64, title: String },
//!     NoteRemoved { id: i64 },
//! }
//! use NoteEvent::{NoteAdded, NoteRemoved};
//!
//! fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
//!     Ok(match event {
//!         NoteAdded { id, title } => notes.create(Note { id: *id, title: title.clone() }),
//!         NoteRemoved { id } => notes.destroy_by_id(id),
//!     })
//! }
//!
//! given(notes, [NoteAdded { id: 1, title: "Milk".into() }])
//!     .when(NoteRemoved { id: 1 })
//!     .then::<Note>([]);
//! ```
//!
//! # Words
//! - [`Event`]: what happened, a Flux Standard Action; untyped an [`Action`], in the log a
//!   [`RecordedEvent`].
//! - [`Document`]: a plain struct with an id, a member of one collection; its [`Schema`] is data.
//! - [`Changeset`]: an ordered list of [`Operation`]s, as data; [`Delta`]: a changeset resolved,
//!   which documents are now what, and which are gone.
//! - [`Reducer`]: a pure function over a [`Database`]; [`lift`] makes one of a function over one
//!   [`Collection`].
//! - [`Rejection`]: an event refused, with a stable code; [`Fault`]: a read of what a partial
//!   database does not hold.
//!
//! # What it does not do
//! No input or output, no clock, no randomness, no hash order, no panics: ids and times come in
//! the event, and the same events give the same documents everywhere. The crate is `no_std`.
//!
//! # Features
//! | name | default | what |
//! | --- | --- | --- |
//! | `testing` | no | [`testing`]: `given(..).when(..).then(..)` |

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod action;
mod changeset;
mod collection;
mod database;
mod decode;
mod delta;
mod document;
mod event;
mod fields;
mod filter;
mod halt;
mod incoming;
mod json;
mod json_text;
mod map;
mod query;
mod reducer;
mod rejection;
mod schema;
mod schema_spec;
mod shape;
#[cfg(feature = "testing")]
pub mod testing;
mod timestamp;
mod upcast;
mod value;
mod version;

pub use action::{Action, Position, RecordedEvent};
pub use changeset::{Changeset, Operation};
pub use collection::Collection;
pub use database::Database;
pub use delta::{Change, Delta};
pub use document::{Document, FieldType};
pub use event::{Event, Stamped, Variant};
pub use fields::Fields;
pub use filter::{Comparison, Condition, FILTER_DEPTH_MAX, FILTER_PARTS_MAX, Filter};
pub use flux_derive::{Describe, Document, Enumeration, Event};
pub use halt::{Fault, Halt, Wanted};
pub use json::Json;
pub use map::Changes;
pub use query::{Direction, Plan, Query};
pub use reducer::{Reducer, Reduction, aggregate_reducers, event_log_reducer, lift, root_reducer};
pub use rejection::{Rejection, code};
pub use schema::{
    FIELDS_MAX, Field, KEY_BYTES_MAX, KEY_CHARACTERS_MAX, KEYS_MAX, Kind, NamedRow,
    ORDER_BYTES_MAX, ORDER_CHARACTERS_MAX, Row, Schema, SchemaError,
};
pub use shape::{Describe, Property, Shape};
pub use timestamp::{Timestamp, TimestampError};
pub use upcast::Upcasts;
pub use uuid::Uuid;
pub use value::{Bytes, Float, Value, ValueError};

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
