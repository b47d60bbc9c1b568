//! What one would write first without the store: a transaction an event, which locks the head,
//! appends to the log and changes the note.

use flux_server::reducers::{Action, Uuid};
use serde_json::Value;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{MySqlPool, PgPool, SqlitePool};

use crate::group;

/// Records one event; the databases differ in types only.
macro_rules! record {
    ($pool:expr, $begin:expr, $sql:expr, $action:expr) => {{
        let (sql, action): (&Statements, &Action) = ($sql, $action);
        let mut transaction = $pool.begin_with($begin).await.unwrap();
        let lock = sqlx::query_scalar::<_, i64>(sql.lock);
        let position = lock.fetch_one(&mut *transaction).await.unwrap();
        if let Some(move_head) = sql.move_head {
            let moved = sqlx::query(move_head).bind(position);
            moved.execute(&mut *transaction).await.unwrap();
        }
        let payload = action.payload.as_ref().unwrap().as_value();
        let append = sqlx::query(sql.append).bind(position).bind(Uuid::now_v7());
        let append = append.bind(action.event_type.clone()).bind(payload.to_string());
        let append = append.bind(meta(action));
        append.execute(&mut *transaction).await.unwrap();
        let text = |name: &str| payload[name].as_str().unwrap().to_owned();
        let note: Uuid = text("id").parse().unwrap();
        let change = match action.event_type.as_str() {
            "noteAdded" => {
                let add = sqlx::query(sql.add).bind(note).bind(text("title")).bind(text("text"));
                add.bind(color(payload))
            }
            "noteTitleEdited" => sqlx::query(sql.edit).bind(text("title")).bind(note),
            _ => sqlx::query(sql.remove).bind(note),
        };
        change.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }};
}

pub(crate) fn meta(action: &Action) -> Option<String> {
    action.meta.as_ref().map(|meta| meta.as_value().to_string())
}

pub(crate) fn color(payload: &Value) -> Option<String> {
    payload["color"].as_str().map(str::to_owned)
}

/// As many connections as pay on two cores.
const CONNECTIONS_MAX: u32 = 16;

/// The names of the tables by hand.
#[derive(Clone)]
pub(crate) struct Tables {
    pub(crate) head: String,
    pub(crate) log: String,
    pub(crate) notes: String,
}

impl Tables {
    pub(crate) fn new(namespace: &str) -> Self {
        let name = |of: &str| format!("{namespace}_hand_{of}");
        Self { head: name("head"), log: name("log"), notes: name("notes") }
    }
}

/// As durable as the store.
pub(crate) fn sqlite_options(url: &str) -> SqliteConnectOptions {
    url.parse::<SqliteConnectOptions>()
        .unwrap()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
}

#[derive(Clone)]
pub(crate) enum Each {
    Sqlite(SqlitePool, Statements),
    Postgres(PgPool, Statements),
    MySql(MySqlPool, Statements),
}

/// The statements of one database, with the names of the tables.
#[derive(Clone)]
pub(crate) struct Statements {
    lock: &'static str,
    /// Where the lock does not move the head too.
    move_head: Option<&'static str>,
    append: &'static str,
    add: &'static str,
    edit: &'static str,
    remove: &'static str,
}

impl Statements {
    fn new(scheme: &str, Tables { head, log, notes }: &Tables) -> Self {
        let parameter = |number: usize| match scheme {
            "postgres" => format!("${number}"),
            _ => "?".to_owned(),
        };
        let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(parameter);
        Self {
            lock: fixed(match scheme {
                "mysql" => format!("SELECT position + 1 FROM {head} WHERE id = 1 FOR UPDATE"),
                _ => format!(
                    "UPDATE {head} SET position = position + 1 WHERE id = 1 RETURNING position"
                ),
            }),
            move_head: (scheme == "mysql")
                .then(|| fixed(format!("UPDATE {head} SET position = ? WHERE id = 1"))),
            append: fixed(format!(
                "INSERT INTO {log} VALUES ({one}, {two}, {three}, {four}, {five})"
            )),
            add: fixed(format!("INSERT INTO {notes} VALUES ({one}, {two}, {three}, {four})")),
            edit: fixed(format!("UPDATE {notes} SET title = {one} WHERE id = {two}")),
            remove: fixed(format!("DELETE FROM {notes} WHERE id = {one}")),
        }
    }
}

/// A statement that lives as long as the benchmark, so that it is prepared once.
fn fixed(sql: String) -> &'static str {
    Box::leak(sql.into_boxed_str())
}

impl Each {
    /// Opens the database, and makes the tables unless they are there.
    pub(crate) async fn open(url: &str, tables: &Tables) -> Self {
        let scheme = url.split_once(':').unwrap().0;
        let make = sqlx::raw_sql(group::script(tables, scheme));
        let statements = Statements::new(scheme, tables);
        match scheme {
            "postgres" => {
                let pool = PgPoolOptions::new()
                    .max_connections(CONNECTIONS_MAX)
                    .connect(url)
                    .await
                    .unwrap();
                make.execute(&pool).await.unwrap();
                Self::Postgres(pool, statements)
            }
            "mysql" => {
                let pool = MySqlPoolOptions::new()
                    .max_connections(CONNECTIONS_MAX)
                    .connect(url)
                    .await
                    .unwrap();
                make.execute(&pool).await.unwrap();
                Self::MySql(pool, statements)
            }
            _ => {
                let options = sqlite_options(url);
                let pool = SqlitePoolOptions::new()
                    .max_connections(1)
                    .connect_with(options)
                    .await
                    .unwrap();
                make.execute(&pool).await.unwrap();
                Self::Sqlite(pool, statements)
            }
        }
    }

    pub(crate) async fn record(&self, action: &Action) {
        match self {
            Self::Sqlite(pool, sql) => record!(pool, "BEGIN IMMEDIATE", sql, action),
            Self::Postgres(pool, sql) => record!(pool, "BEGIN", sql, action),
            Self::MySql(pool, sql) => record!(pool, "START TRANSACTION", sql, action),
        }
    }
}
