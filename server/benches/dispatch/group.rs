//! What one would write for speed without the store: one task takes what is waiting, and commits
//! it together, in the best form known for each database.

use std::collections::HashMap;

use flux_server::reducers::{Action, Uuid};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Database, MySql, QueryBuilder, Sqlite};
use tokio::sync::{mpsc, oneshot};

use crate::each::{Tables, color, meta, sqlite_options};

/// Events in one transaction, as in the store.
const BATCH_MAX: usize = 512;

/// The way to the task.
#[derive(Clone)]
pub(crate) struct Group {
    events: mpsc::Sender<(Action, oneshot::Sender<i64>)>,
}

/// What a batch writes.
#[derive(Default)]
struct Batch {
    log: Vec<(Uuid, String, String, Option<String>)>,
    notes: HashMap<Uuid, Net>,
}

/// What becomes of a note.
enum Net {
    Add { title: String, text: String, color: Option<String> },
    Edit { title: String },
    Remove,
    Nothing,
}

impl Group {
    pub(crate) async fn open(url: &str, tables: &Tables) -> Self {
        let (events, waiting) = mpsc::channel(8192);
        let tables = tables.clone();
        match url.split_once(':').unwrap().0 {
            "postgres" => {
                let options: PgConnectOptions = url.parse().unwrap();
                let options =
                    options.options([("enable_seqscan", "off"), ("enable_hashjoin", "off")]);
                let connection = PgConnection::connect_with(&options).await.unwrap();
                tokio::spawn(postgres(connection, tables, waiting));
            }
            "mysql" => {
                let options: MySqlConnectOptions = url.parse().unwrap();
                let options = options.statement_cache_capacity(256);
                let connection = MySqlConnection::connect_with(&options).await.unwrap();
                tokio::spawn(mysql(connection, tables, waiting));
            }
            _ => {
                let options = sqlite_options(url);
                let connection = SqliteConnection::connect_with(&options).await.unwrap();
                tokio::spawn(sqlite(connection, tables, waiting));
            }
        }
        Self { events }
    }

    pub(crate) async fn record(&self, action: Action) {
        let (answer, answered) = oneshot::channel();
        self.events.send((action, answer)).await.unwrap();
        answered.await.unwrap();
    }
}

type Waiting = mpsc::Receiver<(Action, oneshot::Sender<i64>)>;

async fn take(waiting: &mut Waiting) -> Option<(Batch, Vec<oneshot::Sender<i64>>)> {
    let mut taken = Vec::new();
    if waiting.recv_many(&mut taken, BATCH_MAX).await == 0 {
        return None;
    }
    let (mut batch, mut answers) = (Batch::default(), Vec::new());
    for (action, answer) in taken {
        batch.push(&action);
        answers.push(answer);
    }
    Some((batch, answers))
}

fn answer(answers: Vec<oneshot::Sender<i64>>, last: i64) {
    let first = last - answers.len() as i64 + 1;
    for (position, answer) in (first..).zip(answers) {
        answer.send(position).ok();
    }
}

impl Batch {
    fn push(&mut self, action: &Action) {
        let payload = action.payload.as_ref().unwrap().as_value();
        let (event_type, meta) = (action.event_type.clone(), meta(action));
        self.log.push((Uuid::now_v7(), event_type, payload.to_string(), meta));
        let text = |name: &str| payload[name].as_str().unwrap().to_owned();
        let id: Uuid = text("id").parse().unwrap();
        let before = self.notes.remove(&id);
        let net = match (action.event_type.as_str(), before) {
            ("noteAdded", _) => {
                Net::Add { title: text("title"), text: text("text"), color: color(payload) }
            }
            ("noteTitleEdited", Some(Net::Add { text: kept, color, .. })) => {
                Net::Add { title: text("title"), text: kept, color }
            }
            ("noteTitleEdited", Some(removed @ (Net::Remove | Net::Nothing))) => removed,
            ("noteTitleEdited", _) => Net::Edit { title: text("title") },
            (_, Some(Net::Add { .. } | Net::Nothing)) => Net::Nothing,
            _ => Net::Remove,
        };
        self.notes.insert(id, net);
    }

    fn added(&self) -> Vec<(Uuid, &str, &str, Option<&str>)> {
        let added = self.notes.iter().filter_map(|(id, net)| match net {
            Net::Add { title, text, color } => {
                Some((*id, title.as_str(), text.as_str(), color.as_deref()))
            }
            _ => None,
        });
        added.collect()
    }

    fn edited(&self) -> Vec<(Uuid, &str)> {
        let edited = self.notes.iter().filter_map(|(id, net)| match net {
            Net::Edit { title } => Some((*id, title.as_str())),
            _ => None,
        });
        edited.collect()
    }

    fn removed(&self) -> Vec<Uuid> {
        let removed = self.notes.iter().filter(|(_, net)| matches!(net, Net::Remove));
        removed.map(|(id, _)| *id).collect()
    }
}

/// One statement of CTEs over arrays.
async fn postgres(mut connection: PgConnection, tables: Tables, mut waiting: Waiting) {
    let Tables { head, log, notes } = tables;
    let sql: &'static str = Box::leak(
        format!(
            "WITH head AS (UPDATE {head} SET position = position + $1 WHERE id = 1 RETURNING position),
             log AS (INSERT INTO {log} SELECT head.position - $1 + event.place, event.id, event.type,
                 event.payload, event.meta FROM head, UNNEST($2::uuid[], $3::text[], $4::text[],
                 $5::text[]) WITH ORDINALITY AS event (id, type, payload, meta, place)),
             added AS (INSERT INTO {notes} SELECT * FROM UNNEST($6::uuid[], $7::text[], $8::text[],
                 $9::text[])),
             edited AS (UPDATE {notes} note SET title = edit.title
                 FROM UNNEST($10::uuid[], $11::text[]) AS edit (id, title) WHERE note.id = edit.id),
             removed AS (DELETE FROM {notes} WHERE id = ANY($12))
             SELECT position FROM head"
        )
        .into_boxed_str(),
    );
    while let Some((batch, answers)) = take(&mut waiting).await {
        let (added, edited) = (batch.added(), batch.edited());
        let position = sqlx::query_scalar::<_, i64>(sql)
            .bind(batch.log.len() as i64)
            .bind(batch.log.iter().map(|event| event.0).collect::<Vec<_>>())
            .bind(batch.log.iter().map(|event| event.1.as_str()).collect::<Vec<_>>())
            .bind(batch.log.iter().map(|event| event.2.as_str()).collect::<Vec<_>>())
            .bind(batch.log.iter().map(|event| event.3.as_deref()).collect::<Vec<_>>())
            .bind(added.iter().map(|note| note.0).collect::<Vec<_>>())
            .bind(added.iter().map(|note| note.1).collect::<Vec<_>>())
            .bind(added.iter().map(|note| note.2).collect::<Vec<_>>())
            .bind(added.iter().map(|note| note.3).collect::<Vec<_>>())
            .bind(edited.iter().map(|note| note.0).collect::<Vec<_>>())
            .bind(edited.iter().map(|note| note.1).collect::<Vec<_>>())
            .bind(batch.removed())
            .fetch_one(&mut connection)
            .await
            .unwrap();
        answer(answers, position);
    }
}

/// A few statements of many rows; the two databases differ in words only.
macro_rules! statements {
    ($name:ident, $database:ty, $connection:ty, $begin:expr, $lock:expr, $on_conflict:expr) => {
        async fn $name(mut connection: $connection, tables: Tables, mut waiting: Waiting) {
            let Tables { head, log, notes } = tables;
            let lock = format!("SELECT position FROM {head} WHERE id = 1{}", $lock);
            let lock: &'static str = Box::leak(lock.into_boxed_str());
            let move_head = format!("UPDATE {head} SET position = ? WHERE id = 1");
            let move_head: &'static str = Box::leak(move_head.into_boxed_str());
            while let Some((batch, answers)) = take(&mut waiting).await {
                let mut transaction = connection.begin_with($begin).await.unwrap();
                let position: i64 =
                    sqlx::query_scalar(lock).fetch_one(&mut *transaction).await.unwrap();
                let mut statements = Vec::new();
                let events: Vec<_> = (position + 1..).zip(&batch.log).collect();
                in_parts(&events, |part| {
                    let mut sql = QueryBuilder::<$database>::new(format!("INSERT INTO {log} "));
                    sql.push_values(
                        part,
                        |mut row, (position, (id, event_type, payload, meta))| {
                            row.push_bind(*position).push_bind(*id).push_bind(event_type.clone());
                            row.push_bind(payload.clone()).push_bind(meta.clone());
                        },
                    );
                    statements.push(sql);
                });
                in_parts(&batch.added(), |part| {
                    let mut sql = QueryBuilder::<$database>::new(format!("INSERT INTO {notes} "));
                    sql.push_values(part, |mut row, (id, title, text, color)| {
                        row.push_bind(*id).push_bind((*title).to_owned());
                        row.push_bind((*text).to_owned()).push_bind(color.map(str::to_owned));
                    });
                    statements.push(sql);
                });
                in_parts(&batch.edited(), |part| {
                    let mut sql = QueryBuilder::<$database>::new(format!("INSERT INTO {notes} "));
                    sql.push_values(part, |mut row, (id, title)| {
                        row.push_bind(*id).push_bind((*title).to_owned()).push_bind("");
                        row.push_bind(None::<String>);
                    });
                    sql.push($on_conflict);
                    statements.push(sql);
                });
                in_parts(&batch.removed(), |part| statements.push(removal(&notes, part)));
                for mut sql in statements {
                    sql.build().execute(&mut *transaction).await.unwrap();
                }
                let last = position + answers.len() as i64;
                let moved = sqlx::query(move_head).bind(last);
                moved.execute(&mut *transaction).await.unwrap();
                transaction.commit().await.unwrap();
                answer(answers, last);
            }
        }
    };
}

statements!(
    sqlite,
    Sqlite,
    SqliteConnection,
    "BEGIN IMMEDIATE",
    "",
    " ON CONFLICT (id) DO UPDATE SET title = excluded.title"
);
statements!(
    mysql,
    MySql,
    MySqlConnection,
    "START TRANSACTION",
    " FOR UPDATE",
    " ON DUPLICATE KEY UPDATE title = VALUES(title)"
);

fn removal<D: Database>(notes: &str, ids: &[Uuid]) -> QueryBuilder<D>
where
    Uuid: sqlx::Type<D> + for<'q> sqlx::Encode<'q, D>,
{
    let mut sql = QueryBuilder::new(format!("DELETE FROM {notes} WHERE id IN ("));
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    sql.push(")");
    sql
}

/// Rows of one statement, of few lengths, so that the statements are prepared once.
fn in_parts<T>(mut rows: &[T], mut each: impl FnMut(&[T])) {
    while !rows.is_empty() {
        let length = match rows.len() {
            128.. => 128,
            17.. => rows.len() - rows.len() % 16,
            few => few,
        };
        let (part, rest) = rows.split_at(length);
        each(part);
        rows = rest;
    }
}

/// Makes the tables that both ways by hand write, unless they are there.
pub(crate) fn script(tables: &Tables, scheme: &str) -> AssertSqlSafe<String> {
    let Tables { head, log, notes } = tables;
    let (id, text) = match scheme {
        "postgres" => ("UUID", "TEXT"),
        "mysql" => ("BINARY(16)", "LONGTEXT"),
        _ => ("BLOB", "TEXT"),
    };
    AssertSqlSafe(format!(
        "CREATE TABLE IF NOT EXISTS {head} (id INTEGER PRIMARY KEY, position BIGINT NOT NULL);
         INSERT INTO {head} SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM {head});
         CREATE TABLE IF NOT EXISTS {log} (position BIGINT PRIMARY KEY, id {id} NOT NULL UNIQUE,
             type {text} NOT NULL, payload {text}, meta {text});
         CREATE TABLE IF NOT EXISTS {notes} (id {id} PRIMARY KEY, title {text} NOT NULL, text {text} NOT NULL,
             color {text});"
    ))
}
