//! The log: its head, its events by position and by id.

use std::collections::HashMap;
use std::sync::Arc;

use flux_reducers::{Direction, Json, RecordedEvent, Timestamp, Uuid};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Head, LogRange, PLACEHOLDERS_MAX};
use crate::error::Error;

/// Rows in one statement: more stops paying on SQLite.
const ROWS_PER_STATEMENT: usize = 64;

const COLUMNS: &str = "position, id, timestamp, type, payload, meta, error";

pub(super) async fn head(connection: &mut SqliteConnection) -> Result<Head, Error> {
    let row = sqlx::query("SELECT position, timestamp FROM flux_head WHERE id = 1")
        .fetch_one(connection)
        .await;
    row.and_then(|row| Ok(Head { position: row.try_get(0)?, timestamp: timestamp(&row, 1)? }))
        .map_err(Error::database("reading the head"))
}

pub(super) async fn move_head(connection: &mut SqliteConnection, head: Head) -> Result<(), Error> {
    sqlx::query("UPDATE flux_head SET position = ?, timestamp = ? WHERE id = 1")
        .bind(head.position)
        .bind(head.timestamp.as_milliseconds())
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(Error::database("moving the head"))
}

pub(super) async fn append(
    connection: &mut SqliteConnection,
    events: &[Arc<RecordedEvent>],
) -> Result<(), Error> {
    for events in events.chunks(ROWS_PER_STATEMENT) {
        let mut sql = QueryBuilder::<Sqlite>::new(format!("INSERT INTO events ({COLUMNS}) "));
        sql.push_values(events, |mut row, event| {
            row.push_bind(event.position);
            row.push_bind(event.id);
            row.push_bind(event.timestamp.as_milliseconds());
            row.push_bind(event.event_type.clone());
            row.push_bind(event.payload.as_ref().map(ToString::to_string));
            row.push_bind(event.meta.as_ref().map(ToString::to_string));
            row.push_bind(event.error);
        });
        let done = sql.build().execute(&mut *connection).await;
        done.map_err(Error::database("appending to the log"))?;
    }
    Ok(())
}

pub(super) async fn range(
    connection: &mut SqliteConnection,
    range: &LogRange,
) -> Result<Vec<RecordedEvent>, Error> {
    let mut sql =
        QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM events WHERE position > "));
    sql.push_bind(range.after);
    if let Some(event_type) = &range.event_type {
        sql.push(" AND type = ").push_bind(event_type.clone());
    }
    sql.push(match range.direction {
        Direction::Ascending => " ORDER BY position ASC LIMIT ",
        Direction::Descending => " ORDER BY position DESC LIMIT ",
    });
    sql.push_bind(i64::try_from(range.limit).unwrap_or(i64::MAX));
    fetch(connection, sql).await
}

pub(super) async fn by_id(
    connection: &mut SqliteConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, RecordedEvent>, Error> {
    let mut events = HashMap::new();
    for ids in ids.chunks(PLACEHOLDERS_MAX) {
        let mut sql =
            QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM events WHERE id IN ("));
        let mut list = sql.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        sql.push(")");
        events.extend(fetch(connection, sql).await?.into_iter().map(|event| (event.id, event)));
    }
    Ok(events)
}

async fn fetch(
    connection: &mut SqliteConnection,
    mut sql: QueryBuilder<Sqlite>,
) -> Result<Vec<RecordedEvent>, Error> {
    let rows = sql.build().fetch_all(connection).await;
    rows.and_then(|rows| rows.iter().map(event).collect())
        .map_err(Error::database("reading the log"))
}

fn event(row: &SqliteRow) -> Result<RecordedEvent, sqlx::Error> {
    Ok(RecordedEvent {
        position: row.try_get(0)?,
        id: row.try_get(1)?,
        timestamp: timestamp(row, 2)?,
        event_type: row.try_get(3)?,
        payload: json(row, 4)?,
        meta: json(row, 5)?,
        error: row.try_get(6)?,
    })
}

fn timestamp(row: &SqliteRow, column: usize) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_milliseconds(row.try_get(column)?)
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

fn json(row: &SqliteRow, column: usize) -> Result<Option<Json>, sqlx::Error> {
    let text: Option<String> = row.try_get(column)?;
    let json = text.map(|text| serde_json::from_str(&text)).transpose();
    json.map_err(|error| sqlx::Error::Decode(error.into()))
}
