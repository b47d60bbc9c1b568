//! The version of an event's shape, which stands in `meta.version` and is 1 where it does not.

use serde_json::Value;

use crate::action::Action;
use crate::event::Variant;
use crate::incoming::{self, Incoming, Part};
use crate::json::Json;
use crate::rejection::{Rejection, code};

/// The member of an event's `meta` that says which version its payload has.
const VERSION: &str = "version";

/// Returns the version of an event that is read where it lies.
///
/// # Errors
/// A rejection where its `meta` can't be read.
pub(crate) fn of(incoming: &dyn Incoming) -> Result<u32, Rejection> {
    if let Some(action) = incoming.as_action() {
        return Ok(of_action(action));
    }
    let meta = incoming::read_part::<Json>(incoming, Part::Meta)?;
    Ok(number(meta.as_ref().and_then(|meta| meta.as_value().get(VERSION))))
}

/// Returns the version of an event.
pub(crate) fn of_action(action: &Action) -> u32 {
    number(action.meta(VERSION))
}

fn number(version: Option<&Value>) -> u32 {
    let version = version.and_then(Value::as_u64);
    version.map_or(1, |version| u32::try_from(version).unwrap_or(u32::MAX))
}

/// Says which version an action has; the first needs no word, unless there was another.
#[doc(hidden)]
#[must_use]
pub fn stamped(action: Action, version: u32) -> Action {
    if version > 1 || action.meta(VERSION).is_some() {
        action.with_meta(VERSION, i64::from(version))
    } else {
        action
    }
}

/// Makes sure that an event is of no newer version than its type has here.
///
/// # Errors
/// A rejection `unknown_version`.
#[doc(hidden)]
pub fn check_version(
    incoming: &dyn Incoming,
    variants: Option<&[Variant]>,
) -> Result<(), Rejection> {
    let event_type = incoming.event_type();
    let mut variants = variants.unwrap_or_default().iter();
    let Some(known) = variants.find(|variant| variant.event_type == event_type) else {
        return Ok(());
    };
    let version = of(incoming)?;
    if version <= known.version {
        return Ok(());
    }
    let message = alloc::format!(
        "`{event_type}` is of version {version}, and version {} is the newest known here: update \
         the reducers",
        known.version
    );
    Err(Rejection::new(code::UNKNOWN_VERSION, message).with_field("meta.version"))
}
