//! The log: its head, its events by position and by id.

use std::collections::HashMap;
use std::sync::Arc;

use flux_reducers::{Document as _, RecordedEvent, Row, Schema, Uuid, Value};
use sqlx::QueryBuilder;

use super::dialect::{Dialect, INTEGER, TIMESTAMP};
use super::tables::Tables;
use super::{Head, documents};
use crate::checkpoint::Checkpoint;
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
    let sql = format!("SELECT {position}, {timestamp} FROM {table} WHERE id = 1{lock}");
    let row = only_row::<D>(connection, sql).await?;
    let read = || Ok((D::value(&row, 0, &INTEGER)?, D::value(&row, 1, &TIMESTAMP)?));
    match read().map_err(Error::database("reading the head"))? {
        (Value::Integer(position), Value::Timestamp(timestamp)) => Ok(Head { position, timestamp }),
        _ => Err(Error::Damaged("`flux_head` holds no position".to_owned())),
    }
}

/// Reads where the log ends.
pub(super) async fn checkpoint<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<Checkpoint, Error> {
    let (head, events) = (tables.quoted::<D>("flux_head"), tables.quoted::<D>(SCHEMA.collection));
    let (position, id) = (D::quoted("position"), D::quoted(SCHEMA.id_field().name));
    let sql = format!(
        "SELECT head.{position}, event.{id} FROM {head} head \
         LEFT JOIN {events} event ON event.{position} = head.{position} WHERE head.id = 1"
    );
    let row = only_row::<D>(connection, sql).await?;
    let read = || Ok((D::value(&row, 0, &INTEGER)?, D::value(&row, 1, SCHEMA.id_field())?));
    match read().map_err(Error::database("reading the head"))? {
        (Value::Integer(position), Value::Uuid(id)) => {
            Ok(Checkpoint { position, event_id: Some(id) })
        }
        (Value::Integer(0), _) => Ok(Checkpoint::default()),
        _ => Err(Error::Damaged("`flux_head` has no event of the log".to_owned())),
    }
}

async fn only_row<D: Dialect>(
    connection: &mut D::Connection,
    sql: String,
) -> Result<D::Row, Error> {
    let rows = D::fetch(connection, QueryBuilder::new(sql)).await;
    let rows = rows.map_err(Error::database("reading the head"))?;
    rows.into_iter().next().ok_or_else(|| Error::Damaged("`flux_head` is empty".to_owned()))
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
