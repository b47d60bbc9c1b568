//! The log: its head, its events by position and by id.

use std::collections::HashMap;
use std::sync::Arc;

use flux_reducers::{
    Comparison, Condition, Document as _, RecordedEvent, Row, Schema, Uuid, Value,
};
use sqlx::QueryBuilder;

use super::dialect::{Dialect, INTEGER, TIMESTAMP};
use super::tables::Tables;
use super::{Head, LogRange, documents};
use crate::error::Error;

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
    let rows = D::fetch(connection, QueryBuilder::new(sql)).await;
    let rows = rows.map_err(Error::database("reading the head"))?;
    let row = rows.first().ok_or_else(|| Error::Damaged("`flux_head` is empty".to_owned()))?;
    let read = || Ok((D::value(row, 0, &INTEGER)?, D::value(row, 1, &TIMESTAMP)?));
    match read().map_err(Error::database("reading the head"))? {
        (Value::Integer(position), Value::Timestamp(timestamp)) => Ok(Head { position, timestamp }),
        _ => Err(Error::Damaged("`flux_head` holds no position".to_owned())),
    }
}

pub(super) async fn move_head<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    head: Head,
) -> Result<(), Error> {
    let table = tables.quoted::<D>("flux_head");
    let mut sql = QueryBuilder::new(format!("UPDATE {table} SET {} = ", D::quoted("position")));
    D::push_value(&mut sql, &Value::Integer(head.position));
    sql.push(format_args!(", {} = ", D::quoted("timestamp")));
    D::push_value(&mut sql, &Value::Timestamp(head.timestamp));
    sql.push(" WHERE id = 1");
    D::execute(connection, sql).await.map(|_| ()).map_err(Error::database("moving the head"))
}

pub(super) async fn append<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    events: &[Arc<RecordedEvent>],
) -> Result<(), Error> {
    let rows = events.iter().map(|event| SCHEMA.row_from_fields(&event.to_fields()));
    let rows: Vec<Row> = rows
        .collect::<Result<_, _>>()
        .map_err(|rejection| Error::Damaged(format!("an event of the batch: {rejection}")))?;
    documents::insert::<D>(connection, tables, SCHEMA, &rows.iter().collect::<Vec<_>>()).await
}

pub(super) async fn range<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    range: &LogRange,
) -> Result<Vec<RecordedEvent>, Error> {
    let position = field("position");
    let after = Condition::Compare {
        field: position,
        comparison: Comparison::Gt,
        value: Value::Integer(range.after),
    };
    let of_type = range.event_type.as_deref();
    let of_type = of_type.map(|it| Condition::equal(field("type"), Value::from(it)));
    let condition = Condition::And(std::iter::once(after).chain(of_type).collect());
    let order = (position, range.direction);
    let rows =
        documents::range::<D>(connection, tables, SCHEMA, &condition, order, range.limit).await?;
    rows.iter().map(event).collect()
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

fn field(name: &str) -> usize {
    SCHEMA.fields.iter().position(|field| field.name == name).unwrap_or_default()
}

fn event(row: &Row) -> Result<RecordedEvent, Error> {
    RecordedEvent::from_row(row)
        .map_err(|error| Error::Damaged(format!("an event of the log: {error}")))
}
