//! A Redux action as the action that reducers take.
//!
//! Members that no Flux Standard Action has are left alone: middleware may have put them there.

use flux_reducers::{Action, Json, Rejection, code as core_code};
use wasm_bindgen::prelude::JsValue;

use crate::error::{Problem, code};
use crate::javascript::{Threw, WORDS, Words, member};
use crate::json;

/// Returns an action's type.
pub(crate) fn event_type(action: &JsValue) -> Result<String, Rejection> {
    let refuse = |found: &str| {
        Rejection::new(
            code::INVALID_ACTION,
            format!(
                "expected an action, {{ type: \"noteAdded\", payload: .. }}, found {found}; did you \
                 dispatch an action creator without calling it?"
            ),
        )
    };
    if !action.is_object() {
        return Err(refuse("no object"));
    }
    let found = WORDS.with(|words| member(action, &words.event_type));
    match found {
        Ok(found) if found.is_undefined() => Err(refuse("an object without a `type`")),
        Ok(found) => match json::text(&found) {
            Ok(Some(event_type)) => Ok(event_type),
            Ok(None) => Err(refuse("a `type` that is no text")),
            Err(problem) => {
                Err(problem.into_rejection(code::INVALID_ACTION, "the action's `type`"))
            }
        },
        Err(Threw) => Err(refuse("an object that throws an error when its `type` is read")),
    }
}

/// Reads an action of this type.
pub(crate) fn decode(action: &JsValue, event_type: String) -> Result<Action, Rejection> {
    let payload = payload(action, &event_type)?;
    let parts = WORDS.with(|words| decode_parts(action, words));
    let parts = parts.map_err(|problem| {
        problem.into_rejection(code::INVALID_ACTION, &format!("the action `{event_type}` is wrong"))
    })?;
    Ok(Action { event_type, payload, ..parts })
}

/// Returns an action's payload.
pub(crate) fn payload(action: &JsValue, event_type: &str) -> Result<Option<Json>, Rejection> {
    let payload = WORDS.with(|words| member(action, &words.payload)).map_err(Problem::from);
    let payload = payload.and_then(|payload| json::decode(&payload)).map_err(|problem| {
        let what = format!("the payload of `{event_type}` is wrong");
        problem.into_rejection(core_code::INVALID_PAYLOAD, &what)
    })?;
    Ok(payload.filter(|payload| !payload.is_null()).map(Json::new))
}

fn decode_parts(action: &JsValue, words: &Words) -> Result<Action, Problem> {
    Ok(Action {
        id: parsed(action, &words.id, "id", "a UUID")?,
        timestamp: parsed(
            action,
            &words.timestamp,
            "timestamp",
            "a UTC timestamp such as `2016-09-26T20:32:46.588Z`",
        )?,
        meta: part(action, &words.meta, "meta", "an object such as { user: \"ann\" }", |value| {
            let meta = json::decode(value)?.filter(serde_json::Value::is_object);
            Ok(meta.map(Json::new))
        })?,
        error: part(action, &words.error, "error", "true or false", |value| Ok(value.as_bool()))?,
        position: part(action, &words.position, "position", "an integer", |value| {
            Ok(value.as_f64().and_then(json::safe_integer))
        })?,
        ..Action::default()
    })
}

fn parsed<T: core::str::FromStr>(
    action: &JsValue,
    js_name: &JsValue,
    name: &str,
    expected: &str,
) -> Result<Option<T>, Problem> {
    part(action, js_name, name, expected, |value| {
        Ok(json::text(value)?.and_then(|text| text.parse().ok()))
    })
}

/// Reads a member that may be missing.
fn part<T>(
    action: &JsValue,
    js_name: &JsValue,
    name: &str,
    expected: &str,
    read: impl Fn(&JsValue) -> Result<Option<T>, Problem>,
) -> Result<Option<T>, Problem> {
    let value = member(action, js_name).map_err(|threw| Problem::from(threw).in_member(name))?;
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    match read(&value) {
        Ok(Some(part)) => Ok(Some(part)),
        Ok(None) => Err(Problem::new(format!("expected {expected}")).in_member(name)),
        Err(problem) => Err(problem.in_member(name)),
    }
}
