//! What only PostgreSQL needs: databases that are set up in another way, and what servers tell each
//! other.

use std::time::Duration;

use sqlx::Connection as _;
use tokio::time::timeout;

use crate::contract::dispatched;
use crate::databases::Database;
use crate::service;
use crate::tasks::*;

/// Creates a database beside that of the tests.
async fn created(name: &str, options: &str) -> Database {
    let database = Database::postgres();
    database.run(format!("DROP DATABASE IF EXISTS {name}")).await;
    database.run(format!("CREATE DATABASE {name} {options}")).await;
    let (server, _) = database.url().rsplit_once('/').unwrap();
    Database::at(format!("{server}/{name}"))
}

#[tokio::test]
async fn a_database_of_another_encoding_is_told() {
    let database = created("latin", "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'").await;
    let error = database.refusal(reducer()).await;
    assert_eq!(error.code(), "database_unsuitable");
    assert!(error.to_string().contains("ENCODING 'UTF8'"), "{error}");
}

#[tokio::test]
async fn the_databases_own_isolation_does_not_matter() {
    let database = created("isolated", "").await;
    let isolation = "ALTER DATABASE isolated SET default_transaction_isolation = 'repeatable read'";
    database.run(isolation.to_owned()).await;
    let servers = [database.open().await, database.open().await];
    let (one, two) =
        tokio::join!(dispatched(&servers[0], 0..200), dispatched(&servers[1], 200..400));
    for (id, result) in one.into_iter().chain(two) {
        result.unwrap_or_else(|error| panic!("task {id}: {error}"));
    }
    verify(&servers[0]).await;
}

#[tokio::test]
async fn servers_tell_each_other_without_waiting_to_be_asked() {
    let database = Database::postgres();
    let hour = Duration::from_secs(3600);
    let asleep = database.builder(reducer()).poll_interval(hour).open().await.unwrap();
    let other = database.open().await;
    let mut events = asleep.subscribe().unwrap();
    // What is recorded before it listens is not told; what follows tells of all.
    let mut id = 0;
    let received = loop {
        other.dispatch(&added(id)).await.unwrap();
        id += 1;
        let waited = timeout(Duration::from_millis(100), events.next()).await;
        if let Ok(received) = waited {
            break received.unwrap().unwrap();
        }
    };
    assert_eq!(received[0].position, 1);
}

#[tokio::test]
async fn reads_that_nobody_waits_for_any_more_keep_no_connection() {
    let database = Database::postgres();
    let service = service::run_on(database.open().await, |service| service).await;
    service.store.dispatch(&added(1)).await.unwrap();
    let tasks = database.table("tasks");
    let mut other = sqlx::PgConnection::connect(database.url()).await.unwrap();
    let lock = format!("BEGIN; LOCK TABLE {tasks} IN ACCESS EXCLUSIVE MODE");
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut other).await.unwrap();
    let url = format!("http://{}/collections/tasks", service.address);
    let waiting = format!(
        "SELECT COUNT(*) FROM pg_locks WHERE relation = '{tasks}'::regclass AND NOT granted"
    );
    let abandoned = async {
        // Three times as many as may read at a time, which the database does not notice.
        for begun in [6, 12, 18] {
            let reads: Vec<_> = (0..6).map(|_| tokio::spawn(reqwest::get(url.clone()))).collect();
            let waiting = || sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(waiting.clone()));
            while waiting().fetch_one(&mut other).await.unwrap() < begun {
                tokio::task::yield_now().await;
            }
            reads.iter().for_each(tokio::task::JoinHandle::abort);
        }
        service.get("/events").await
    };
    // Before the database gives up to wait for the lock.
    let (status, _) = timeout(Duration::from_secs(9), abandoned).await.unwrap();
    assert_eq!(status, 200);
    other.close().await.unwrap();
    service.stop().await;
}
