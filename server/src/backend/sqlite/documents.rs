//! Documents in tables: queries, what faults ask for, and the net change of a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_reducers::{
    Bytes, Change, Condition, Direction, Fault, Field, Json, Kind, Plan, Row, Schema, Timestamp,
    Uuid, Value, Wanted,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{PLACEHOLDERS_MAX, filter, quoted};
use crate::error::Error;

/// Rows in one statement: more stops paying on SQLite.
const ROWS_PER_STATEMENT: usize = 64;

/// Returns the documents that a query asks for.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    schema: &'static Schema,
    plan: &Plan,
) -> Result<Vec<Row>, Error> {
    let mut sql = select(schema);
    filter::push(&mut sql, schema, &plan.condition);
    sql.push(" ORDER BY ");
    for (field, direction) in &plan.order {
        let direction = match direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        sql.push(format_args!("{} {direction}, ", quoted(schema.fields[*field].name)));
    }
    sql.push(quoted(schema.id_field().name));
    let limit = plan.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(" LIMIT ").push_bind(limit);
    sql.push(" OFFSET ").push_bind(i64::try_from(plan.offset).unwrap_or(i64::MAX));
    fetch(connection, schema, sql).await
}

/// Returns the documents that faults of one collection ask for.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    faults: &[&Fault],
) -> Result<Vec<Row>, Error> {
    let Some(schema) = faults.first().map(|fault| fault.schema()) else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for faults in faults.chunks(PLACEHOLDERS_MAX / 2) {
        let wanted = faults.iter().map(|fault| match fault.wanted() {
            Wanted::Document(id) => Condition::equal(schema.id, id.clone()),
            Wanted::Matching(condition) => condition.clone(),
        });
        let (by_id, by_condition): (Vec<_>, Vec<_>) = wanted.partition(
            |condition| matches!(condition, Condition::Compare { field, .. } if *field == schema.id),
        );
        let mut any = by_condition;
        if !by_id.is_empty() {
            any.push(Condition::Or(by_id));
        }
        let mut sql = select(schema);
        filter::push(&mut sql, schema, &Condition::Or(any));
        rows.extend(fetch(connection, schema, sql).await?);
    }
    Ok(rows)
}

/// Writes the net change of one collection. What is gone or holds a unique value that moves is
/// deleted first, so that no row is in another's way.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    schema: &Schema,
    changes: &BTreeMap<Value, Change>,
) -> Result<(), Error> {
    let unique: Vec<usize> = schema
        .fields
        .iter()
        .enumerate()
        .filter(|(position, field)| field.unique && *position != schema.id)
        .map(|(position, _)| position)
        .collect();
    let leaves = |change: &Change| match (&change.before, &change.after) {
        (Some(_), None) => true,
        (Some(before), Some(after)) => unique.iter().any(|field| before[*field] != after[*field]),
        (None, _) => false,
    };
    let gone: Vec<_> =
        changes.iter().filter(|(_, change)| leaves(change)).map(|(id, _)| id).collect();
    for ids in gone.chunks(ROWS_PER_STATEMENT) {
        delete(connection, schema, ids).await?;
    }
    let rows: Vec<_> = changes.values().filter_map(|change| change.after.as_ref()).collect();
    let per_statement = ROWS_PER_STATEMENT.min(PLACEHOLDERS_MAX / schema.fields.len());
    for rows in rows.chunks(per_statement.max(1)) {
        upsert(connection, schema, rows).await?;
    }
    Ok(())
}

async fn delete(
    connection: &mut SqliteConnection,
    schema: &Schema,
    ids: &[&Value],
) -> Result<(), Error> {
    let mut sql = QueryBuilder::new(format!("DELETE FROM {} WHERE ", quoted(schema.collection)));
    let any = ids.iter().map(|id| Condition::equal(schema.id, (*id).clone())).collect();
    filter::push(&mut sql, schema, &Condition::Or(any));
    let done = sql.build().execute(connection).await;
    let affected = done.map_err(Error::database("deleting documents"))?.rows_affected();
    expect_rows(schema, affected, ids.len())
}

async fn upsert(
    connection: &mut SqliteConnection,
    schema: &Schema,
    rows: &[&Row],
) -> Result<(), Error> {
    let columns: Vec<_> = schema.fields.iter().map(|field| quoted(field.name)).collect();
    let mut sql = QueryBuilder::new(format!(
        "INSERT INTO {} ({}) VALUES ",
        quoted(schema.collection),
        columns.join(", ")
    ));
    for (position, row) in rows.iter().enumerate() {
        sql.push(if position == 0 { "(" } else { ", (" });
        for (position, value) in row.values().iter().enumerate() {
            if position > 0 {
                sql.push(", ");
            }
            filter::push_value(&mut sql, value);
        }
        sql.push(")");
    }
    let id = quoted(schema.id_field().name);
    let set = columns.iter().filter(|column| **column != id);
    let set: Vec<_> = set.map(|column| format!("{column} = excluded.{column}")).collect();
    if set.is_empty() {
        sql.push(format_args!(" ON CONFLICT ({id}) DO UPDATE SET {id} = excluded.{id}"));
    } else {
        sql.push(format_args!(" ON CONFLICT ({id}) DO UPDATE SET {}", set.join(", ")));
    }
    let done = sql.build().execute(connection).await;
    let affected = done.map_err(Error::database("writing documents"))?.rows_affected();
    expect_rows(schema, affected, rows.len())
}

/// Rows that are not as the working set has them mean that somebody else wrote the table.
fn expect_rows(schema: &Schema, affected: u64, expected: usize) -> Result<(), Error> {
    if usize::try_from(affected) == Ok(expected) {
        return Ok(());
    }
    Err(Error::Damaged(format!(
        "{affected} rows of table `{}` changed where {expected} should have: something besides \
         this store writes it",
        schema.collection
    )))
}

fn select(schema: &Schema) -> QueryBuilder<Sqlite> {
    let columns: Vec<_> = schema.fields.iter().map(|field| quoted(field.name)).collect();
    QueryBuilder::new(format!(
        "SELECT {} FROM {} WHERE ",
        columns.join(", "),
        quoted(schema.collection)
    ))
}

async fn fetch(
    connection: &mut SqliteConnection,
    schema: &Schema,
    mut sql: QueryBuilder<Sqlite>,
) -> Result<Vec<Row>, Error> {
    let rows = sql.build().fetch_all(connection).await;
    let rows = rows.map_err(Error::database("reading documents"))?;
    rows.iter().map(|row| document(schema, row)).collect()
}

fn document(schema: &Schema, row: &SqliteRow) -> Result<Row, Error> {
    let values: Result<Vec<_>, _> = schema
        .fields
        .iter()
        .enumerate()
        .map(|(position, field)| value(row, position, field))
        .collect();
    let values = values.map_err(Error::database("reading a document"))?;
    schema.row(values).map_err(|rejection| {
        Error::Damaged(format!("a document of `{}`: {rejection}", schema.collection))
    })
}

fn value(row: &SqliteRow, position: usize, field: &Field) -> Result<Value, sqlx::Error> {
    let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    Ok(match field.kind {
        Kind::Bool => row.try_get::<Option<bool>, _>(position)?.into(),
        Kind::I32 | Kind::I64 | Kind::U32 => row.try_get::<Option<i64>, _>(position)?.into(),
        Kind::F64 => row.try_get::<Option<f64>, _>(position)?.into(),
        Kind::Text | Kind::Enumeration(_) => row.try_get::<Option<String>, _>(position)?.into(),
        Kind::Uuid => row.try_get::<Option<Uuid>, _>(position)?.into(),
        Kind::Timestamp => {
            let milliseconds = row.try_get::<Option<i64>, _>(position)?;
            let timestamp = milliseconds.map(Timestamp::from_milliseconds).transpose();
            timestamp.map_err(|error| decode(error.into()))?.into()
        }
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(position)?.map(Bytes).into(),
        Kind::Json => match row.try_get::<Option<String>, _>(position)? {
            None => Value::Null,
            Some(text) => {
                let json: Json =
                    serde_json::from_str(&text).map_err(|error| decode(error.into()))?;
                Value::Json(Arc::new(json))
            }
        },
    })
}
