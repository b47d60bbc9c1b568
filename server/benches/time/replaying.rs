//! Replay of the whole log, beside a loop by hand over the same rows.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use flux_server::reducers::{Query, Uuid};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::{Place, memory};

/// Runs of each; the best one counts.
const RUNS: usize = 3;

/// A note as one would keep it by hand.
struct Note {
    title: String,
    #[expect(dead_code, reason = "a replay is for whoever reads it afterwards")]
    text: String,
    #[expect(dead_code, reason = "as above")]
    color: Option<String>,
}

#[derive(Deserialize)]
struct Added {
    id: Uuid,
    title: String,
    text: String,
    color: Option<String>,
}

#[derive(Deserialize)]
struct Edited {
    id: Uuid,
    title: String,
}

#[derive(Deserialize)]
struct Removed {
    id: Uuid,
}

/// Replays the whole log both ways in turn, the store from the first event on: without snapshots.
pub(crate) async fn whole_log(place: &Place, log: usize) {
    forget_snapshots(place).await;
    let mut best = [Duration::MAX; 2];
    for _ in 0..RUNS {
        best[0] = best[0].min(timed("by hand", log, by_hand(place)).await);
        // One that has nothing in memory.
        let store = place.builder(0).open().await.unwrap();
        let notes = async {
            let past = store.at(log as i64).await.unwrap();
            past.read(&[("notes", Query::all().limit(1))]).await.unwrap().len()
        };
        best[1] = best[1].min(timed("by the store", log, notes).await);
        store.close().await;
    }
    println!("replay: {:.2} of by hand", best[0].as_secs_f64() / best[1].as_secs_f64());
}

async fn timed(by: &str, log: usize, replay: impl Future<Output = usize>) -> Duration {
    memory::forget_peak();
    let began = Instant::now();
    assert!(replay.await > 0);
    let took = began.elapsed();
    println!(
        "replay {by}: {:.2} s, {:.0} events/s; peak {} MiB",
        took.as_secs_f64(),
        log as f64 / took.as_secs_f64(),
        memory::peak_mib().unwrap_or_default(),
    );
    took
}

/// Reads the log with sqlx row by row, parses each event and applies it to a map.
async fn by_hand(place: &Place) -> usize {
    let table = format!("{}_events", place.namespace);
    match place.scheme() {
        "postgres" => postgres(&place.url, &table).await,
        "mysql" => mysql(&place.url, &table).await,
        _ => sqlite(&place.url, &table).await,
    }
}

async fn forget_snapshots(place: &Place) {
    for table in ["flux_snapshots", "flux_snapshot_parts"] {
        let sql = AssertSqlSafe(format!("DELETE FROM {}_{table}", place.namespace));
        match place.scheme() {
            "postgres" => {
                let mut connection = PgConnection::connect(&place.url).await.unwrap();
                connection.execute(sql).await.unwrap();
            }
            "mysql" => {
                let mut connection = MySqlConnection::connect(&place.url).await.unwrap();
                connection.execute(sql).await.unwrap();
            }
            _ => {
                let mut connection = SqliteConnection::connect(&place.url).await.unwrap();
                connection.execute(sql).await.unwrap();
            }
        }
    }
}

/// The loop by hand; the databases differ in types only.
macro_rules! by_hand {
    ($name:ident, $connection:ty) => {
        async fn $name(url: &str, table: &str) -> usize {
            let mut connection = <$connection>::connect(url).await.unwrap();
            let sql = format!(
                "SELECT id, position, timestamp, type, payload, meta FROM {table} ORDER BY position"
            );
            let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut connection);
            let mut notes = HashMap::<Uuid, Note>::new();
            while let Some(row) = rows.try_next().await.unwrap() {
                let (_id, _position, _at): (Uuid, i64, i64) = (row.get(0), row.get(1), row.get(2));
                let (event_type, payload): (&str, &str) = (row.get(3), row.get(4));
                let _meta: Option<&str> = row.get(5);
                apply(&mut notes, event_type, payload);
            }
            notes.len()
        }
    };
}

by_hand!(sqlite, SqliteConnection);
by_hand!(postgres, PgConnection);
by_hand!(mysql, MySqlConnection);

fn apply(notes: &mut HashMap<Uuid, Note>, event_type: &str, payload: &str) {
    match event_type {
        "noteAdded" => {
            let Added { id, title, text, color } = serde_json::from_str(payload).unwrap();
            notes.insert(id, Note { title, text, color });
        }
        "noteTitleEdited" => {
            let Edited { id, title } = serde_json::from_str(payload).unwrap();
            if let Some(note) = notes.get_mut(&id) {
                note.title = title;
            }
        }
        _ => {
            let Removed { id } = serde_json::from_str(payload).unwrap();
            notes.remove(&id);
        }
    }
}
