//! A busy store: those who read, wait or never end harm nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flux_server::reducers::{
    Action, Collection, Database as Documents, Document, Filter, Halt, Query, RecordedEvent,
    Reducer, Reduction, Rejection, Uuid, Value, root_reducer,
};
use flux_server::{LogQuery, Store};
use tokio::task::JoinSet;

use crate::databases::Database;
use crate::tasks::*;

/// A document for each event, named by the event's id.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "receipts")]
struct Receipt {
    id: Uuid,
    written_at: flux_server::reducers::Timestamp,
}

/// Reads the id and the time that the store gives an event.
fn receipts() -> Reducer {
    root_reducer([Receipt::SCHEMA], |documents: &Documents, action: &Action| {
        let receipts: Collection<Receipt> = documents.collection()?;
        let (Some(id), Some(written_at)) = (action.id, action.timestamp) else {
            return Err(Rejection::new("incomplete", "an event has an id and a time").into());
        };
        // Whether it is known decides, so that it is asked for and not assumed.
        if receipts.find_by_id(id)?.is_some() {
            return Err(Rejection::new("seen", "the event was seen before").into());
        }
        Ok(receipts.create(Receipt { id, written_at }))
    })
}

pub(crate) async fn what_the_store_gives_an_event_stays_however_often_it_is_reduced(
    database: Database,
) {
    let store = database.builder(receipts()).open().await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let store = store.clone();
        callers.spawn(async move { store.dispatch(&Action::new("rung")).await });
    }
    for event in callers.join_all().await {
        let event = event.unwrap();
        let receipt = store.find_by_id::<Receipt>(event.id).await.unwrap();
        assert_eq!(receipt, Some(Receipt { id: event.id, written_at: event.timestamp }));
    }
    let (reducer, log) = (receipts(), store.events(LogQuery::default()).await.unwrap());
    let mut replayed = reducer.database().unwrap();
    for event in log.documents {
        reducer.run(&mut replayed, &event.into()).unwrap();
    }
    let stored = store.read(&[("receipts", Query::all())]).await.unwrap();
    assert_eq!(stored.documents, [replayed.rows("receipts", &Query::all()).unwrap()]);
}

/// Refuses the fourth event, and tells how many it knows of.
fn at_most_three() -> Reducer {
    root_reducer([RecordedEvent::SCHEMA], |documents: &Documents, _: &Action| {
        let log: Collection<RecordedEvent> = documents.collection()?;
        match log.count(Filter::all())? {
            0..3 => Ok(log.no_change()),
            found => Err(Rejection::new("enough", format!("{found} are enough")).into()),
        }
    })
}

pub(crate) async fn a_reducer_that_reads_the_log_reads_all_of_it(database: Database) {
    let mut store = database.builder(at_most_three()).open().await.unwrap();
    for round in 0..5 {
        let result = store.dispatch(&Action::new("rung")).await;
        assert_eq!(result.is_ok(), round < 3, "{result:?}");
        if round == 1 {
            // What is warm makes no difference.
            store.close().await;
            store = database.builder(at_most_three()).open().await.unwrap();
        }
    }
}

pub(crate) async fn readers_do_not_keep_the_writer_waiting(database: Database) {
    const READERS: usize = 64;
    const CALLERS: i64 = 8;
    const ROUNDS: i64 = 20;
    let store = database.open().await;
    for first in 0..4 {
        let tasks: Vec<_> = (first * 500..(first + 1) * 500).map(added).collect();
        store.dispatch_all(&tasks).await.unwrap();
    }
    store.close().await;
    // Nothing is warm: each dispatch is looked up.
    let store = database.open().await;
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let store = store.clone();
        readers.spawn(async move {
            loop {
                store.find_all::<Task>(Query::all()).await.unwrap();
            }
        });
    }
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for round in 0..ROUNDS {
                store.dispatch(&TaskDone { id: caller * ROUNDS + round }).await.unwrap();
            }
        });
    }
    // Behind the readers each look would take as long as all of their reads before it.
    tokio::time::timeout(Duration::from_secs(20), callers.join_all()).await.unwrap();
    readers.shutdown().await;
    verify(&store).await;
}

/// What a reducer was run with.
#[derive(Default)]
struct Runs {
    innocent: AtomicU64,
    endless: AtomicU64,
}

/// Counts how often the two are run, and takes its time with the endless one.
fn slow(runs: Arc<Runs>) -> Reducer {
    root_reducer([Task::SCHEMA], move |documents: &Documents, event: &TaskEvent| -> Reduction {
        let result = tasks(&documents.collection()?, event);
        if *event == added(1) {
            runs.innocent.fetch_add(1, Ordering::Relaxed);
        }
        if let Err(Halt::Fault(_)) = result
            && *event == AllRead
        {
            runs.endless.fetch_add(1, Ordering::Relaxed);
            let until = Instant::now() + Duration::from_millis(2);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        }
        result
    })
}

pub(crate) async fn what_is_committed_is_answered_while_the_next_is_settled(database: Database) {
    let runs = Arc::new(Runs::default());
    let store = database.builder(slow(Arc::clone(&runs))).open().await.unwrap();
    store.dispatch(&added(0)).await.unwrap();
    let held = database.hold_head().await;
    let innocent = spawn(&store, added(1));
    // Its batch is made, and takes no more, when the endless one comes; its commit waits.
    until(|| runs.innocent.load(Ordering::Relaxed) > 0).await;
    let endless = spawn(&store, AllRead);
    until(|| runs.endless.load(Ordering::Relaxed) > 0).await;
    drop(held);
    innocent.await.unwrap().unwrap();
    let rounds = runs.endless.load(Ordering::Relaxed);
    assert!(rounds < 900, "it was answered after {rounds} rounds of another dispatch");
    assert_eq!(endless.await.unwrap().unwrap_err().code(), "reads_without_end");
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

fn spawn(
    store: &Store,
    event: TaskEvent,
) -> tokio::task::JoinHandle<Result<Arc<RecordedEvent>, flux_server::Error>> {
    let store = store.clone();
    tokio::spawn(async move { store.dispatch(&event).await })
}

pub(crate) async fn followers_hear_of_batches_in_their_order(database: Database) {
    let store = database.open().await;
    let mut events = store.subscribe().unwrap();
    let mut callers = JoinSet::new();
    for id in 0..64 {
        let store = store.clone();
        callers.spawn(async move {
            // Some can't be assumed, and are committed holding the head.
            store.dispatch(&TaskRenamed { id: id + 1000, title: "none".into() }).await.unwrap();
            store.dispatch(&added(id)).await.unwrap();
        });
    }
    let mut next = 1;
    while next <= 128 {
        for event in events.next().await.unwrap().unwrap() {
            assert_eq!(event.position, next);
            next += 1;
        }
    }
    callers.join_all().await;
    assert_eq!(store.events(LogQuery::default()).await.unwrap().position, 128);
    assert!(store.find_by_id::<Task>(Value::Integer(5)).await.unwrap().is_some());
}
