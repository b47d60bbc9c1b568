//! When events were recorded, without what else is in them.

use std::collections::{BTreeMap, BTreeSet};

use flux_reducers::{Filter, Position, Timestamp, Value};
use sqlx::QueryBuilder;

use super::dialect::{Dialect, INTEGER, TIMESTAMP};
use super::events::SCHEMA;
use super::filter;
use super::tables::Tables;
use crate::error::Error;

/// Which events.
pub(crate) type Positions = BTreeSet<Position>;

/// The times of those that there are.
pub(crate) type Times = BTreeMap<Position, Timestamp>;

/// Finds the times of events.
pub(super) async fn find<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    positions: &Positions,
) -> Result<Times, Error> {
    let there = Filter::is_in("position", positions.iter().copied());
    let there = there.condition(SCHEMA).map_err(Error::Query)?;
    let (position, timestamp) = (D::quoted("position"), D::quoted("timestamp"));
    let table = tables.quoted::<D>(SCHEMA.collection);
    let mut sql = QueryBuilder::new(format!("SELECT {position}, {timestamp} FROM {table} WHERE "));
    filter::push(&mut sql, SCHEMA, &there);
    let rows = D::fetch(connection, sql).await.map_err(Error::database("reading the log"))?;
    let time = |row| match (D::value(row, 0, &INTEGER)?, D::value(row, 1, &TIMESTAMP)?) {
        (Value::Integer(position), Value::Timestamp(timestamp)) => Ok((position, timestamp)),
        _ => Err(sqlx::Error::Decode("a column of the log is null".into())),
    };
    rows.iter().map(time).collect::<Result<_, _>>().map_err(Error::database("reading the log"))
}
