//! Rebuilds that end before the log does: interrupted, taken over, refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flux_server::reducers::{Action, Collection, Rejection, lift};
use flux_server::{Error, StoreBuilder};

use crate::contract::rebuilds::{fill, newer, verify_by};
use crate::databases::Database;
use crate::tasks::*;

pub(crate) async fn a_rebuild_that_is_interrupted_goes_on_or_begins_anew(database: Database) {
    let store = database.open().await;
    fill(&store, 0..400).await;
    store.close().await;
    for reducer in [newer::reducer(), reducer().with_version(7), newer::reducer()] {
        interrupt(database.builder(reducer)).await;
    }

    assert!(begins_at(database.builder(newer::reducer())).await >= 512, "it goes on where it was");
    let store = database.builder(newer::reducer()).open().await.unwrap();
    verify_by(&store, &newer::reducer()).await;
}

/// Rebuilds, and returns after which event it was first told how far it is.
async fn begins_at(builder: StoreBuilder) -> i64 {
    let mut first = None;
    builder.rebuild(|progress| first = first.or(Some(progress.position))).await.unwrap();
    first.unwrap()
}

pub(crate) async fn what_another_program_began_to_rebuild_begins_anew(database: Database) {
    let store = database.open().await;
    fill(&store, 0..400).await;
    store.close().await;
    interrupt(database.builder(newer::reducer())).await;
    // Its reducers may be others under the same version.
    let generations = database.table("flux_generations");
    let another = match database.url().split_once(':').unwrap().0 {
        "postgres" => "gen_random_uuid()",
        "sqlite" => "randomblob(16)",
        _ => "UNHEX(MD5('another'))",
    };
    let another = format!("UPDATE {generations} SET program = {another} WHERE state = 'building'");
    database.run(another).await;
    assert!(begins_at(database.builder(newer::reducer())).await < 512);
    let store = database.builder(newer::reducer()).open().await.unwrap();
    verify_by(&store, &newer::reducer()).await;
}

pub(crate) async fn a_rebuild_that_is_interrupted_is_given_up_when_told(database: Database) {
    let store = database.open().await;
    fill(&store, 0..400).await;
    interrupt(database.builder(newer::reducer())).await;
    assert!(database.builder(reducer()).drop_unused().await.unwrap());
    assert!(!database.builder(reducer()).drop_unused().await.unwrap());
    verify(&store).await;
    assert!(store.verify().await.unwrap().is_sound());
    store.close().await;
    assert!(begins_at(database.builder(newer::reducer())).await < 512);
    // What is in use stays.
    assert!(database.builder(newer::reducer()).drop_unused().await.unwrap());
    let store = database.builder(newer::reducer()).open().await.unwrap();
    verify_by(&store, &newer::reducer()).await;
}

pub(crate) async fn a_rebuild_that_wakes_after_another_took_over_changes_nothing(
    database: Database,
) {
    let store = database.open().await;
    fill(&store, 0..400).await;
    store.close().await;
    let (asleep, sleeps) = std::sync::mpsc::channel();
    let (wake, awake) = std::sync::mpsc::channel::<()>();
    let sleeper = database.builder(newer::reducer());
    let sleeper = tokio::spawn(async move {
        let rebuilt = sleeper.rebuild(move |it| {
            if asleep.send(it.position).is_ok() {
                // As a process that is frozen.
                tokio::task::block_in_place(|| awake.recv().ok());
            }
        });
        rebuilt.await
    });
    let first = tokio::task::spawn_blocking(move || sleeps.recv()).await.unwrap().unwrap();
    assert!((1..400).contains(&first), "{first}");
    let refused = database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap_err();
    assert_eq!(refused.code(), "rebuild_under_way", "{refused}");
    let refused = database.builder(newer::reducer()).drop_unused().await.unwrap_err();
    assert_eq!(refused.code(), "rebuild_under_way", "{refused}");
    if !end_session_of_lock(&database, "flux_rebuild").await {
        // A file stays locked until the process ends.
        drop(wake);
        let store = sleeper.await.unwrap().unwrap();
        return verify_by(&store, &newer::reducer()).await;
    }
    let store = database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap();
    for id in 0..20 {
        let renamed = TaskRenamed { id, title: format!("later {id}") };
        store.dispatch(&renamed).await.unwrap();
    }
    drop(wake);
    let error = sleeper.await.unwrap().unwrap_err();
    assert_eq!(error.code(), "rebuild_under_way", "{error}");
    verify_by(&store, &newer::reducer()).await;
    assert!(store.verify().await.unwrap().is_sound());
}

pub(crate) async fn mended_reducers_begin_anew_where_the_log_was_not_accepted(database: Database) {
    let store = database.open().await;
    fill(&store, 0..300).await;
    store.close().await;
    let wrong = lift(|tasks: &Collection<Task>, event: &TaskEvent| match event {
        TaskAdded { id: 200, .. } => Err(Rejection::new("wrong", "a mistake").into()),
        TaskAdded { id, .. } => {
            Ok(tasks.create(Task { title: format!("wrong {id}"), ..task(*id) }))
        }
        _ => Ok(tasks.no_change()),
    });
    let error = database.builder(wrong.with_version(2)).rebuild(|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "replay_stopped");
    // The same version, for it was never in use; and at once, for nobody builds it any more.
    let mended = reducer().with_version(2);
    let store = database.builder(mended.clone()).rebuild(|_| {}).await.unwrap();
    verify_by(&store, &mended).await;
}

pub(crate) async fn a_rebuild_that_stops_early_in_a_long_log_ends(database: Database) {
    let store = database.open().await;
    fill(&store, 0..100).await;
    let large = Action::new("large").with_payload("x".repeat(50_000));
    for _ in 0..4 {
        store.dispatch_all(&vec![large.clone(); 50]).await.unwrap();
    }
    store.close().await;
    let strict = lift(|tasks: &Collection<Task>, event: &TaskEvent| match event {
        TaskAdded { id: 3, .. } => Err(Rejection::new("not_three", "not this one").into()),
        _ => crate::tasks::tasks(tasks, event),
    });
    let rebuild = database.builder(strict.with_version(2)).rebuild(|_| {});
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), rebuild).await;
    assert_eq!(ended.unwrap().unwrap_err().code(), "replay_stopped");
}

pub(crate) async fn a_gap_in_the_log_stops_a_rebuild(database: Database) {
    let store = database.open().await;
    fill(&store, 0..100).await;
    store.close().await;
    let events = database.table("events");
    let position = if database.url().starts_with("mysql") { "`position`" } else { "position" };
    database.run(format!("DELETE FROM {events} WHERE {position} = 5")).await;
    let error = database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("no event at position 5"), "{error}");
}

/// Ends the connection that holds a lock, as a database server does that hears nothing of it; false
/// where it is a file's.
async fn end_session_of_lock(database: &Database, lock: &str) -> bool {
    let name = database.table(lock);
    let end = match database.url() {
        url if url.starts_with("postgres") => format!(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
             AND objid::BIGINT = (hashtext('{name}')::BIGINT & 4294967295)"
        ),
        url if url.starts_with("mysql") => format!(
            "EXECUTE IMMEDIATE CONCAT('KILL ', \
             IS_USED_LOCK(MD5(CONCAT(DATABASE(), ' ', '{name}'))))"
        ),
        _ => return false,
    };
    database.run(end).await;
    true
}

/// Drops a rebuild in the middle of it.
async fn interrupt(builder: StoreBuilder) {
    let halfway = Arc::new(AtomicBool::new(false));
    let reached = Arc::clone(&halfway);
    let rebuild = builder.rebuild(move |it| {
        reached.store(it.position >= 512, Ordering::Relaxed);
    });
    let mut rebuild = std::pin::pin!(rebuild);
    while !halfway.load(Ordering::Relaxed) {
        tokio::select! {
            done = &mut rebuild => panic!("it was not interrupted: {done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
}

pub(crate) async fn a_rebuild_that_is_not_accepted_leaves_all_as_it_was(database: Database) {
    let store = database.open().await;
    fill(&store, 0..100).await;
    let strict = lift(|tasks: &Collection<Task>, event: &TaskEvent| match event {
        TaskDone { id: 70 } => Err(Rejection::new("not_seventy", "not this one").into()),
        _ => crate::tasks::tasks(tasks, event),
    });
    let builder = database.builder(strict.with_version(2));
    let error = builder.rebuild(|_| {}).await.unwrap_err();
    assert!(matches!(error, Error::ReplayStopped { position: 212, .. }), "{error}");
    assert!(error.to_string().contains("not this one"), "{error}");
    fill(&store, 100..110).await;
    verify(&store).await;
}

pub(crate) async fn a_rebuild_that_the_database_refuses_names_the_event(database: Database) {
    let store = database.open().await;
    store.dispatch(&added(0)).await.unwrap();
    let renamed = (0..1_500).map(|it| TaskRenamed { id: 0, title: format!("renamed {it}") });
    for renamed in renamed.collect::<Vec<_>>().chunks(500) {
        store.dispatch_all(renamed).await.unwrap();
    }
    store.dispatch_all(&(1..10).map(added).collect::<Vec<_>>()).await.unwrap();
    let first = store.find_by_id::<Task>(0).await.unwrap().unwrap();
    let same = (1..10).find(|id| task(*id).list == first.list).unwrap();
    store.close().await;
    interrupt(database.builder(reducer().with_version(2))).await;
    // Somebody else's rule, of which no reducer knows: there can be one task of a list.
    let (index, table) = (database.table("one_of_a_list"), database.table("tasks$1"));
    database.run(format!("CREATE UNIQUE INDEX {index} ON {table} (list)")).await;
    let error = database.builder(reducer().with_version(2)).rebuild(|_| {}).await.unwrap_err();
    let Error::ReplayStopped { position, .. } = error else { panic!("{error}") };
    assert_eq!(position, 1_501 + same, "{error}");
}
