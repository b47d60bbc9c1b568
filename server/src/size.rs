//! About how many bytes something takes: what queues, batches, statements and the working set are
//! bounded by.

use flux_reducers::{Action, Json, RecordedEvent, Row, Value};

/// What a value takes besides its text or bytes.
const OVERHEAD: usize = 32;

/// Returns about how many bytes an action takes.
pub(crate) fn of_action(action: &Action) -> usize {
    of_parts(&action.event_type, action.payload.as_ref(), action.meta.as_ref())
}

/// Returns about how many bytes a recorded event takes.
pub(crate) fn of_event(event: &RecordedEvent) -> usize {
    of_parts(&event.event_type, event.payload.as_ref(), event.meta.as_ref())
}

fn of_parts(event_type: &str, payload: Option<&Json>, meta: Option<&Json>) -> usize {
    let parts = payload.into_iter().chain(meta);
    OVERHEAD + event_type.len() + parts.map(|part| of_json(part.as_value())).sum::<usize>()
}

/// Returns about how many bytes a row takes.
pub(crate) fn of_row(row: &Row) -> usize {
    row.values().iter().map(of_value).sum()
}

/// Returns how many bytes a row takes where it is written: about, until it is many.
pub(crate) fn written(row: &Row) -> usize {
    let about = of_row(row);
    if about < EXACT_FROM {
        return about;
    }
    let exact = |value: &Value| match value {
        Value::Json(json) => json.to_string().len(),
        other => of_value(other),
    };
    row.values().iter().map(exact).sum()
}

/// From here on it is worth the time to count: what parsed JSON takes is more than its text.
const EXACT_FROM: usize = 1024 * 1024;

fn of_value(value: &Value) -> usize {
    OVERHEAD
        + match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Json(json) => of_json(json.as_value()),
            _ => 0,
        }
}

fn of_json(json: &serde_json::Value) -> usize {
    use serde_json::Value as J;
    OVERHEAD
        + match json {
            J::String(text) => text.len(),
            J::Array(items) => items.iter().map(of_json).sum(),
            J::Object(members) => {
                members.iter().map(|(name, value)| OVERHEAD + name.len() + of_json(value)).sum()
            }
            J::Null | J::Bool(_) | J::Number(_) => 0,
        }
}
