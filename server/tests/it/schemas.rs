//! Tables that fit, and tables that do not: clear errors at start.

use flux_server::reducers::{
    Action, Collection, Document, Reducer, Reduction, aggregate_reducers, lift,
};
use flux_server::{Error, Store};

use crate::tasks::{self, File, Task, added};

fn keeping<T: Document + 'static>() -> Reducer {
    lift(|documents: &Collection<T>, _: &Action| -> Reduction { Ok(documents.no_change()) })
}

async fn refusal(reducer: Reducer, url: &str) -> Error {
    Store::open(reducer, url).await.unwrap_err()
}

#[tokio::test]
async fn a_schema_that_no_longer_fits_is_told_with_the_difference() {
    #[derive(Document)]
    #[document(collection = "tasks")]
    struct Changed {
        id: i64,
        #[document(unique)]
        title: String,
        #[document(index)]
        list: Option<String>,
        done: bool,
    }
    #[derive(Document)]
    #[document(collection = "tasks")]
    struct Longer {
        id: i64,
        #[document(unique)]
        title: String,
        #[document(index)]
        list: Option<i64>,
        done: bool,
        color: String,
    }
    let file = File::new();
    file.open().await.close().await;
    let error = refusal(keeping::<Changed>(), &file.url()).await;
    assert_eq!(error.code(), "schema_changed");
    assert!(error.to_string().contains(r#"field "list" was"#), "{error}");
    let error = refusal(keeping::<Longer>(), &file.url()).await;
    assert!(error.to_string().contains(r#"field "color" is new"#), "{error}");
    file.open().await;
}

#[tokio::test]
async fn a_new_collection_beside_an_old_log_is_told() {
    #[derive(Document)]
    #[document(collection = "tags")]
    struct Tag {
        id: i64,
    }
    let with_tags = || aggregate_reducers([tasks::reducer(), keeping::<Tag>()]);
    let file = File::new();
    let store = file.open().await;
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    let error = refusal(with_tags(), &file.url()).await;
    assert!(matches!(&error, Error::SchemaChanged { collection, .. } if collection == "tags"));

    let empty = File::new();
    empty.open().await.close().await;
    Store::open(with_tags(), empty.url()).await.unwrap();
}

#[tokio::test]
async fn a_table_that_the_store_did_not_make_is_left_alone() {
    #[derive(Document)]
    #[document(collection = "flux")]
    struct Flux {
        id: i64,
    }
    let file = File::new();
    let store = Store::open(keeping::<Flux>(), file.url()).await.unwrap();
    store.close().await;
    // A store of other reducers in the same file: `flux` is there, `tasks` is made beside it.
    file.open().await.close().await;

    let other = File::new();
    let path = other.url().replace("sqlite://", "");
    sqlite3(&path, "CREATE TABLE tasks (id TEXT)").await;
    assert_eq!(refusal(tasks::reducer(), &other.url()).await.code(), "table_in_the_way");
    sqlite3(&path, "DROP TABLE tasks; CREATE TABLE events (id TEXT)").await;
    assert_eq!(refusal(tasks::reducer(), &other.url()).await.code(), "table_in_the_way");
    sqlite3(&path, "DROP TABLE events").await;
    other.open().await;
}

#[tokio::test]
async fn two_documents_of_one_name_are_refused() {
    #[derive(Document)]
    #[document(collection = "tasks")]
    struct Other {
        id: i64,
    }
    let both = aggregate_reducers([keeping::<Task>(), keeping::<Other>()]);
    assert_eq!(refusal(both, "sqlite::memory:").await.code(), "schema_invalid");
}

#[tokio::test]
async fn a_url_of_no_database_is_told() {
    for url in ["", "notes.db", "postgres://localhost/notes", "oracle://x", "sqlite://a.db?mode=x"]
    {
        assert_eq!(refusal(tasks::reducer(), url).await.code(), "url_invalid", "{url}");
    }
    let unreachable = "sqlite:///no/such/folder/notes.db";
    assert_eq!(refusal(tasks::reducer(), unreachable).await.code(), "database_failed");
}

async fn sqlite3(path: &str, statements: &'static str) {
    use sqlx::Connection as _;
    let url = format!("sqlite://{path}?mode=rwc");
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
