//! Several servers on one database: one order, and everybody hears of everything once.

use std::time::Duration;

use flux_server::reducers::Uuid;
use flux_server::{Dispatch, Error, SnapshotPolicy, Store};

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

pub(crate) async fn what_callers_of_two_servers_are_told_is_what_the_log_says(database: Database) {
    const CALLERS: u64 = 24;
    const ROUNDS: u64 = 30;
    let servers = [server(&database).await, server(&database).await];
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let servers = servers.clone();
        callers.spawn(async move {
            let mut told = Vec::new();
            for round in 0..ROUNDS {
                let seed = caller * ROUNDS + round;
                let action = action(&some_event(seed)).with_id(Uuid::from_u128(seed.into()));
                // Mostly one server, so that it commits one batch while it settles the next.
                let one = &servers[usize::from(seed.is_multiple_of(7))];
                let other = &servers[usize::from(seed.is_multiple_of(5))];
                let answers = match seed % 3 {
                    // Sent twice at once, as by somebody who does not wait for the answer.
                    0 => {
                        let (one, other) =
                            tokio::join!(one.dispatch(&action), other.dispatch(&action));
                        vec![one, other]
                    }
                    _ => vec![one.dispatch(&action).await],
                };
                told.push((action, answers));
            }
            told
        });
    }
    let told: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    verify(&servers[0]).await;
    let log = servers[1].events(flux_server::LogQuery::default().limit(u64::MAX)).await.unwrap();
    let by_id: std::collections::HashMap<_, _> =
        log.documents.iter().map(|event| (event.id, event)).collect();
    assert_eq!(by_id.len(), log.documents.len(), "an event is in the log once");
    let mut accepted = 0;
    for (action, answers) in &told {
        let recorded = by_id.get(&action.id.unwrap());
        accepted += usize::from(recorded.is_some());
        for answer in answers {
            match (answer, recorded) {
                (Ok(answer), Some(recorded)) => assert_eq!(**answer, **recorded),
                // One that was refused may be accepted when it is sent again.
                (Err(Error::Rejected { .. }), _) => {}
                (answer, recorded) => panic!("{action:?}: told {answer:?}, recorded {recorded:?}"),
            }
        }
        let is_told = answers.iter().any(Result::is_ok);
        assert_eq!(is_told, recorded.is_some(), "{action:?} is in the log and nobody was told");
    }
    assert_eq!(accepted, log.documents.len());
    assert!(accepted > 100 && accepted < told.len(), "{accepted} of {} are accepted", told.len());
}

/// One of every kind of caller: patient, impatient, gone before the answer, on condition, of several
/// events at once; with an id of its own or without.
async fn call(servers: &[Store; 2], seed: u64) {
    let server = &servers[usize::from(seed.is_multiple_of(7))];
    let named = action(&some_event(seed)).with_id(Uuid::from_u128(seed.into()));
    let result = match seed % 6 {
        0 => server.dispatch(&named).await.map(drop),
        1 => {
            let (one, other) =
                tokio::join!(servers[0].dispatch(&named), servers[1].dispatch(&named));
            if let (Ok(one), Ok(other)) = (&one, &other) {
                assert_eq!(one, other, "one event has one answer");
            }
            one.and(other).map(drop)
        }
        2 => server.dispatch(&some_event(seed)).await.map(drop),
        3 => {
            let dispatch = server.dispatch(&named);
            tokio::select! {
                biased;
                answer = dispatch => answer.map(drop),
                () = tokio::task::yield_now() => Ok(()),
            }
        }
        4 => {
            let events = [some_event(seed), some_event(seed + 1), some_event(seed + 2)];
            server.dispatch_all(&events).await.map(drop)
        }
        _ => {
            let expected = server.position().await.unwrap();
            let dispatch = Dispatch { actions: vec![named], expected_position: Some(expected) };
            server.dispatch_together(dispatch).await.map(|recorded| {
                assert_eq!(recorded[0].position, expected + 1);
            })
        }
    };
    match result {
        Ok(()) | Err(Error::Rejected { .. } | Error::PositionMoved { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn callers_of_all_kinds_leave_log_documents_and_history_in_step(
    database: Database,
) {
    const CALLERS: u64 = 32;
    const ROUNDS: u64 = 24;
    let server = || async {
        let policy = SnapshotPolicy::default().every_events(40);
        let builder = database.builder(reducer()).keep_history().snapshots(policy);
        builder.poll_interval(Duration::from_millis(20)).open().await.unwrap()
    };
    let servers = [server().await, server().await];
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let servers = servers.clone();
        callers.spawn(async move {
            for round in 0..ROUNDS {
                call(&servers, caller * ROUNDS + round).await;
            }
        });
    }
    callers.join_all().await;
    // What a caller has given up may be recorded after it has gone, until its server is closed.
    for server in &servers {
        server.close().await;
    }
    let store = server().await;
    verify(&store).await;
    let found = store.verify().await.unwrap();
    assert!(found.is_sound() && found.snapshots > 0, "{found:?}");
    let end = store.position().await.unwrap();
    assert!(end > 200, "{end} are recorded");
    for id in 0..40 {
        let changes = store.history::<Task>(id).await.unwrap();
        let now = store.find_by_id::<Task>(id).await.unwrap();
        assert_eq!(changes.last().and_then(|last| last.after.clone()), now);
        assert!(changes.windows(2).all(|two| two[0].after == two[1].before));
        assert!(changes.is_sorted_by_key(|change| change.event.position));
    }
}

/// An event that meets those of others: the same few documents, unique values and lists.
pub(crate) fn some_event(seed: u64) -> TaskEvent {
    let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let (id, other) = ((random % 40).cast_signed(), (random / 40 % 40).cast_signed());
    match random / 1600 % 10 {
        0..5 => TaskAdded { id, title: format!("task {other}"), list: Some(id % 5) },
        5 => TaskDone { id },
        6 | 7 => TaskRenamed { id, title: format!("task {other}") },
        8 => TitlesSwapped { first: id, second: other },
        _ => ListCleared { list: id % 5 },
    }
}
