//! A Redux action as the action that reducers take.
//!
//! Members that no Flux Standard Action has are left alone: middleware may have put them there.

use flux_reducers::{Action, Json, Rejection, code as core_code};
use serde_json::Value as JsonValue;

use crate::bytes::{Reader, lone_surrogate};
use crate::error::{Problem, code};

/// Why an action has no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untyped {
    NoObject,
    NoType,
    NoText,
    LoneSurrogate,
    Threw,
}

impl From<Untyped> for Rejection {
    fn from(reason: Untyped) -> Self {
        let found = match reason {
            Untyped::NoObject => "no object",
            Untyped::NoType => "an object without a `type`",
            Untyped::NoText => "a `type` that is no text",
            Untyped::Threw => "an object that throws an error when its `type` is read",
            Untyped::LoneSurrogate => {
                return lone_surrogate()
                    .into_rejection(code::INVALID_ACTION, "the action's `type`");
            }
        };
        Self::new(
            code::INVALID_ACTION,
            format!(
                "expected an action, {{ type: \"noteAdded\", payload: .. }}, found {found}; did you \
                 dispatch an action creator without calling it?"
            ),
        )
    }
}

/// Reads an action: its type, then the members in their order.
pub(crate) fn read(reader: &mut Reader) -> Result<Action, Rejection> {
    let Ok(Some(JsonValue::String(event_type))) = reader.json() else {
        return Err(Untyped::NoText.into());
    };
    let payload = reader.json().map_err(|problem| {
        let what = format!("the payload of `{event_type}` is wrong");
        problem.into_rejection(core_code::INVALID_PAYLOAD, &what)
    })?;
    let payload = payload.filter(|payload| !payload.is_null()).map(Json::new);
    let rest = read_rest(reader).map_err(|problem| {
        problem.into_rejection(code::INVALID_ACTION, &format!("the action `{event_type}` is wrong"))
    })?;
    Ok(Action { event_type, payload, ..rest })
}

fn read_rest(reader: &mut Reader) -> Result<Action, Problem> {
    const TIMESTAMP: &str = "a UTC timestamp such as `2016-09-26T20:32:46.588Z`";
    let parsed = |value: JsonValue| value.as_str().map(str::to_owned);
    Ok(Action {
        id: member(reader, "id", "a UUID", |value| parsed(value)?.parse().ok())?,
        timestamp: member(reader, "timestamp", TIMESTAMP, |value| parsed(value)?.parse().ok())?,
        meta: member(reader, "meta", "an object such as { user: \"ann\" }", |value| {
            value.is_object().then(|| Json::new(value))
        })?,
        error: member(reader, "error", "true or false", |value| value.as_bool())?,
        position: member(reader, "position", "an integer", |value| value.as_i64())?,
        ..Action::default()
    })
}

/// Reads a member that may be missing.
fn member<T>(
    reader: &mut Reader,
    name: &str,
    expected: &str,
    read: impl FnOnce(JsonValue) -> Option<T>,
) -> Result<Option<T>, Problem> {
    match reader.json().map_err(|problem| problem.in_member(name))? {
        None | Some(JsonValue::Null) => Ok(None),
        Some(value) => match read(value) {
            Some(part) => Ok(Some(part)),
            None => Err(Problem::new(format!("expected {expected}")).in_member(name)),
        },
    }
}
