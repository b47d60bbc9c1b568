//! An action that is read where it lies: in memory, or in the bytes of a border.

use alloc::string::ToString as _;

use uuid::Uuid;

use crate::action::{Action, Position};
use crate::decode::{Decode, Decoder, Misfit};
use crate::json::{Json, JsonDecoder};
use crate::json_text::TextDecoder;
use crate::rejection::{Rejection, code};
use crate::timestamp::Timestamp;

/// A part of an action.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `payload`
    Payload,
    /// `id`
    Id,
    /// `timestamp`
    Timestamp,
    /// `meta`
    Meta,
    /// `error`
    Error,
    /// `position`
    Position,
}

/// An action from which events are read.
#[doc(hidden)]
pub trait Incoming {
    /// Returns its type.
    fn event_type(&self) -> &str;

    /// Reads a part of it.
    ///
    /// # Errors
    /// What the reader says.
    fn read(
        &self,
        part: Part,
        read: &mut dyn FnMut(&mut dyn Decoder) -> Result<(), Misfit>,
    ) -> Result<(), Misfit>;

    /// Returns the action, where it is one already.
    fn as_action(&self) -> Option<&Action> {
        None
    }
}

impl Incoming for Action {
    fn event_type(&self) -> &str {
        &self.event_type
    }

    fn read(
        &self,
        _: Part,
        read: &mut dyn FnMut(&mut dyn Decoder) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        // The other parts are typed already: whoever wants them asks for the action.
        read(&mut JsonDecoder::new(self.payload.as_ref()))
    }

    fn as_action(&self) -> Option<&Action> {
        Some(self)
    }
}

/// An event of the log whose JSON is still the text that the log holds.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventText<'a> {
    /// The event's id.
    pub id: Uuid,
    /// When it was recorded.
    pub timestamp: Timestamp,
    /// What happened.
    pub event_type: &'a str,
    /// The facts.
    pub payload: Option<&'a str>,
    /// What is not part of the facts.
    pub meta: Option<&'a str>,
    /// Whether it tells of an error.
    pub error: Option<bool>,
    /// Its place in the log.
    pub position: Position,
}

impl Incoming for EventText<'_> {
    fn event_type(&self) -> &str {
        self.event_type
    }

    fn read(
        &self,
        part: Part,
        read: &mut dyn FnMut(&mut dyn Decoder) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        let written;
        let mut decoder = match part {
            Part::Payload => TextDecoder::of_json(self.payload)?,
            Part::Meta => TextDecoder::of_json(self.meta)?,
            Part::Id => {
                written = self.id.to_string();
                TextDecoder::of_text(&written)
            }
            Part::Timestamp => {
                written = self.timestamp.to_string();
                TextDecoder::of_text(&written)
            }
            Part::Error => TextDecoder::of_bool(self.error),
            Part::Position => TextDecoder::of_integer(self.position),
        };
        read(&mut decoder)
    }
}

/// Reads the payload of an event.
///
/// # Errors
/// A rejection `invalid_payload` that names the field.
#[doc(hidden)]
pub fn read_payload<E>(
    incoming: &dyn Incoming,
    decode: fn(&mut dyn Decoder) -> Result<E, Misfit>,
) -> Result<Option<E>, Rejection> {
    let mut event = None;
    let read = incoming.read(Part::Payload, &mut |decoder| {
        event = Some(decode(decoder)?);
        Ok(())
    });
    match read {
        Ok(()) => Ok(event),
        Err(misfit) => Err(invalid_payload(incoming.event_type(), misfit)),
    }
}

/// Reads a part besides the payload; `None` where it is missing.
pub(crate) fn read_part<T: Decode>(
    incoming: &dyn Incoming,
    part: Part,
) -> Result<Option<T>, Rejection> {
    let mut value = None;
    let read = incoming.read(part, &mut |decoder| {
        if !decoder.is_absent() {
            value = Option::<T>::decode(decoder)?;
        }
        Ok(())
    });
    match read {
        Ok(()) => Ok(value),
        Err(misfit) => Err(invalid_payload(incoming.event_type(), misfit)),
    }
}

/// Returns it as an action, which holds its payload as JSON.
///
/// # Errors
/// A rejection where a part of it can't be read.
#[doc(hidden)]
pub fn to_action(incoming: &dyn Incoming) -> Result<Action, Rejection> {
    if let Some(action) = incoming.as_action() {
        return Ok(action.clone());
    }
    Ok(Action {
        payload: read_part::<Json>(incoming, Part::Payload)?,
        ..without_payload(incoming)?
    })
}

/// Returns what is known of the record of an event.
pub(crate) fn without_payload(incoming: &dyn Incoming) -> Result<Action, Rejection> {
    if let Some(action) = incoming.as_action() {
        return Ok(Action { payload: None, ..action.clone() });
    }
    Ok(Action {
        id: read_part(incoming, Part::Id)?,
        timestamp: read_part(incoming, Part::Timestamp)?,
        event_type: incoming.event_type().into(),
        payload: None,
        meta: read_part(incoming, Part::Meta)?,
        error: read_part(incoming, Part::Error)?,
        position: read_part(incoming, Part::Position)?,
    })
}

#[cold]
pub(crate) fn invalid_payload(event_type: &str, misfit: Misfit) -> Rejection {
    let what = ["the payload of `", event_type, "` is wrong"].concat();
    misfit.into_rejection(code::INVALID_PAYLOAD, &what)
}
