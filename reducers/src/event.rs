//! Typed events: a serde enum whose variants are the event types.

use alloc::string::ToString;

use serde::Serialize;
use uuid::Uuid;

use crate::action::{Action, Position};
use crate::incoming::{self, Incoming};
use crate::json::Json;
use crate::rejection::{Rejection, code};
use crate::shape::Shape;
use crate::timestamp::Timestamp;
use crate::version;

pub use by_serde::event_by_serde;

mod by_serde;

/// What a reducer takes: an enum of event types, tagged as a Flux Standard Action is. Derive it.
///
/// ```
/// use flux_reducers::{Action, Event};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum NoteEvent {
///     NoteRemoved { id: i64 },
/// }
///
/// let action = NoteEvent::NoteRemoved { id: 7 }.to_action()?;
/// let json = r#"{"type":"noteRemoved","payload":{"id":7}}"#;
/// assert_eq!(serde_json::to_string(&action).unwrap(), json);
/// assert_eq!(NoteEvent::from_action(&action)?, Some(NoteEvent::NoteRemoved { id: 7 }));
/// assert_eq!(NoteEvent::from_action(&Action::new("somethingElse"))?, None);
/// # Ok::<(), flux_reducers::Rejection>(())
/// ```
///
/// # Versions
/// A variant says that its payload has had other shapes before. Then its actions have a `version`
/// in their `meta`, here and in the package that `reduxify!` makes; without one it is 1.
///
/// ```
/// use flux_reducers::{Action, Event, code};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum NoteEvent {
///     #[event(version = 2)]
///     NoteAdded { id: i64, title: String },
///     NoteRemoved { id: i64 },
/// }
///
/// let action = NoteEvent::NoteAdded { id: 7, title: "Milk".into() }.to_action()?;
/// assert_eq!(action.meta.as_ref().unwrap().to_string(), r#"{"version":2}"#);
/// let newer = action.with_meta("version", 3);
/// assert_eq!(NoteEvent::from_action(&newer).unwrap_err().code(), code::UNKNOWN_VERSION);
/// # Ok::<(), flux_reducers::Rejection>(())
/// ```
///
/// An event of an older version is read as the newest by [`Upcasts`](crate::Upcasts); where none
/// reads it, its payload is read as it is. One of a newer version is rejected: what it means is not
/// known here. An enum without the attribute does not look at `meta.version`; `version = 1` on a
/// variant makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no event",
    note = "add `#[derive(Serialize, Deserialize, Event)]` and \
            `#[serde(tag = \"type\", content = \"payload\")]` to the enum"
)]
pub trait Event: Sized {
    /// The event types it knows; `None` where it takes every type.
    const VARIANTS: Option<&'static [Variant]>;

    /// Reads the event from an action; `None` where its type is not one of these.
    ///
    /// # Errors
    /// A rejection `invalid_payload` that names the field, where the type is one of these and the
    /// payload is not as it should be.
    fn from_action(action: &Action) -> Result<Option<Self>, Rejection>;

    /// Returns the event as an action.
    ///
    /// # Errors
    /// A rejection `invalid_payload` where the payload can't be JSON.
    fn to_action(&self) -> Result<Action, Rejection>;

    /// The names of its types without their shapes, which a package has no use for; none where any
    /// type may be one of them.
    #[doc(hidden)]
    const TYPES: &'static [&'static str] = &[];

    /// For each of its types, the members that are read of a payload, in this order; none where it
    /// is read as JSON.
    #[doc(hidden)]
    const RECORDS: &'static [Option<&'static [&'static str]>] = &[];

    /// Reads the event from an action where it lies.
    #[doc(hidden)]
    fn from_incoming(incoming: &dyn Incoming) -> Result<Option<Self>, Rejection> {
        match incoming.as_action() {
            Some(action) => Self::from_action(action),
            None => Self::from_action(&incoming::to_action(incoming)?),
        }
    }
}

/// One event type.
///
/// ```
/// # use flux_reducers::*;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, Event)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum DoorEvent {
///     DoorOpened,
/// }
///
/// let known = DoorEvent::VARIANTS.unwrap();
/// assert_eq!((known[0].event_type, known[0].payload), ("doorOpened", None));
/// assert_eq!(known[0].version, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The type's name in JSON.
    pub event_type: &'static str,
    /// What its payload looks like, if it has one.
    pub payload: Option<Shape>,
    /// The version of this shape: 1 where no other is said.
    pub version: u32,
}

/// An event with what is known of its record: for reducers that need the time or the user.
///
/// Before a store has recorded it (in a browser, say), id, timestamp and position may be missing.
///
/// ```
/// # use flux_reducers::{Collection, Document, Event, Reduction, Stamped, Timestamp};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, seen: Option<Timestamp> }
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteSeen { id: i64 } }
/// fn notes(notes: &Collection<Note>, stamped: &Stamped<NoteEvent>) -> Reduction {
///     match &stamped.event {
///         NoteEvent::NoteSeen { id } => {
///             Ok(notes.update_by_id(id, Note::patch().seen(stamped.timestamp)))
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<E> {
    /// The event.
    pub event: E,
    /// The event's id.
    pub id: Option<Uuid>,
    /// When it was recorded.
    pub timestamp: Option<Timestamp>,
    /// What is not part of the facts, such as the `user`.
    pub meta: Option<Json>,
    /// Its place in the log.
    pub position: Option<Position>,
}

impl<E: Event> Event for Stamped<E> {
    const VARIANTS: Option<&'static [Variant]> = E::VARIANTS;
    const TYPES: &'static [&'static str] = E::TYPES;
    const RECORDS: &'static [Option<&'static [&'static str]>] = E::RECORDS;

    fn from_action(action: &Action) -> Result<Option<Self>, Rejection> {
        Self::from_incoming(action)
    }

    fn from_incoming(incoming: &dyn Incoming) -> Result<Option<Self>, Rejection> {
        let Some(event) = E::from_incoming(incoming)? else {
            return Ok(None);
        };
        let record = incoming::without_payload(incoming)?;
        Ok(Some(Self {
            event,
            id: record.id,
            timestamp: record.timestamp,
            meta: record.meta,
            position: record.position,
        }))
    }

    fn to_action(&self) -> Result<Action, Rejection> {
        let event = self.event.to_action()?;
        // The shape is that of the event, whatever was read.
        let version = version::of_action(&event);
        let action = Action {
            id: self.id,
            timestamp: self.timestamp,
            meta: self.meta.clone(),
            position: self.position,
            ..event
        };
        Ok(if version > 1 { version::stamped(action, version) } else { action })
    }
}

/// Every event, as it is.
impl Event for Action {
    const VARIANTS: Option<&'static [Variant]> = None;

    fn from_action(action: &Action) -> Result<Option<Self>, Rejection> {
        Ok(Some(action.clone()))
    }

    fn to_action(&self) -> Result<Action, Rejection> {
        Ok(self.clone())
    }
}

/// What the derived `to_action` does.
#[doc(hidden)]
pub fn event_to_action<E: Serialize>(event: &E) -> Result<Action, Rejection> {
    let action = serde_json::to_value(event).and_then(serde_json::from_value);
    action.map_err(|error| Rejection::new(code::INVALID_PAYLOAD, error.to_string()))
}
