//! Events that are read by serde: those with attributes of serde's that the derive leaves to it.

use alloc::string::ToString;

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde_path_to_error::Track;

use super::{Event, Variant};
use crate::action::Action;
use crate::incoming::{self, Incoming, invalid_payload};
use crate::json;
use crate::rejection::Rejection;

/// Reads type and payload in place.
#[doc(hidden)]
pub fn event_by_serde<E: Event + DeserializeOwned>(
    incoming: &dyn Incoming,
) -> Result<Option<E>, Rejection> {
    let is_known = |variants: &[Variant]| {
        variants.iter().any(|variant| variant.event_type == incoming.event_type())
    };
    if !E::VARIANTS.is_none_or(is_known) {
        return Ok(None);
    }
    let action = incoming::to_action(incoming)?;
    let mut track = Track::new();
    E::deserialize(Parts { action: &action, next: Part::Type, track: &mut track })
        .map(Some)
        .map_err(|error| {
            let misfit = json::misfit(&error.to_string(), &track.path());
            invalid_payload(&action.event_type, misfit)
        })
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
