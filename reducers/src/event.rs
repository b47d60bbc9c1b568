//! Typed events: a serde enum whose variants are the event types.

use alloc::string::ToString;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_path_to_error::Track;
use uuid::Uuid;

use crate::action::{Action, Position};
use crate::json::{Json, invalid_payload};
use crate::rejection::{Rejection, code};
use crate::shape::Shape;
use crate::timestamp::Timestamp;

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
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The type's name in JSON.
    pub event_type: &'static str,
    /// What its payload looks like, if it has one.
    pub payload: Option<Shape>,
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

    fn from_action(action: &Action) -> Result<Option<Self>, Rejection> {
        Ok(E::from_action(action)?.map(|event| Self {
            event,
            id: action.id,
            timestamp: action.timestamp,
            meta: action.meta.clone(),
            position: action.position,
        }))
    }

    fn to_action(&self) -> Result<Action, Rejection> {
        Ok(Action {
            id: self.id,
            timestamp: self.timestamp,
            meta: self.meta.clone(),
            position: self.position,
            ..self.event.to_action()?
        })
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

/// What the derived `from_action` does: serde reads type and payload in place.
#[doc(hidden)]
pub fn event_from_action<E: Event + DeserializeOwned>(
    action: &Action,
) -> Result<Option<E>, Rejection> {
    let is_known = |variants: &[Variant]| {
        variants.iter().any(|variant| variant.event_type == action.event_type)
    };
    if !E::VARIANTS.is_none_or(is_known) {
        return Ok(None);
    }
    let mut track = Track::new();
    E::deserialize(Parts { action, next: Part::Type, track: &mut track })
        .map(Some)
        .map_err(|error| invalid_payload(&action.event_type, &error.to_string(), &track.path()))
}

/// What the derived `to_action` does.
#[doc(hidden)]
pub fn event_to_action<E: Serialize>(event: &E) -> Result<Action, Rejection> {
    let action = serde_json::to_value(event).and_then(serde_json::from_value);
    action.map_err(|error| Rejection::new(code::INVALID_PAYLOAD, error.to_string()))
}

/// An action as the map that serde's derive expects of an adjacently tagged enum.
struct Parts<'a> {
    action: &'a Action,
    next: Part,
    track: &'a mut Track,
}

#[derive(Clone, Copy)]
enum Part {
    Type,
    Payload,
    End,
}

impl<'de> Deserializer<'de> for Parts<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de> MapAccess<'de> for Parts<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let name = match (self.next, &self.action.payload) {
            (Part::Type, _) => "type",
            (Part::Payload, Some(_)) => "payload",
            (Part::Payload, None) | (Part::End, _) => return Ok(None),
        };
        let name: StrDeserializer<'_, Self::Error> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        match (self.next, &self.action.payload) {
            (Part::Payload, Some(payload)) => {
                self.next = Part::End;
                seed.deserialize(serde_path_to_error::Deserializer::new(
                    payload.as_value(),
                    self.track,
                ))
            }
            _ => {
                self.next = Part::Payload;
                let name: StrDeserializer<'_, Self::Error> =
                    self.action.event_type.as_str().into_deserializer();
                seed.deserialize(name)
            }
        }
    }
}
