//! The log: its head, its events by position and by id.

use std::collections::HashMap;
use std::sync::Arc;

use flux_reducers::{Document as _, RecordedEvent, Row, Schema, Uuid, Value};
use sqlx::QueryBuilder;

use super::dialect::{Dialect, INTEGER, TIMESTAMP};
use super::tables::Tables;
use super::{Head, documents};
use crate::error::Error;
use crate::log::event;

pub(super) const SCHEMA: &Schema = RecordedEvent::SCHEMA;

/// Reads the head; in a write transaction it is the first thing to do, and holds off others.
pub(super) async fn head<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    lock: &str,
) -> Result<Head, Error> {
    let table = tables.quoted::<D>("flux_head");
    let (position, timestamp) = (D::quoted("position"), D::quoted("timestamp"));
    let columns = format!("{position}, {timestamp}, event_id, generation");
    let sql = format!("SELECT {columns} FROM {table} WHERE id = 1{lock}");
    let rows = D::fetch(connection, QueryBuilder::new(sql)).await;
    let rows = rows.map_err(Error::database("reading the head"))?;
    let row = rows.first().ok_or_else(|| Error::Damaged("`flux_head` is empty".to_owned()))?;
    let read = || {
        let event_id = D::value(row, 2, SCHEMA.id_field())?;
        let generation = D::value(row, 3, &INTEGER)?;
        Ok((D::value(row, 0, &INTEGER)?, D::value(row, 1, &TIMESTAMP)?, event_id, generation))
    };
    match read().map_err(Error::database("reading the head"))? {
        (
            Value::Integer(position),
            Value::Timestamp(timestamp),
            event_id,
            Value::Integer(generation),
        ) => {
            let event_id = if let Value::Uuid(id) = event_id { Some(id) } else { None };
            Ok(Head { position, timestamp, event_id, generation })
        }
        _ => Err(Error::Damaged("`flux_head` holds no position".to_owned())),
    }
}

/// Returns events as rows of the log.
pub(super) fn rows(events: &[Arc<RecordedEvent>]) -> Result<Vec<Row>, Error> {
    let rows = events.iter().map(|event| SCHEMA.row_from_fields(&event.to_fields()));
    rows.collect::<Result<_, _>>()
        .map_err(|rejection| Error::Damaged(format!("an event of the batch: {rejection}")))
}

pub(super) async fn by_id<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
    let ids = ids.iter().map(|id| Value::Uuid(*id));
    let rows = documents::by_id::<D>(connection, tables, SCHEMA, ids).await?;
    rows.iter().map(|row| event(row).map(|event| (event.id, event))).collect()
}
