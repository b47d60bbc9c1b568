//! Following the log: everything, in order, once.

use std::pin::pin;

use flux_server::reducers::{Action, Query};
use flux_server::{Checkpoint, Error, LogQuery, Store, Subscription};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::databases::Database;
use crate::tasks::*;

async fn take(subscription: &mut Subscription, count: usize) -> Vec<i64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        let events = subscription.next().await.unwrap().unwrap();
        positions.extend(events.iter().map(|event| event.position));
    }
    positions
}

async fn add(store: &Store, ids: std::ops::Range<i64>) {
    for ids in ids.collect::<Vec<_>>().chunks(500) {
        let events: Vec<_> = ids.iter().map(|id| added(*id)).collect();
        store.dispatch_all(&events).await.unwrap();
    }
}

pub(crate) async fn a_subscription_tells_what_is_recorded_from_now_on(database: Database) {
    let store = database.open().await;
    add(&store, 0..3).await;
    let mut subscription = store.subscribe().unwrap();
    add(&store, 3..5).await;
    assert_eq!(take(&mut subscription, 2).await, [4, 5]);
    assert_eq!(subscription.position(), 5);
}

pub(crate) async fn a_subscription_from_a_position_reads_the_log_and_then_follows(
    database: Database,
) {
    let store = database.open().await;
    add(&store, 0..700).await;
    store.close().await;
    let store = database.open().await;
    let mut subscription = store.subscribe_from(5).await.unwrap();
    assert_eq!(take(&mut subscription, 695).await, (6..=700).collect::<Vec<_>>());
    add(&store, 700..710).await;
    assert_eq!(take(&mut subscription, 10).await, (701..=710).collect::<Vec<_>>());
}

pub(crate) async fn a_reader_that_falls_behind_reads_the_log_again(database: Database) {
    let store = database.open().await;
    let mut subscription = store.subscribe().unwrap();
    add(&store, 0..10_000).await;
    assert_eq!(take(&mut subscription, 10_000).await, (1..=10_000).collect::<Vec<_>>());
}

pub(crate) async fn followers_of_a_busy_store_get_every_event_once(database: Database) {
    let store = database.open().await;
    let mut followers = tokio::task::JoinSet::new();
    for from in 0..10 {
        let mut subscription = store.subscribe_from(0).await.unwrap();
        followers.spawn(async move {
            if from % 2 == 0 {
                tokio::task::yield_now().await;
            }
            take(&mut subscription, 2000).await
        });
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..20 {
        let store = store.clone();
        writers.spawn(async move {
            for id in 0..100 {
                store.dispatch(&added(writer * 100 + id)).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    for positions in followers.join_all().await {
        assert_eq!(positions, (1..=2000).collect::<Vec<_>>());
    }
}

pub(crate) async fn a_position_beyond_the_log_is_refused(database: Database) {
    let store = database.open().await;
    add(&store, 0..2).await;
    let error = store.subscribe_from(3).await.unwrap_err();
    assert!(matches!(error, Error::PositionAhead { position: 3, head: 2 }), "{error}");
    assert!(store.subscribe_from(-1).await.is_err());
    assert!(store.subscribe_from(2).await.is_ok());
}

pub(crate) async fn a_gap_in_the_log_is_passed_by_nobody(database: Database) {
    let store = database.open().await;
    add(&store, 0..4).await;
    let events = database.table("events");
    database.run(format!("DELETE FROM {events} WHERE position = 3")).await;
    let reopened = database.open().await;
    let mut subscription = reopened.subscribe_from(0).await.unwrap();
    assert_eq!(take(&mut subscription, 2).await, [1, 2]);
    let error = subscription.next().await.unwrap_err();
    assert!(error.to_string().contains("no event at position 3"), "{error}");
    assert_eq!(subscription.position(), 2);
}

pub(crate) async fn a_checkpoint_of_another_log_is_refused(database: Database) {
    let store = database.open().await;
    add(&store, 0..2).await;
    let read = store.read(&[("tasks", Query::all())]).await.unwrap();
    let seen = read.checkpoint();
    assert_eq!(seen.position, 2);
    assert!(seen.event_id.is_some());
    assert!(store.subscribe_from(seen).await.is_ok());
    assert!(store.events(LogQuery::default().after(seen)).await.unwrap().documents.is_empty());
    // As after a backup of the first event that others then wrote on.
    let other = Checkpoint { position: 1, ..seen };
    let error = store.subscribe_from(other).await.unwrap_err();
    assert!(matches!(error, Error::LogReplaced { position: 1, .. }), "{error}");
    assert!(store.events(LogQuery::default().after(other)).await.is_err());
}

pub(crate) async fn large_events_are_followed_in_batches_of_bounded_size(database: Database) {
    let store = database.open().await;
    let large = Action::new("large").with_payload("x".repeat(100_000));
    for _ in 0..8 {
        store.dispatch_all(&vec![large.clone(); 8]).await.unwrap();
    }
    let from_memory = store.subscribe_from(0).await.unwrap();
    let reopened = database.open().await;
    for mut subscription in [from_memory, reopened.subscribe_from(0).await.unwrap()] {
        let mut position = 0;
        while position < 64 {
            let batch = subscription.next().await.unwrap().unwrap();
            assert!(batch.len() < 16, "{} events of 100 kB", batch.len());
            for event in batch {
                position += 1;
                assert_eq!(event.position, position);
            }
        }
    }
}

pub(crate) async fn a_stream_ends_when_the_store_is_closed(database: Database) {
    let store = database.open().await;
    add(&store, 0..2).await;
    let mut events = pin!(store.subscribe_from(0).await.unwrap().into_stream());
    assert_eq!(events.try_next().await.unwrap().unwrap().position, 1);
    assert_eq!(events.try_next().await.unwrap().unwrap().position, 2);
    store.close().await;
    assert!(events.next().await.is_none());
    assert!(matches!(store.subscribe(), Err(Error::Closed)));
}
