//! The history of documents: which event changed which, and what it was before.

use flux_reducers::{
    Change, Delta, Document, Json, KEY_CHARACTERS_MAX, Position, Row, Schema, Uuid, Value,
};

use super::{Write, events, own};
use crate::error::Error;

/// One document changed by one event.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "history")]
pub(crate) struct Changed {
    /// See [`key`].
    pub(crate) id: String,
    #[document(index)]
    pub(crate) position: Position,
    pub(crate) collection: String,
    /// The document's id, in JSON.
    pub(crate) document: Json,
    /// The document before, if it was there. What it was after is said by the next change of it, or
    /// by the document itself.
    pub(crate) before: Option<Json>,
}

pub(crate) const SCHEMA: &Schema = &own::schema("flux_history", Changed::SCHEMA);

/// Digits of a position, so that text has the order of numbers.
const POSITION_DIGITS: usize = 19;

/// Returns the key of a change: those of one document are side by side, in the order of time.
pub(crate) fn key(collection: &str, document: &Value, position: Position) -> String {
    let document = match document.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let room = KEY_CHARACTERS_MAX - POSITION_DIGITS - collection.len() - 2;
    let document = if document.chars().count() <= room {
        document
    } else {
        format!("#{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, document.as_bytes()))
    };
    format!("{collection}/{document}/{position:0POSITION_DIGITS$}")
}

/// Returns what events changed as rows of the history.
pub(super) fn rows(write: &Write<'_>) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (event, delta) in write.events.iter().zip(write.deltas) {
        rows.extend(rows_of(event.position, delta, |name| write.schemas.get(name).copied())?);
    }
    Ok(rows)
}

/// Returns what one event changed as rows of the history.
pub(crate) fn rows_of(
    position: Position,
    delta: &Delta,
    schema: impl Fn(&str) -> Option<&'static Schema>,
) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (collection, changes) in delta.collections() {
        // The log is its own history.
        if let Some(schema) = schema(collection).filter(|schema| !events::is_log(schema)) {
            let changed = changes.iter().map(|(id, change)| row(position, schema, id, change));
            rows.extend(changed.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(rows)
}

fn row(
    position: Position,
    schema: &'static Schema,
    document: &Value,
    change: &Change,
) -> Result<Row, Error> {
    let before = change.before.as_ref().map(|row| serde_json::to_value(schema.named(row)));
    let before = before.transpose().map_err(|error| damaged(&error))?;
    let changed = Changed {
        id: key(schema.collection, document, position),
        position,
        collection: schema.collection.to_owned(),
        document: Json::new(document.to_json()),
        before: before.map(Json::new),
    };
    SCHEMA.row_from_fields(&changed.to_fields()).map_err(|error| damaged(&error))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::Damaged(format!("what an event changed can't be kept: {error}"))
}
