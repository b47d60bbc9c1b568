//! Several servers on one database: one order, and everybody hears of everything once.

use std::time::Duration;

use flux_server::reducers::Uuid;
use flux_server::{Dispatch, Error, Store};

use crate::databases::Database;
use crate::tasks::*;

async fn server(database: &Database) -> Store {
    let builder = database.builder(reducer()).poll_interval(Duration::from_millis(50));
    builder.open().await.unwrap()
}

pub(crate) async fn a_subscriber_of_one_server_gets_what_another_dispatched(database: Database) {
    let (one, two) = (server(&database).await, server(&database).await);
    let mut events = one.subscribe().unwrap();
    for id in 0..5 {
        let dispatched = two.dispatch(&added(id)).await.unwrap();
        let received = events.next().await.unwrap().unwrap();
        assert_eq!(received.as_slice(), [dispatched]);
    }
}

pub(crate) async fn a_position_of_another_server_can_be_followed_at_once(database: Database) {
    let (one, two) = (server(&database).await, server(&database).await);
    two.dispatch_all(&[added(1), added(2)]).await.unwrap();
    let mut events = one.subscribe_from(2).await.unwrap();
    two.dispatch(&added(3)).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap()[0].position, 3);
}

pub(crate) async fn followers_of_busy_servers_get_every_event_once_and_in_order(
    database: Database,
) {
    let servers = [server(&database).await, server(&database).await, server(&database).await];
    let mut followers = tokio::task::JoinSet::new();
    for server in &servers {
        let mut events = server.subscribe_from(0).await.unwrap();
        followers.spawn(async move {
            let mut next = 1;
            while next <= 300 {
                for event in events.next().await.unwrap().unwrap() {
                    assert_eq!(event.position, next);
                    next += 1;
                }
            }
        });
    }
    let mut writers = tokio::task::JoinSet::new();
    for (which, server) in servers.iter().enumerate() {
        let first = i64::try_from(which).unwrap() * 100;
        for caller in 0..4 {
            let server = server.clone();
            writers.spawn(async move {
                for round in 0..25 {
                    server.dispatch(&added(first + caller * 25 + round)).await.unwrap();
                }
            });
        }
    }
    writers.join_all().await;
    followers.join_all().await;
    verify(&servers[0]).await;
}

pub(crate) async fn an_id_that_another_server_recorded_is_answered(database: Database) {
    let (one, two) = (server(&database).await, server(&database).await);
    let action = action(&added(1)).with_id(Uuid::from_u128(1));
    let recorded = one.dispatch(&action).await.unwrap();
    assert_eq!(two.dispatch(&action).await.unwrap(), recorded);
    assert_eq!(one.position().await.unwrap(), 1);
}

pub(crate) async fn a_dispatch_with_an_expected_position_fails_once_the_head_moved(
    database: Database,
) {
    let (one, two) = (server(&database).await, server(&database).await);
    let dispatch = |event: TaskEvent, expected: i64| Dispatch {
        actions: vec![action(&event).with_id(Uuid::from_u128(event_number(&event)))],
        expected_position: Some(expected),
    };
    one.dispatch_together(dispatch(added(1), 0)).await.unwrap();
    let error = two.dispatch_together(dispatch(added(2), 0)).await.unwrap_err();
    assert!(matches!(error, Error::PositionMoved { expected: 0, head: 1 }), "{error}");
    two.dispatch_together(dispatch(added(2), 1)).await.unwrap();
    // A retry is answered, wherever the head is by now.
    let retried = one.dispatch_together(dispatch(added(1), 0)).await.unwrap();
    assert_eq!(retried[0].position, 1);
    assert_eq!(one.position().await.unwrap(), 2);
}

pub(crate) async fn a_head_that_somebody_holds_is_a_retryable_error_until_it_is_free(
    database: Database,
) {
    let store = server(&database).await;
    store.dispatch(&added(1)).await.unwrap();
    let held = database.hold_head().await;
    let begun = std::time::Instant::now();
    let error = store.dispatch(&added(2)).await.unwrap_err();
    assert!(error.is_retryable() && begun.elapsed() < Duration::from_secs(15), "{error}");
    assert_eq!(store.find_all::<Task>(flux_server::reducers::Query::all()).await.unwrap().len(), 1);
    drop(held);
    while store.dispatch(&added(2)).await.is_err() {}
    verify(&store).await;
}

pub(crate) async fn a_batch_that_can_not_be_written_fails_at_once(database: Database) {
    let store = server(&database).await;
    let held = database.hold_head().await;
    let begun = std::time::Instant::now();
    for (_, result) in dispatched(&store, 0..64).await {
        let error = result.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }
    // The first caller's batch and that of all others: each waits for the head once.
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(held);
    while store.dispatch(&added(0)).await.is_err() {}
    verify(&store).await;
}

pub(crate) async fn a_row_that_the_database_refuses_fails_alone(database: Database) {
    let store = server(&database).await;
    store.dispatch(&added(1000)).await.unwrap();
    // Somebody else's rule, of which no reducer knows: there can be one task of a list.
    let (index, table) = (database.table("one_of_a_list"), database.table("tasks"));
    database.run(format!("CREATE UNIQUE INDEX {index} ON {table} (list)")).await;
    for (id, result) in dispatched(&store, 0..64).await {
        let list = id % 3;
        if list == 1000 % 3 {
            let error = result.unwrap_err();
            assert_eq!(error.code(), "database_refused", "{error}");
        }
    }
    // One of each list: those that were refused took nobody along.
    let tasks = store.find_all::<Task>(flux_server::reducers::Query::all()).await.unwrap();
    assert_eq!(tasks.len(), 3);
    verify(&store).await;
}

/// Dispatches new tasks at the same time.
pub(crate) async fn dispatched(
    store: &Store,
    ids: std::ops::Range<i64>,
) -> Vec<(i64, Result<std::sync::Arc<flux_server::reducers::RecordedEvent>, Error>)> {
    let mut callers = tokio::task::JoinSet::new();
    for id in ids {
        let store = store.clone();
        callers.spawn(async move { (id, store.dispatch(&added(id)).await) });
    }
    callers.join_all().await
}

fn event_number(event: &TaskEvent) -> u128 {
    match event {
        TaskAdded { id, .. } => u128::try_from(*id).unwrap(),
        _ => 0,
    }
}
