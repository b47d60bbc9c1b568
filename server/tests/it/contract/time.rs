//! The time machine, its snapshots, and the history of documents.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use flux_server::reducers::{
    Action, Collection, Database as Documents, Document, Filter, Json, Query, RecordedEvent,
    Reducer, Reduction, Row, Timestamp, Uuid, lift,
};
use flux_server::{Error, HistoryQuery, LogQuery, OnChange, SnapshotPolicy, Store, StoreBuilder};

use crate::contract::servers::some_event;
use crate::databases::Database;
use crate::tasks::*;

/// Dispatches events that meet each other, several at a time; those that are refused are not there.
async fn fill(store: &Store, events: std::ops::Range<u64>) {
    for seed in events {
        store.dispatch(&some_event(seed)).await.ok();
    }
}

async fn log(store: &Store) -> Vec<RecordedEvent> {
    store.events(LogQuery::default().limit(u64::MAX)).await.unwrap().documents
}

/// What the first events make, in memory.
fn replayed(log: &[RecordedEvent], position: i64) -> Vec<Row> {
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

/// The statement that adds parts of a snapshot that was begun long ago.
fn left_over_parts(database: &Database, count: usize) -> String {
    let parts = database.table("flux_snapshot_parts");
    let byte = if database.url().starts_with("postgres") { r"'\x00'" } else { "x'00'" };
    let snapshot = "00000000-0000-7000-8000-000000000000";
    let rows = (0..count).map(|part| format!("('{snapshot}/{part:06}', '{snapshot}', {byte})"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!("INSERT INTO {parts} (id, snapshot, bytes) VALUES {rows}")
}

pub(crate) async fn parts_that_were_never_whole_are_removed_however_many_they_are(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    let left_over = left_over_parts(&database, 150);
    database.run(left_over.clone()).await;
    store.take_snapshot().await.unwrap();
    // No id of theirs is taken any more.
    database.run(left_over).await;
    assert!(store.verify().await.unwrap().is_sound());
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

pub(crate) async fn a_broken_snapshot_is_passed_over(database: Database) {
    let store = database.open().await;
    fill(&store, 0..60).await;
    store.take_snapshot().await.unwrap();
    fill(&store, 60..120).await;
    let position = store.take_snapshot().await.unwrap();
    let log = log(&store).await;
    let parts = database.table("flux_snapshot_parts");
    let last = format!("(SELECT MAX(id) FROM (SELECT id FROM {parts}) AS all_parts)");
    // One byte of it is another; then it is gone.
    let flipped = match database.url().split_once(':').unwrap().0 {
        "postgres" => {
            "set_byte(bytes, length(bytes) - 9, 255 - get_byte(bytes, length(bytes) - 9))"
        }
        "sqlite" => {
            "CAST(substr(bytes, 1, length(bytes) - 9) || x'ff01' || \
                     substr(bytes, length(bytes) - 6) AS BLOB)"
        }
        _ => "INSERT(bytes, LENGTH(bytes) - 9, 2, x'ff01')",
    };
    for statement in [
        format!("UPDATE {parts} SET bytes = {flipped} WHERE id = {last}"),
        format!("DELETE FROM {parts} WHERE id = {last}"),
    ] {
        database.run(statement).await;
        let other = database.open().await;
        let past = other.at(position).await.unwrap();
        let found = past.read(&[("tasks", Query::all())]).await.unwrap();
        assert_eq!(found, [replayed(&log, position)]);
    }
}

pub(crate) async fn a_snapshot_of_another_version_is_left_alone(database: Database) {
    let store = database.open().await;
    fill(&store, 0..30).await;
    store.take_snapshot().await.unwrap();
    assert_eq!(store.snapshots().await.unwrap().len(), 1);
    let newer = database.builder(reducer().with_version(2)).on_change(OnChange::Rebuild);
    let newer = newer.open().await.unwrap();
    assert_eq!(newer.snapshots().await.unwrap(), []);
    newer.at(newer.position().await.unwrap()).await.unwrap();
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "records")]
struct Record {
    id: Uuid,
    data: Json,
}

pub(crate) async fn a_snapshot_that_could_not_be_read_whole_is_none(database: Database) {
    let records = lift(|records: &Collection<Record>, action: &Action| -> Reduction {
        let (id, data) = (action.id.unwrap_or_default(), action.payload.clone());
        Ok(records.create(Record { id, data: data.unwrap_or_default() }))
    });
    let store = database.builder(records).open().await.unwrap();
    for number in 0..5 {
        store.dispatch(&Action::new("written").with_payload(number)).await.unwrap();
    }
    let table = database.table("records");
    database.run(format!("UPDATE {table} SET data = 'no JSON'")).await;
    store.take_snapshot().await.unwrap_err();
    assert_eq!(store.snapshots().await.unwrap(), []);
    assert_eq!(store.at(5).await.unwrap().find_all::<Record>(Query::all()).await.unwrap().len(), 5);
}

pub(crate) async fn snapshots_are_taken_by_themselves(database: Database) {
    let policy = SnapshotPolicy::default().every_events(10);
    let store = database.builder(reducer()).snapshots(policy).open().await.unwrap();
    for round in 0..3_i64 {
        for id in 0..10 {
            store.dispatch(&added(round * 10 + id)).await.unwrap();
        }
        while store.snapshots().await.unwrap().len() <= usize::try_from(round).unwrap() {
            tokio::task::yield_now().await;
        }
    }
    let all = store.snapshots().await.unwrap();
    assert!(all[0].position >= 10 && all[0].documents == u64::try_from(all[0].position).unwrap());
    store.close().await;

    let timely = SnapshotPolicy::default().every(Duration::from_millis(1));
    let store = database.builder(reducer()).snapshots(timely).open().await.unwrap();
    store.dispatch(&added(100)).await.unwrap();
    while store.snapshots().await.unwrap().last().unwrap().position < 31 {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn of_two_servers_one_takes_each_snapshot(database: Database) {
    let policy = SnapshotPolicy::default().every_events(10);
    let server = || {
        let builder = database.builder(reducer()).snapshots(policy);
        builder.poll_interval(Duration::from_millis(5)).open()
    };
    let servers = [server().await.unwrap(), server().await.unwrap()];
    let mut heard = servers.each_ref().map(|server| server.subscribe().unwrap());
    for round in 1..=3_usize {
        let events: Vec<_> = (0..10).map(|id| added((round * 10 + id) as i64)).collect();
        servers[round % 2].dispatch_all(&events).await.unwrap();
        for subscription in &mut heard {
            let mut events = 0;
            while events < 10 {
                events += subscription.next().await.unwrap().unwrap().len();
            }
        }
        while servers[0].snapshots().await.unwrap().len() < round {
            tokio::task::yield_now().await;
        }
    }
    for server in servers {
        server.close().await;
    }
    let taken = database.open().await.snapshots().await.unwrap();
    assert_eq!(taken.iter().map(|it| it.position).collect::<Vec<_>>(), [10, 20, 30]);
}

pub(crate) async fn snapshots_of_the_past_are_taken_where_they_are_missing(database: Database) {
    let store = database.open().await;
    fill(&store, 0..80).await;
    let end = store.take_snapshot().await.unwrap();
    store.close().await;
    let newer = database.builder(reducer().with_version(2)).rebuild(|_| {}).await.unwrap();
    assert_eq!(newer.snapshots().await.unwrap(), []);
    newer.take_missing_snapshots(20).await.unwrap();
    newer.take_missing_snapshots(10).await.unwrap();
    let found = newer.snapshots().await.unwrap();
    let expected: Vec<i64> = (1..=end / 10).map(|it| it * 10).collect();
    assert_eq!(found.iter().map(|it| it.position).collect::<Vec<_>>(), expected);
    let found = newer.verify().await.unwrap();
    assert!(found.is_sound() && found.snapshots == expected.len() as u64, "{found:?}");
}

pub(crate) async fn snapshots_of_the_past_have_documents_of_any_size(database: Database) {
    // Together more than MySQL takes in a statement, compressed, too.
    const PAGES: u32 = 96;
    const WORDS: u64 = 32 * 1024;
    let reducer = lift(|pages: &Collection<Page>, action: &Action| -> Reduction {
        let payload = action.payload.as_ref().unwrap().as_value();
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        Ok(match &*action.event_type {
            "written" => pages.create(Page { id: text("id"), text: text("text") }),
            _ => pages.update_by_id(text("id"), Page::patch().text("")),
        })
    });
    let store = database.builder(reducer).keep_history().open().await.unwrap();
    let noise = RandomState::new();
    for id in 0..PAGES {
        let words = (0..WORDS).flat_map(|word| noise.hash_one((id, word)).to_le_bytes());
        let text: String = words.map(|byte| char::from(b'0' + byte % 64)).collect();
        let payload = serde_json::json!({ "id": id.to_string(), "text": text });
        store.dispatch(&Action::new("written").with_payload(payload)).await.unwrap();
    }
    for id in 0..PAGES {
        let payload = serde_json::json!({ "id": id.to_string() });
        store.dispatch(&Action::new("emptied").with_payload(payload)).await.unwrap();
    }
    store.take_missing_snapshots(PAGES).await.unwrap();
    let found = store.verify().await.unwrap();
    assert!(found.is_sound() && found.snapshots == 2, "{found:?}");
    assert!(store.snapshots().await.unwrap()[0].bytes > 16 << 20);
}

pub(crate) async fn parts_that_can_not_be_removed_keep_no_snapshot_from_being_taken(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    let left_over = left_over_parts(&database, 1);
    database.run(left_over.clone()).await;
    database.refuse_removals(&database.table("flux_snapshot_parts")).await;
    assert_eq!(store.take_snapshot().await.unwrap(), 1);
    let found = store.verify().await.unwrap();
    assert!(found.is_sound() && found.snapshots == 1, "{found:?}");
    // It is still there: its id is taken.
    database.try_to_run(left_over).await.unwrap_err();
}

pub(crate) async fn only_the_last_snapshots_are_kept(database: Database) {
    let policy = SnapshotPolicy::default().every_events(10).keep(2);
    let store = database.builder(reducer()).snapshots(policy).open().await.unwrap();
    for round in 1..=4_i64 {
        let events: Vec<_> = (0..10).map(|id| added(round * 10 + id)).collect();
        store.dispatch_all(&events).await.unwrap();
        let newest = |all: &[flux_server::TakenSnapshot]| all.last().map(|it| it.position);
        while newest(&store.snapshots().await.unwrap()) != Some(round * 10) {
            tokio::task::yield_now().await;
        }
    }
    while store.snapshots().await.unwrap().len() > 2 {
        tokio::task::yield_now().await;
    }
    let kept = store.snapshots().await.unwrap();
    assert_eq!(kept.iter().map(|it| it.position).collect::<Vec<_>>(), [30, 40]);
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(store.at(15).await.unwrap().find_all::<Task>(Query::all()).await.unwrap().len(), 15);
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

pub(crate) async fn every_change_of_a_document_is_told(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    let events = [added(1), added(2), TaskDone { id: 1 }, ListCleared { list: 1 }, added(1)];
    let recorded = store.dispatch_all(&events).await.unwrap();
    store.dispatch(&action(&TaskDone { id: 1 }).with_meta("user", "ann")).await.unwrap();
    let done = Task { done: true, ..task(1) };
    let changes = store.history::<Task>(1).await.unwrap();
    let told: Vec<_> =
        changes.iter().map(|it| (it.event.position, it.before.clone(), it.after.clone())).collect();
    let expected = [
        (1, None, Some(task(1))),
        (3, Some(task(1)), Some(done.clone())),
        (4, Some(done.clone()), None),
        (5, None, Some(task(1))),
        (6, Some(task(1)), Some(done)),
    ];
    assert_eq!(told, expected);
    assert_eq!(changes[0].event, *recorded[0]);
    assert_eq!(changes[4].event.meta.as_ref().unwrap().as_value()["user"], "ann");
    assert_eq!(store.history::<Task>(3).await.unwrap(), []);
    // A document that was only ever touched by others' events has none of its own.
    assert_eq!(store.history::<Task>(2).await.unwrap().len(), 1);
}

pub(crate) async fn a_history_is_read_page_by_page(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    let events = [added(1), added(2), TaskDone { id: 1 }, ListCleared { list: 1 }, added(1)];
    store.dispatch_all(&events).await.unwrap();
    store.dispatch(&TaskDone { id: 1 }).await.unwrap();
    let page = |query| store.history_of("tasks", 1.into(), query);
    let all = page(HistoryQuery::default()).await.unwrap();
    let positions: Vec<_> = all.iter().map(|change| change.event.position).collect();
    assert_eq!(positions, [1, 3, 4, 5, 6]);
    for before in 0..=7 {
        let earlier: Vec<_> = all.iter().filter(|it| it.event.position < before).cloned().collect();
        for limit in 1..=6 {
            let last = &earlier[earlier.len().saturating_sub(limit)..];
            let query = HistoryQuery::default().before(before).limit(limit as u64);
            assert_eq!(page(query).await.unwrap(), last, "{limit} before {before}");
        }
    }
}

pub(crate) async fn a_history_that_somebody_changed_is_found(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    fill(&store, 0..60).await;
    assert!(store.verify().await.unwrap().is_sound());
    let history = database.table("flux_history");
    let id = "SELECT MAX(position) AS position FROM";
    let last = format!("SELECT position FROM ({id} {history}) AS last");
    let forged = r#"{"id":99,"title":"forged","list":null,"done":false}"#;
    let quote = if database.url().starts_with("mysql") { '`' } else { '"' };
    let before = format!("{quote}before{quote} = '{forged}'");
    database.run(format!("UPDATE {history} SET {before} WHERE position = ({last})")).await;
    let found = store.verify().await.unwrap();
    assert!(!found.is_sound() && found.first[0].collection == "flux_history", "{found:?}");
    database.run(format!("DELETE FROM {history} WHERE position = ({last})")).await;
    assert!(store.verify().await.unwrap().first.iter().all(|it| it.found.is_none()));
}

pub(crate) async fn the_history_is_kept_from_the_beginning_or_not_at_all(database: Database) {
    let without = database.fresh();
    let store = without.open().await;
    let error = store.history::<Task>(1).await.unwrap_err();
    assert_eq!(error.code(), "history_not_kept");
    let error = without.builder(reducer()).keep_history().open().await.unwrap_err();
    assert_eq!(error.code(), "history_not_kept", "what the other one writes would be missing");
    store.dispatch(&added(1)).await.unwrap();
    let error = without.builder(reducer()).keep_history().open().await.unwrap_err();
    assert_eq!(error.code(), "history_not_kept");

    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    // A server that does not ask for it keeps it all the same.
    let store = database.open().await;
    store.dispatch(&TaskDone { id: 1 }).await.unwrap();
    assert_eq!(store.history::<Task>(1).await.unwrap().len(), 2);
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "pages")]
struct Page {
    id: String,
    text: String,
}

pub(crate) async fn documents_with_any_id_have_a_history(database: Database) {
    let pages = lift(|pages: &Collection<Page>, action: &Action| -> Reduction {
        let id = action.payload.as_ref().and_then(|it| it.as_value().as_str()).unwrap_or_default();
        Ok(match pages.find_by_id(id)? {
            None => pages.create(Page { id: id.to_owned(), text: String::new() }),
            Some(_) => pages.update_by_id(id, Page::patch().text(action.event_type.clone())),
        })
    });
    let store = database.builder(pages).keep_history().open().await.unwrap();
    let long = "\u{10000}".repeat(511);
    let ids = [
        "",
        "/",
        "a",
        "a/0/b",
        "a/1",
        "a/",
        "a/b",
        "a0",
        "a!",
        "A",
        "\u{10ffff}",
        &long,
        &format!("{long}x"),
    ];
    for event_type in ["written", "edited"] {
        for id in ids {
            let action = Action::new(event_type).with_payload(id);
            store.dispatch(&action.with_id(Uuid::now_v7())).await.unwrap();
        }
    }
    for id in ids {
        let changes = store.history::<Page>(id).await.unwrap();
        let texts: Vec<_> =
            changes.iter().filter_map(|it| Some(it.after.as_ref()?.text.as_str())).collect();
        assert_eq!(texts, ["", "edited"], "of {id:?}");
        assert!(changes.iter().all(|it| it.after.as_ref().is_some_and(|page| page.id == id)));
    }
    let half = store.at(i64::try_from(ids.len()).unwrap()).await.unwrap();
    let pages = half.find_all::<Page>(Query::all()).await.unwrap();
    assert!(pages.len() == ids.len() && pages.iter().all(|page| page.text.is_empty()));
}
