//! Snapshots in the database: what says that one is whole, and the parts of it.

use flux_reducers::{Row, Value};
use sqlx::QueryBuilder;

use super::connections::{Connections, STEP_TIMEOUT, answer, step};
use super::dialect::Dialect;
use super::generations;
use super::own::{SNAPSHOT_PARTS, SNAPSHOTS};
use super::statement::inserts;
use super::tables::Tables;
use crate::error::Error;

/// Parts that are deleted in one transaction: all may be many gigabytes.
const PARTS_DELETED_AT_ONCE: u64 = 64;

/// Records one that is whole, as long as its tables are the live ones.
pub(super) async fn record<D: Dialect>(
    connections: &Connections<D>,
    tables: &Tables,
    row: &Row,
) -> Result<(), Error> {
    let mut connection = connections.begin_background().await?;
    // Whoever drops the tables waits for it, and finds it then.
    generations::hold_live::<D>(&mut connection, tables).await?;
    for statement in inserts::<D>(SNAPSHOTS, std::slice::from_ref(row)) {
        step("recording a snapshot", statement.run::<D>(&mut connection, tables)).await?;
    }
    connection.commit().await
}

/// Removes one: first what says that it is whole, so that who reads it meanwhile passes it over.
pub(super) async fn remove<D: Dialect>(
    connections: &Connections<D>,
    tables: &Tables,
    id: String,
) -> Result<(), Error> {
    let snapshots = tables.quoted::<D>(SNAPSHOTS.collection);
    let id = Value::from(id);
    let mut sql = QueryBuilder::new(format!("DELETE FROM {snapshots} WHERE id = "));
    D::push_value(&mut sql, &id);
    delete(connections, sql).await?;
    delete_parts(connections, tables, |sql| {
        sql.push("snapshot = ");
        D::push_value(sql, &id);
    })
    .await
}

/// Removes the parts of those that are older than an id and not recorded.
pub(super) async fn remove_left_over<D: Dialect>(
    connections: &Connections<D>,
    tables: &Tables,
    before: String,
) -> Result<(), Error> {
    let snapshots = tables.quoted::<D>(SNAPSHOTS.collection);
    let before = Value::from(before);
    delete_parts(connections, tables, |sql| {
        sql.push("snapshot < ");
        D::push_value(sql, &before);
        sql.push(format_args!(" AND snapshot NOT IN (SELECT id FROM {snapshots})"));
    })
    .await
}

/// Removes the parts of all those of a generation.
pub(super) async fn remove_parts_of_generation<D: Dialect>(
    connections: &Connections<D>,
    tables: &Tables,
    generation: i64,
) -> Result<(), Error> {
    let snapshots = tables.quoted::<D>(SNAPSHOTS.collection);
    delete_parts(connections, tables, |sql| {
        sql.push(format_args!(
            "snapshot IN (SELECT id FROM {snapshots} WHERE generation = {generation})"
        ));
    })
    .await
}

/// Deletes parts, some in each transaction.
async fn delete_parts<D: Dialect>(
    connections: &Connections<D>,
    tables: &Tables,
    push_which: impl Fn(&mut QueryBuilder<D>),
) -> Result<(), Error> {
    let parts = tables.quoted::<D>(SNAPSHOT_PARTS.collection);
    loop {
        // MySQL limits no query that it looks in, unless that is a table of its own.
        let mut sql = QueryBuilder::new(format!(
            "DELETE FROM {parts} WHERE id IN (SELECT id FROM (SELECT id FROM {parts} WHERE "
        ));
        push_which(&mut sql);
        sql.push(format_args!(" LIMIT {PARTS_DELETED_AT_ONCE}) AS chosen)"));
        if delete(connections, sql).await? < PARTS_DELETED_AT_ONCE {
            return Ok(());
        }
    }
}

async fn delete<D: Dialect>(
    connections: &Connections<D>,
    sql: QueryBuilder<D>,
) -> Result<u64, Error> {
    let mut connection = connections.begin_background().await?;
    let removed = answer(STEP_TIMEOUT, D::execute(&mut connection, sql)).await;
    let removed = removed.map_err(Error::database("removing"))?;
    connection.commit().await?;
    Ok(removed)
}
