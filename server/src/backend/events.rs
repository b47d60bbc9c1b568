//! The log: its head, its events by position and by id.

use std::collections::HashMap;
use std::sync::Arc;

use flux_reducers::__private::EventText;
use flux_reducers::{Document as _, Position, RecordedEvent, Row, Schema, Uuid, Value};
use sqlx::QueryBuilder;
use tokio::sync::mpsc;

use super::connections::next_row;
use super::dialect::{Dialect, INTEGER, TIMESTAMP};
use super::event_texts::EventTexts;
use super::tables::Tables;
use super::{Head, documents};
use crate::error::Error;
use crate::log::event;

pub(super) const SCHEMA: &Schema = RecordedEvent::SCHEMA;

/// Whether it is the collection of the log.
pub(crate) fn is_log(schema: &Schema) -> bool {
    *schema == *SCHEMA
}

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
    let row = rows.first().ok_or_else(|| Error::beyond_rebuild("`flux_head` is empty"))?;
    let read = || {
        let event_id = D::value(row, 2, SCHEMA.id_field())?;
        let generation = D::value(row, 3, &INTEGER)?;
        Ok((D::value(row, 0, &INTEGER)?, D::value(row, 1, &TIMESTAMP)?, event_id, generation))
    };
    let told =
        read().map_err(|error: sqlx::Error| Error::beyond_rebuild(format!("`flux_head`: {error}")));
    match told? {
        (
            Value::Integer(position),
            Value::Timestamp(timestamp),
            event_id,
            Value::Integer(generation),
        ) => {
            let event_id = if let Value::Uuid(id) = event_id { Some(id) } else { None };
            Ok(Head { position, timestamp, event_id, generation })
        }
        _ => Err(Error::beyond_rebuild("`flux_head` holds no position")),
    }
}

/// Makes sure that the log goes no further than its head says: nothing could be recorded there.
pub(super) async fn check_end<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<(), Error> {
    let (log, head) = (tables.quoted::<D>(SCHEMA.collection), tables.quoted::<D>("flux_head"));
    let position = D::quoted("position");
    // One statement: others write meanwhile.
    let sql = format!(
        "SELECT {position} FROM {log} WHERE {position} > \
         (SELECT {position} FROM {head} WHERE id = 1) ORDER BY {position} DESC LIMIT 1"
    );
    let rows = D::fetch(connection, QueryBuilder::new(sql)).await;
    let last = rows.and_then(|rows| rows.first().map(|row| D::value(row, 0, &INTEGER)).transpose());
    match last.map_err(Error::database("reading the log"))? {
        Some(last) => Err(Error::beyond_rebuild(format!(
            "the log has an event at position {last}, beyond its end as `flux_head` tells it"
        ))),
        None => Ok(()),
    }
}

/// Makes sure that the log ends with the event that its head tells of: what is recorded next would
/// otherwise stand after a gap, or before it in time.
pub(super) async fn check_last<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<(), Error> {
    let (log, head) = (tables.quoted::<D>(SCHEMA.collection), tables.quoted::<D>("flux_head"));
    let (position, timestamp) = (D::quoted("position"), D::quoted("timestamp"));
    // One statement: others write meanwhile.
    let sql = format!(
        "SELECT head.{position} FROM {head} head LEFT JOIN {log} log \
         ON log.{position} = head.{position} AND log.{timestamp} = head.{timestamp} \
         AND log.id = head.event_id \
         WHERE head.id = 1 AND head.{position} > 0 AND log.id IS NULL"
    );
    let rows = D::fetch(connection, QueryBuilder::new(sql)).await;
    let told = rows.and_then(|rows| rows.first().map(|row| D::value(row, 0, &INTEGER)).transpose());
    match told.map_err(Error::database("reading the log"))? {
        Some(told) => Err(Error::beyond_rebuild(format!(
            "the log has no event at position {told}, or not the one that `flux_head` tells of"
        ))),
        None => Ok(()),
    }
}

/// Events that are handed on together, and bytes of their texts from which on fewer are.
const EVENTS_IN_PART: usize = 256;
const PART_BYTES: usize = 256 * 1024;

/// Hands on the events after a position, up to another one, as fast as they are taken.
pub(super) async fn texts<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    (after, to): (Position, Position),
    parts: &mpsc::Sender<EventTexts>,
) -> Result<bool, Error> {
    let mut sql = between::<D>(tables, after, to);
    let mut found = D::stream(connection, &mut sql);
    let empty = |bytes| EventTexts::with_capacity(EVENTS_IN_PART, bytes);
    let mut part = empty(0);
    loop {
        let next = next_row(&mut found).await;
        let Some(row) = next.map_err(Error::database("reading the log"))? else { break };
        let damaged =
            |error: sqlx::Error| documents::damaged::<D>(SCHEMA, &row, &error.to_string());
        part.push(text::<D>(&row).map_err(damaged)?);
        if part.len() == EVENTS_IN_PART || part.bytes() > PART_BYTES {
            let next = empty(part.bytes());
            if parts.send(std::mem::replace(&mut part, next)).await.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(part.len() == 0 || parts.send(part).await.is_ok())
}

/// Returns the events after a position, up to another one: a few.
pub(super) async fn few<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    (after, to): (Position, Position),
) -> Result<Vec<RecordedEvent>, Error> {
    let sql = between::<D>(tables, after, to);
    documents::fetch(connection, SCHEMA, sql).await?.iter().map(event).collect()
}

fn between<D: Dialect>(tables: &Tables, after: Position, to: Position) -> QueryBuilder<D> {
    let position = D::quoted("position");
    let mut sql = documents::select::<D>(tables, SCHEMA);
    sql.push(format_args!("{position} > "));
    D::push_value(&mut sql, &Value::Integer(after));
    sql.push(format_args!(" AND {position} <= "));
    D::push_value(&mut sql, &Value::Integer(to));
    sql.push(format_args!(" ORDER BY {position}"));
    sql
}

fn text<D: Dialect>(row: &D::Row) -> Result<EventText<'_>, sqlx::Error> {
    let value = |position| D::value(row, position, &SCHEMA.fields[position]);
    let text = |position| D::text(row, position);
    let (Value::Uuid(id), Value::Timestamp(timestamp), Value::Integer(position)) =
        (value(0)?, value(1)?, value(6)?)
    else {
        return Err(sqlx::Error::Decode("a column of the log is null".into()));
    };
    let error = if let Value::Bool(error) = value(5)? { Some(error) } else { None };
    let event_type = text(2)?.unwrap_or_default();
    let (payload, meta) = (text(3)?, text(4)?);
    Ok(EventText { id, timestamp, event_type, payload, meta, error, position })
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
