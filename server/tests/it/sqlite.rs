//! What only SQLite needs.

use flux_server::SnapshotPolicy;
use flux_server::reducers::{Event as _, Json};

use crate::contract::dispatched;
use crate::databases::Database;
use crate::tasks::*;

#[tokio::test]
async fn a_file_of_another_encoding_is_told() {
    let database = Database::sqlite();
    database.run("PRAGMA encoding = 'UTF-16'; CREATE TABLE other (id INTEGER)".to_owned()).await;
    let error = database.refusal(reducer()).await;
    assert_eq!(error.code(), "database_unsuitable");
    assert!(error.to_string().contains("its encoding is UTF-16"), "{error}");
}

#[tokio::test]
async fn a_document_that_can_not_be_read_takes_nobody_along() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.dispatch_all(&[added(1000), added(1001)]).await.unwrap();
    store.close().await;
    let (table, long) = (database.table("tasks"), "x".repeat(600));
    database.run(format!("UPDATE {table} SET title = '{long}' WHERE id = 1000")).await;

    let store = database.open().await;
    let mut damaged = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        damaged.spawn(async move { store.dispatch(&TaskDone { id: 1000 }).await });
    }
    for (id, result) in dispatched(&store, 0..200).await {
        result.unwrap_or_else(|error| panic!("task {id}: {error}"));
    }
    for result in damaged.join_all().await {
        let error = result.unwrap_err();
        assert!(error.code() == "database_damaged" && !error.is_retryable(), "{error}");
    }
    store.dispatch(&TaskDone { id: 1001 }).await.unwrap();
}

#[tokio::test]
async fn a_database_in_memory_looks_up_and_commits_on_its_one_connection() {
    let store = in_memory().await;
    let mut others = tokio::task::JoinSet::new();
    for id in 1000..1200 {
        let store = store.clone();
        others.spawn(async move { store.dispatch(&TaskDone { id }).await });
    }
    for (id, result) in dispatched(&store, 0..200).await {
        result.unwrap_or_else(|error| panic!("task {id}: {error}"));
    }
    for result in others.join_all().await {
        assert_eq!(result.unwrap_err().code(), "no_such_task");
    }
    verify(&store).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_rebuild_is_refused_by_whatever_path_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("test.db"), folder.path().join("link.db"));
    let url = |path: &std::path::Path| format!("sqlite://{}", path.display());
    let store = builder(&url(&file)).open().await.unwrap();
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let newer = |path| flux_server::Store::builder(reducer().with_version(2), url(path));
    let second = newer(&link);
    let mut second = Some(second);
    let mut refused = None;
    let rebuilt = newer(&file).rebuild(|_| {
        if let Some(second) = second.take() {
            let rebuild = second.rebuild(|_| {});
            let ended =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(rebuild));
            refused = Some(ended.unwrap_err());
        }
    });
    rebuilt.await.unwrap();
    assert_eq!(refused.unwrap().code(), "rebuild_under_way");
}

#[tokio::test]
async fn the_log_of_writes_shrinks_when_a_long_read_has_ended() {
    use sqlx::Connection as _;
    let database = Database::sqlite();
    let store = database.open().await;
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mebibytes = || std::fs::metadata(format!("{path}-wal")).unwrap().len() >> 20;
    let mut reader = sqlx::SqliteConnection::connect(database.url()).await.unwrap();
    let read = format!("BEGIN; SELECT COUNT(*) FROM {}", database.table("tasks"));
    sqlx::raw_sql(sqlx::AssertSqlSafe(read)).execute(&mut reader).await.unwrap();
    let large: Json = serde_json::json!("x".repeat(4 << 20)).into();
    for id in 0..20 {
        let action = added(id).to_action().unwrap().with_meta("large", large.clone());
        store.dispatch(&action).await.unwrap();
    }
    assert!(mebibytes() > 65, "what the reader sees is kept");
    reader.close().await.unwrap();
    // It begins anew, and is cut, with a write after all of it was copied.
    for id in 20..30 {
        store.dispatch(&added(id)).await.unwrap();
    }
    assert!(mebibytes() <= 64, "{} MiB", mebibytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_closed_does_not_wait_for_the_snapshot_of_another() {
    let database = Database::sqlite();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let another = format!("{path}-{}", database.table("flux_snapshot"));
    let another = std::fs::File::create(another).unwrap();
    another.lock().unwrap();
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let policy = SnapshotPolicy::default().every_events(1);
    let store = database.builder(reducer()).snapshots(policy).open().await.unwrap();
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    let ended = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), ended).await.unwrap();
    drop(another);
}

#[tokio::test]
async fn a_snapshot_whose_id_can_not_be_read_is_passed_over_until_a_rebuild() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    store.take_snapshot().await.unwrap();
    let snapshots = database.table("flux_snapshots");
    database.run(format!("UPDATE {snapshots} SET id = CAST(x'ff' AS TEXT)")).await;
    assert_eq!(store.at(1).await.unwrap().position(), 1);
    let [broken] = &store.verify().await.unwrap().broken[..] else { panic!("one is broken") };
    assert!(broken.reason.contains("a rebuild leaves it behind"), "{broken:?}");
    store.close().await;
    let store = database.builder(reducer()).rebuild(|_| {}).await.unwrap();
    assert!(store.verify().await.unwrap().is_sound());
}
