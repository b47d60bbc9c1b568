//! The time machine: documents as they were.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use flux_server::reducers::{
    Action, Collection, Database as Documents, Document, Filter, Query, RecordedEvent, Reducer,
    Reduction, Row, Timestamp, Uuid, lift,
};
use flux_server::{Error, LogQuery, Store, StoreBuilder};

use crate::contract::servers::some_event;
use crate::databases::Database;
use crate::tasks::*;

/// Dispatches events that meet each other, several at a time; those that are refused are not there.
pub(super) async fn fill(store: &Store, events: std::ops::Range<u64>) {
    for seed in events {
        store.dispatch(&some_event(seed)).await.ok();
    }
}

pub(super) async fn log(store: &Store) -> Vec<RecordedEvent> {
    store.events(LogQuery::default().limit(u64::MAX)).await.unwrap().documents
}

/// What the first events make, in memory.
pub(super) fn replayed(log: &[RecordedEvent], position: i64) -> Vec<Row> {
    let reducer = reducer();
    let mut documents: Documents = reducer.database().unwrap();
    for event in log.iter().take(usize::try_from(position).unwrap()) {
        reducer.run(&mut documents, &event.clone().into()).unwrap();
    }
    documents.rows("tasks", &Query::all()).unwrap()
}

pub(crate) async fn any_moment_is_what_the_first_events_made(database: Database) {
    for has_history in [false, true] {
        let database = database.fresh();
        let builder = database.builder(reducer());
        let builder: StoreBuilder = if has_history { builder.keep_history() } else { builder };
        let store = builder.open().await.unwrap();
        fill(&store, 0..120).await;
        assert_eq!(store.take_snapshot().await.unwrap(), store.position().await.unwrap());
        fill(&store, 120..240).await;
        store.take_snapshot().await.unwrap();
        fill(&store, 240..300).await;
        let log = log(&store).await;
        let end = i64::try_from(log.len()).unwrap();
        assert!(end > 100, "{end}");
        // There and back, so that what is kept of the last question is used both ways.
        let steps = (0..=end).step_by(7).chain((0..=end).rev().step_by(11));
        for position in steps.chain([end - 1, 1, end, 0]) {
            let past = store.at(position).await.unwrap();
            let expected = replayed(&log, position);
            let query = Query::all();
            let found = past.read(&[("tasks", query.clone()), ("events", query)]).await.unwrap();
            assert_eq!(found[0], expected, "at {position}, history kept: {has_history}");
            assert_eq!(found[1].len(), usize::try_from(position).unwrap());
            assert_eq!(past.position(), position);
        }
        let query = || Query::from(Filter::eq("list", 2)).descending("title").limit(3);
        let past = store.at(end).await.unwrap().find_all::<Task>(query()).await.unwrap();
        assert_eq!(past, store.find_all::<Task>(query()).await.unwrap());
        verify(&store).await;
    }
}

pub(crate) async fn random_moments_are_what_a_fresh_store_has_then(database: Database) {
    for (has_history, snapshots) in [(false, 0), (false, 2), (false, 5), (true, 0), (true, 2)] {
        let (database, fresh) = (database.fresh(), database.fresh());
        let builder = database.builder(reducer());
        let builder: StoreBuilder = if has_history { builder.keep_history() } else { builder };
        let store = builder.open().await.unwrap();
        for part in 0..=snapshots {
            let (from, to) = (240 * part / (snapshots + 1), 240 * (part + 1) / (snapshots + 1));
            fill(&store, from..to).await;
            if part < snapshots {
                store.take_snapshot().await.unwrap();
            }
        }
        let log = log(&store).await;
        let random = RandomState::new();
        let positions = (0..12).map(|it| random.hash_one(it) % (log.len() as u64 + 1));
        let positions: Vec<i64> = positions.map(|it| it.try_into().unwrap()).collect();
        let fresh = fresh.open().await;
        let mut expected = BTreeMap::from([(0, vec![])]);
        let last = *positions.iter().max().unwrap();
        for (position, event) in (1..=last).zip(log) {
            fresh.dispatch(&Action::from(event)).await.unwrap();
            if positions.contains(&position) {
                let found = fresh.read(&[("tasks", Query::all())]).await.unwrap();
                expected.insert(position, found.documents.concat());
            }
        }
        for position in positions {
            let past = store.at(position).await.unwrap();
            let found = past.read(&[("tasks", Query::all())]).await.unwrap();
            let how = format!("{snapshots} snapshots, history kept: {has_history}");
            assert_eq!(found.concat(), expected[&position], "at {position}, {how}");
        }
    }
}

pub(crate) async fn the_shorter_way_to_a_moment_is_taken(database: Database) {
    let run = Arc::new(AtomicUsize::new(0));
    let counting = {
        let run = Arc::clone(&run);
        lift(move |all: &Collection<Task>, event: &TaskEvent| -> Reduction {
            run.fetch_add(1, Ordering::SeqCst);
            crate::tasks::tasks(all, event)
        })
    };
    for (has_history, events_run) in [(true, [0, 1, 4, 10]), (false, [9, 1, 4, 10])] {
        let database = database.fresh();
        let builder = database.builder(counting.clone());
        let builder = if has_history { builder.keep_history() } else { builder };
        let store = builder.open().await.unwrap();
        store.dispatch_all(&(1..=40).map(added).collect::<Vec<_>>()).await.unwrap();
        store.take_snapshot().await.unwrap();
        store.dispatch_all(&(41..=50).map(added).collect::<Vec<_>>()).await.unwrap();
        store.close().await;
        // Near the end, a step on from what is kept, after the snapshot, and long before it.
        for (position, expected) in [49, 50, 44, 10].into_iter().zip(events_run) {
            let builder = database.builder(counting.clone());
            let builder = if has_history { builder.keep_history() } else { builder };
            let store = builder.open().await.unwrap();
            if position == 50 {
                store.at(49).await.unwrap();
            }
            run.store(0, Ordering::SeqCst);
            let past = store.at(position).await.unwrap();
            let found = past.find_all::<Task>(Query::all()).await.unwrap().len();
            assert_eq!(i64::try_from(found).unwrap(), position);
            let how = format!("at {position}, history kept: {has_history}");
            assert_eq!(run.load(Ordering::SeqCst), expected, "{how}");
        }
    }
}

pub(crate) async fn a_moment_by_time_is_that_of_the_last_event_before(database: Database) {
    let store = database.open().await;
    for (id, second) in [(1, 10), (2, 20), (3, 20), (4, 30)] {
        let time = Timestamp::from_milliseconds(second * 1000).unwrap();
        let action = Action { timestamp: Some(time), ..action(&added(id)) };
        store.dispatch(&action).await.unwrap();
    }
    for (second, position) in [(9, 0), (10, 1), (19, 1), (20, 3), (29, 3), (30, 4), (99, 4)] {
        let time = Timestamp::from_milliseconds(second * 1000).unwrap();
        let past = store.at(time).await.unwrap();
        assert_eq!(past.position(), position, "at {second} s");
        let tasks = past.find_all::<Task>(Query::all()).await.unwrap();
        assert_eq!(tasks.len(), usize::try_from(position).unwrap());
    }
}

pub(crate) async fn a_moment_to_come_is_refused(database: Database) {
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    let error = store.at(2).await.unwrap_err();
    assert!(matches!(error, Error::PositionAhead { position: 2, head: 1 }), "{error}");
    assert!(store.at(-1).await.is_err());
}

pub(crate) async fn a_log_that_somebody_changed_is_found(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    let quote = if database.url().starts_with("postgres") { '"' } else { '`' };
    let column = |name: &str| format!("{quote}{name}{quote}");
    let (events, head) = (database.table("events"), database.table("flux_head"));
    let generations = database.table("flux_generations");
    let (position, time, id) = (column("position"), column("timestamp"), column("event_id"));
    for (harm, told, mend) in [
        (
            format!("UPDATE {head} SET {position} = 2"),
            "an event at position 3, and ends at 2",
            format!("UPDATE {head} SET {position} = 3"),
        ),
        (
            format!("UPDATE {events} SET {time} = {time} - 100000 WHERE {position} = 3"),
            "the event at position 3 is of",
            format!("UPDATE {events} SET {time} = {time} + 100000 WHERE {position} = 3"),
        ),
        (
            format!("UPDATE {events} SET {position} = 0 WHERE {position} = 1"),
            "an event at position 0",
            format!("UPDATE {events} SET {position} = 1 WHERE {position} = 0"),
        ),
        (
            format!("UPDATE {head} SET {time} = {time} - 1"),
            "at position 3, or not the one that `flux_head` tells of",
            format!("UPDATE {head} SET {time} = {time} + 1"),
        ),
        (
            format!("UPDATE {head} SET {id} = (SELECT id FROM {events} WHERE {position} = 2)"),
            "at position 3, or not the one that `flux_head` tells of",
            format!("UPDATE {head} SET {id} = (SELECT id FROM {events} WHERE {position} = 3)"),
        ),
        (
            format!("UPDATE {generations} SET state = 'kept'"),
            "`flux_generations` tells so of []",
            format!("UPDATE {generations} SET state = 'live'"),
        ),
        (
            format!("UPDATE {generations} SET id = 7"),
            "`flux_generations` tells so of [7]",
            format!("UPDATE {generations} SET id = 0"),
        ),
    ] {
        database.run(harm).await;
        let error = store.verify().await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        database.run(mend).await;
        assert!(store.verify().await.unwrap().is_sound());
    }
}

pub(crate) async fn a_moment_that_the_log_has_lost_is_not_taken_for_one_to_come(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    let position = if database.url().starts_with("mysql") { "`position`" } else { "position" };
    database.run(format!("DELETE FROM {} WHERE {position} > 1", database.table("events"))).await;
    for lost in [2, 3] {
        let error = store.at(lost).await.unwrap_err();
        assert!(error.to_string().contains(&format!("no event at position {lost}")), "{error}");
    }
    assert_eq!(store.at(Timestamp::MAX).await.unwrap_err().code(), "database_damaged");
    assert_eq!(store.at(4).await.unwrap_err().code(), "position_ahead");
    assert_eq!(store.at(-1).await.unwrap_err().code(), "position_ahead");
}

pub(crate) async fn another_way_is_taken_where_the_nearest_is_damaged(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    store.dispatch_all(&(1..=30).map(added).collect::<Vec<_>>()).await.unwrap();
    let count = async |store: &Store, position: i64| {
        let past = store.at(position).await.unwrap();
        assert_eq!(past.find_all::<Task>(Query::all()).await.unwrap().len() as i64, position);
    };
    // From the first event on: one of them can't be read. Back from now: none has to be.
    let quote = if database.url().starts_with("mysql") { '`' } else { '"' };
    let third = format!("WHERE {quote}position{quote} = 3");
    let events = database.table("events");
    database.run(format!("UPDATE {events} SET payload = '{{' {third}")).await;
    count(&store, 5).await;
    // A snapshot that is of another position than it says: the event after it is not accepted.
    store.take_snapshot().await.unwrap();
    database.run(format!("UPDATE {} SET position = 10", database.table("flux_snapshots"))).await;
    let another = database.builder(reducer()).keep_history().open().await.unwrap();
    count(&another, 12).await;
}

pub(crate) async fn a_moment_of_a_log_that_was_replaced_is_not_told(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    let count =
        async || store.at(2).await.unwrap().find_all::<Task>(Query::all()).await.unwrap().len();
    assert_eq!(count().await, 2);
    // As where another log was restored: at the same position is an event that adds nothing.
    let events = database.table("events");
    let other = Uuid::from_u128(7);
    let (id, quote) = match database.url().split_once(':').unwrap().0 {
        "postgres" => (format!("'{other}'"), '"'),
        _ => (format!("x'{}'", other.simple()), '`'),
    };
    let set = format!("SET id = {id}, {quote}type{quote} = 'other'");
    database.run(format!("UPDATE {events} {set} WHERE {quote}position{quote} = 2")).await;
    assert_eq!(count().await, 1);
}

pub(crate) async fn a_store_whose_tables_were_replaced_tells_no_past(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    store.at(2).await.unwrap();
    database.builder(reducer().with_version(2)).rebuild(|_| {}).await.unwrap();
    for position in [1, 2] {
        let error = store.at(position).await.unwrap_err();
        assert_eq!(error.code(), "superseded", "{error}");
    }
}

pub(crate) async fn a_replay_that_is_not_accepted_stops_with_the_event(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    let strict: Reducer = lift(|tasks: &Collection<Task>, event: &TaskEvent| -> Reduction {
        match event {
            TaskAdded { id: 2, .. } => panic!("no second task"),
            _ => crate::tasks::tasks(tasks, event),
        }
    });
    let strict = database.builder(strict).open().await.unwrap();
    let error = strict.at(3).await.unwrap_err();
    assert!(matches!(error, Error::ReplayStopped { position: 2, .. }), "{error}");
    assert!(error.to_string().contains("no second task"), "{error}");
    assert_eq!(strict.at(1).await.unwrap().find_all::<Task>(Query::all()).await.unwrap().len(), 1);
}

pub(crate) async fn nobody_waits_for_a_question_far_from_the_last_one(database: Database) {
    let is_held = Arc::new(AtomicBool::new(false));
    let (arrived, let_go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let replayed = {
        let (is_held, arrived, let_go) = (is_held.clone(), arrived.clone(), let_go.clone());
        lift(move |_: &Collection<Page>, action: &Action| -> Reduction {
            if action.event_type == "first" && is_held.load(Ordering::SeqCst) {
                arrived.wait();
                let_go.wait();
            }
            Ok(flux_server::reducers::Changeset::no_change())
        })
    };
    let wait = |barrier: &Arc<Barrier>| {
        let barrier = barrier.clone();
        tokio::task::spawn_blocking(move || barrier.wait())
    };
    let store = database.builder(replayed).open().await.unwrap();
    store.dispatch(&Action::new("first")).await.unwrap();
    for _ in 0..4 {
        store.dispatch_all(&vec![Action::new("next"); 500]).await.unwrap();
    }
    assert_eq!(store.at(2000).await.unwrap().position(), 2000);
    is_held.store(true, Ordering::SeqCst);
    let far = tokio::spawn({
        let store = store.clone();
        async move { store.at(1).await.map(|past| past.position()) }
    });
    wait(&arrived).await.unwrap();
    // Neither a question near the last one, nor who dispatches and who reads what is now.
    assert_eq!(store.at(2001).await.unwrap().position(), 2001);
    let last = store.dispatch(&Action::new("next")).await.unwrap().position;
    let now = store.read(&[("pages", Query::all())]).await.unwrap();
    assert_eq!((last, now.position), (2002, 2002));
    assert!(!far.is_finished());
    wait(&let_go).await.unwrap();
    assert_eq!(far.await.unwrap().unwrap(), 1);
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "pages")]
pub(super) struct Page {
    pub(super) id: String,
    pub(super) text: String,
}
