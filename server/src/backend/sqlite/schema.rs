//! The tables: the store's own, and one for each collection, made from its schema.

use flux_reducers::{Document as _, Field, Kind, RecordedEvent, Schema};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::quoted;
use crate::error::Error;

/// The layout of the store's own tables; a change of it needs a new number.
const LAYOUT: i64 = 1;

const OWN_TABLES: &str = include_str!("schema.sql");

/// Makes the tables that are missing, and checks that those there fit.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    schemas: &[&'static Schema],
) -> Result<(), Error> {
    if !table_exists(connection, "flux_head").await? {
        if table_exists(connection, "events").await? {
            return Err(Error::TableInTheWay { table: "events".to_owned() });
        }
        execute(connection, OWN_TABLES.to_owned()).await?;
    }
    check_layout(connection).await?;
    for schema in schemas {
        if **schema != *RecordedEvent::SCHEMA {
            prepare_collection(connection, schema).await?;
        }
    }
    Ok(())
}

async fn check_layout(connection: &mut SqliteConnection) -> Result<(), Error> {
    let row = sqlx::query("SELECT layout FROM flux_head").fetch_optional(connection).await;
    let layout: Option<i64> = row
        .and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(Error::database("reading the layout"))?;
    match layout {
        Some(LAYOUT) => Ok(()),
        Some(other) => Err(Error::Damaged(format!(
            "its layout is {other} and this version of the store knows {LAYOUT}: use the version \
             that made it"
        ))),
        None => Err(Error::Damaged("`flux_head` is empty".to_owned())),
    }
}

async fn prepare_collection(
    connection: &mut SqliteConnection,
    schema: &Schema,
) -> Result<(), Error> {
    let current = serde_json::to_value(schema)
        .map_err(|error| Error::Damaged(format!("a schema can't be written: {error}")))?;
    let recorded = sqlx::query("SELECT schema FROM flux_schemas WHERE collection = ?")
        .bind(schema.collection)
        .fetch_optional(&mut *connection)
        .await
        .and_then(|row| row.map(|row| row.try_get::<String, _>(0)).transpose())
        .map_err(Error::database("reading the schemas"))?;
    if let Some(recorded) = recorded {
        let recorded = serde_json::from_str(&recorded)
            .map_err(|error| Error::Damaged(format!("a recorded schema: {error}")))?;
        return check(schema, &recorded, &current);
    }
    if table_exists(connection, schema.collection).await? {
        return Err(Error::TableInTheWay { table: schema.collection.to_owned() });
    }
    if super::events::head(connection).await?.position > 0 {
        return Err(Error::SchemaChanged {
            collection: schema.collection.to_owned(),
            difference: "the collection is new, and the log has events from before it".to_owned(),
        });
    }
    execute(connection, create_table(schema)).await?;
    for field in schema.fields.iter().filter(|field| field.index || field.unique) {
        if field.name != schema.id_field().name {
            execute(connection, create_index(schema, field)).await?;
        }
    }
    sqlx::query("INSERT INTO flux_schemas (collection, schema) VALUES (?, ?)")
        .bind(schema.collection)
        .bind(current.to_string())
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(Error::database("recording a schema"))
}

fn create_table(schema: &Schema) -> String {
    let columns = schema.fields.iter().enumerate().map(|(position, field)| {
        let key = if position == schema.id { " PRIMARY KEY" } else { "" };
        let not_null = if field.nullable { "" } else { " NOT NULL" };
        format!("{} {}{key}{not_null}", quoted(field.name), column_type(field.kind))
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("CREATE TABLE {} ({columns}) STRICT", quoted(schema.collection))
}

fn create_index(schema: &Schema, field: &Field) -> String {
    let unique = if field.unique { "UNIQUE " } else { "" };
    let name = quoted(&format!("{}_{}", schema.collection, field.name));
    format!("CREATE {unique}INDEX {name} ON {} ({})", quoted(schema.collection), quoted(field.name))
}

/// Text compares by code point (BINARY over UTF-8), UUIDs and bytes byte by byte.
const fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool | Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => "INTEGER",
        Kind::F64 => "REAL",
        Kind::Text | Kind::Json | Kind::Enumeration(_) => "TEXT",
        Kind::Uuid | Kind::Bytes => "BLOB",
    }
}

/// Tells the first difference between the schema that made the table and this one.
fn check(
    schema: &Schema,
    recorded: &serde_json::Value,
    current: &serde_json::Value,
) -> Result<(), Error> {
    if recorded == current {
        return Ok(());
    }
    let fields = |schema: &serde_json::Value| {
        schema.get("fields").and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    let (old, new) = (fields(recorded), fields(current));
    let name = |field: &serde_json::Value| field.get("name").cloned().unwrap_or_default();
    let same_name = |field: &serde_json::Value, others: &[serde_json::Value]| {
        others.iter().find(|other| name(other) == name(field)).cloned()
    };
    let changed = new.iter().find_map(|field| match same_name(field, &old) {
        None => Some(format!("field {} is new", name(field))),
        Some(before) if before != *field => {
            Some(format!("field {} was {before} and is {field}", name(field)))
        }
        Some(_) => None,
    });
    let gone = old.iter().find(|field| same_name(field, &new).is_none());
    let difference = changed
        .or_else(|| gone.map(|field| format!("field {} is gone", name(field))))
        .unwrap_or_else(|| "the order of the fields, or the id, is another".to_owned());
    Err(Error::SchemaChanged { collection: schema.collection.to_owned(), difference })
}

async fn table_exists(connection: &mut SqliteConnection, name: &str) -> Result<bool, Error> {
    sqlx::query(
        "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE",
    )
    .bind(name)
    .fetch_optional(connection)
    .await
    .map(|row| row.is_some())
    .map_err(Error::database("looking for tables"))
}

async fn execute(connection: &mut SqliteConnection, sql: String) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(Error::database("making the tables"))
}
