//! A database of one's own for each test, on a server that others share.

use flux_test_databases::{Kind, Server};
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use uuid::Uuid;

/// A database that is empty at first.
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

impl Database {
    /// Returns what a query counts.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        match self.url.split_once(':').unwrap().0 {
            "sqlite" => {
                counted(sqlx::SqliteConnection::connect(&self.url).await.unwrap(), sql).await
            }
            "postgres" => counted(sqlx::PgConnection::connect(&self.url).await.unwrap(), sql).await,
            _ => counted(sqlx::MySqlConnection::connect(&self.url).await.unwrap(), sql).await,
        }
    }
}

async fn counted<C: Connection>(mut connection: C, sql: &'static str) -> i64
where
    for<'a> &'a mut C: sqlx::Executor<'a, Database = C::Database>,
    for<'a> (i64,): sqlx::FromRow<'a, <C::Database as sqlx::Database>::Row>,
    <C::Database as sqlx::Database>::Arguments: sqlx::IntoArguments<C::Database>,
{
    let (count,) = sqlx::query_as::<_, (i64,)>(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

pub(crate) fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    Database { url, _folder: Some(folder) }
}

pub(crate) async fn postgres() -> Database {
    let (server, name) = (server("TEST_POSTGRES_URL"), name());
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    Database { url: on(&server, &name), _folder: None }
}

pub(crate) async fn mysql() -> Database {
    let (server, name) = (server("TEST_MYSQL_URL"), name());
    let mut connection = sqlx::MySqlConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    Database { url: on(&server, &name), _folder: None }
}

/// A server of one's own, to be killed.
pub(crate) fn own(kind: Kind) -> Server {
    Server::start(kind).unwrap_or_else(|error| panic!("{error:?}"))
}

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run `cargo xtask test rust`, which starts the databases, or \
             `cargo xtask databases` and set what it prints"
        )
    })
}

fn name() -> String {
    format!("durability_{}", Uuid::new_v4().simple())
}

/// The URL of another database on the same server.
fn on(server: &str, name: &str) -> String {
    let (host, _) = server.rsplit_once('/').unwrap();
    format!("{host}/{name}")
}
