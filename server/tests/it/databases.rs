//! The databases of the tests: each test has tables of its own.

use flux_server::reducers::{Reducer, Uuid};
use flux_server::{Error, Store, StoreBuilder};
use tempfile::TempDir;

use crate::tasks;

/// A database without tables.
pub(crate) struct Database {
    url: String,
    namespace: String,
    /// The folder of a SQLite file, gone with it.
    _folder: Option<TempDir>,
    fresh: fn() -> Database,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self { url, namespace: namespace(), _folder: Some(folder), fresh: Self::sqlite }
    }

    pub(crate) fn postgres() -> Self {
        Self::server("TEST_POSTGRES_URL", Self::postgres)
    }

    pub(crate) fn mysql() -> Self {
        Self::server("TEST_MYSQL_URL", Self::mysql)
    }

    fn server(variable: &str, fresh: fn() -> Self) -> Self {
        let Ok(url) = std::env::var(variable) else {
            panic!(
                "{variable} is not set: run `cargo xtask test rust`, which starts the databases, \
                 or `cargo xtask databases` and set what it prints"
            );
        };
        Self { url, namespace: namespace(), _folder: None, fresh }
    }

    /// A database that is at this URL.
    pub(crate) fn at(url: String) -> Self {
        Self { url, namespace: namespace(), _folder: None, fresh: || unreachable!("it is one") }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Another database of the same kind.
    pub(crate) fn fresh(&self) -> Self {
        (self.fresh)()
    }

    /// The name of a table in this database.
    pub(crate) fn table(&self, name: &str) -> String {
        format!("{}_{name}", self.namespace)
    }

    pub(crate) fn builder(&self, reducer: Reducer) -> StoreBuilder {
        Store::builder(reducer, &self.url).namespace(&self.namespace)
    }

    /// Opens the store of the tasks.
    pub(crate) async fn open(&self) -> Store {
        self.builder(tasks::reducer()).open().await.unwrap()
    }

    /// Fails to open a store of other reducers.
    pub(crate) async fn refusal(&self, reducer: Reducer) -> Error {
        self.builder(reducer).open().await.unwrap_err()
    }

    /// Fails to open a store as a user who may connect, and nothing else.
    pub(crate) async fn refusal_without_rights(&self, reducer: Reducer) -> Error {
        let user = format!("{}_nobody", self.namespace);
        let url = match self.url.split_once(':').unwrap().0 {
            "sqlite" => {
                self.run("CREATE TABLE other (id INTEGER)".to_owned()).await;
                format!("{}?mode=ro", self.url)
            }
            "postgres" => {
                self.run(format!("CREATE ROLE {user} LOGIN")).await;
                self.url.replace("postgres://flux@", &format!("postgres://{user}@"))
            }
            _ => {
                self.run(format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret'")).await;
                self.url.replace("mysql://flux:flux@", &format!("mysql://{user}:secret@"))
            }
        };
        assert_ne!(url, self.url);
        let builder = Store::builder(reducer, url).namespace(&self.namespace);
        builder.open().await.unwrap_err()
    }

    /// Holds the head as another client, until it is dropped.
    pub(crate) async fn hold_head(&self) -> Box<dyn std::any::Any> {
        use sqlx::Connection as _;
        let head = self.table("flux_head");
        let lock = sqlx::AssertSqlSafe(format!("SELECT * FROM {head} FOR UPDATE"));
        match self.url.split_once(':').unwrap().0 {
            "sqlite" => {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
            "postgres" => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
                sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
            _ => {
                let mut connection = sqlx::MySqlConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql("START TRANSACTION").execute(&mut connection).await.unwrap();
                sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
        }
    }

    /// Whether there is such a table.
    pub(crate) async fn has_table(&self, name: &str) -> bool {
        let quote = if self.url.starts_with("mysql") { '`' } else { '"' };
        let table = self.table(name);
        self.try_to_run(format!("SELECT 1 FROM {quote}{table}{quote} LIMIT 1")).await.is_ok()
    }

    /// Makes the database refuse to `INSERT` into a table, or to `DELETE` from it.
    pub(crate) async fn refuse(&self, action: &str, table: &str) {
        let name = format!("{table}_{action}");
        let trigger = format!("CREATE TRIGGER {name} BEFORE {action} ON {table}");
        self.run(match self.url.split_once(':').unwrap().0 {
            "sqlite" => format!("{trigger} BEGIN SELECT RAISE(ABORT, 'it is refused'); END"),
            "postgres" => format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE 'it is refused'; END $$; \
                 {trigger} FOR EACH ROW EXECUTE FUNCTION {name}()"
            ),
            _ => format!("{trigger} FOR EACH ROW SIGNAL SQLSTATE '45000'"),
        })
        .await;
    }

    /// Whether a table, which has a key, has no rows.
    pub(crate) async fn is_empty(&self, table: &str) -> bool {
        self.try_to_run(format!("INSERT INTO {table} SELECT * FROM {table}")).await.is_ok()
    }

    /// Runs a statement as somebody else.
    pub(crate) async fn run(&self, statement: String) {
        self.try_to_run(statement).await.unwrap();
    }

    pub(crate) async fn try_to_run(&self, statement: String) -> Result<(), sqlx::Error> {
        use sqlx::Connection as _;
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(statement));
        match self.url.split_once(':').unwrap().0 {
            "sqlite" => {
                let url = format!("{}?mode=rwc", self.url);
                let mut connection = sqlx::SqliteConnection::connect(&url).await?;
                sql.execute(&mut connection).await?;
                connection.close().await
            }
            "postgres" => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await?;
                sql.execute(&mut connection).await?;
                connection.close().await
            }
            _ => {
                let mut connection = sqlx::MySqlConnection::connect(&self.url).await?;
                sql.execute(&mut connection).await?;
                connection.close().await
            }
        }
    }
}

fn namespace() -> String {
    let random = Uuid::now_v7().simple().to_string();
    format!("t{}", &random[random.len() - 11..])
}
