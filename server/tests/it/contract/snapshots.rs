//! Snapshots: when they are taken, what is in them, and what becomes of those that are of no use.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use flux_server::reducers::{
    Action, Collection, Document, Json, Query, Reducer, Reduction, Uuid, lift,
};
use flux_server::{OnChange, SnapshotPolicy};

use crate::contract::time::{Page, fill, log, replayed};
use crate::databases::Database;
use crate::tasks::*;

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

pub(crate) async fn a_broken_snapshot_is_replaced_or_removed(database: Database) {
    let store = database.open().await;
    fill(&store, 0..30).await;
    let position = store.take_snapshot().await.unwrap();
    database.run(format!("DELETE FROM {}", database.table("flux_snapshot_parts"))).await;
    let found = store.verify().await.unwrap();
    assert!(found.broken.len() == 1 && found.snapshots == 0, "{found:?}");
    assert_eq!(store.take_snapshot().await.unwrap(), position);
    let found = store.verify().await.unwrap();
    assert!(found.is_sound() && found.snapshots == 1, "{found:?}");
    assert!(store.remove_snapshot(position).await.unwrap());
    assert!(!store.remove_snapshot(position).await.unwrap());
    assert!(database.is_empty(&database.table("flux_snapshot_parts")).await);
}

pub(crate) async fn a_snapshot_whose_record_can_not_be_read_is_passed_over_and_removed(
    database: Database,
) {
    let store = database.open().await;
    fill(&store, 0..30).await;
    let first = store.take_snapshot().await.unwrap();
    let quote = if database.url().starts_with("mysql") { '`' } else { '"' };
    let snapshots = database.table("flux_snapshots");
    for harm in [format!("{quote}takenAt{quote} = -99999999999999999"), "position = -5".to_owned()]
    {
        database.run(format!("UPDATE {snapshots} SET {harm}")).await;
        fill(&store, 100..110).await;
        let end = store.position().await.unwrap();
        assert_eq!(store.at(end - 1).await.unwrap().position(), end - 1);
        assert_eq!(store.snapshots().await.unwrap(), []);
        let [broken] = &store.verify().await.unwrap().broken[..] else { panic!("one is broken") };
        assert!(broken.reason.contains("removes it") && broken.position.is_none(), "{broken:?}");
        let taken = store.take_snapshot().await.unwrap();
        assert!(taken > first && store.verify().await.unwrap().is_sound());
        assert_eq!(store.snapshots().await.unwrap().len(), 1);
    }
}

pub(crate) async fn a_snapshot_beyond_the_end_of_the_log_is_found(database: Database) {
    let store = database.open().await;
    fill(&store, 0..30).await;
    let end = store.take_snapshot().await.unwrap();
    let snapshots = database.table("flux_snapshots");
    database.run(format!("UPDATE {snapshots} SET position = position + 1")).await;
    let broken = store.verify().await.unwrap().broken;
    let told: Vec<_> = broken.iter().map(|it| (it.position, it.reason.as_str())).collect();
    assert_eq!(told, [(Some(end + 1), format!("the log ends at {end} already").as_str())]);
}

pub(crate) async fn a_snapshot_of_another_version_is_left_alone(database: Database) {
    let store = database.open().await;
    fill(&store, 0..30).await;
    store.take_snapshot().await.unwrap();
    assert_eq!(store.snapshots().await.unwrap().len(), 1);
    let newer = database.builder(reducer().with_version(2)).on_change(OnChange::Rebuild);
    let newer = newer.open().await.unwrap();
    assert_eq!(newer.snapshots().await.unwrap(), []);
    assert!(!database.is_empty(&database.table("flux_snapshot_parts")).await);
    let end = newer.position().await.unwrap();
    let past = newer.at(end).await.unwrap().find_all::<Task>(Query::all()).await.unwrap();
    assert_eq!(past, newer.find_all::<Task>(Query::all()).await.unwrap());
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

pub(crate) async fn a_server_that_starts_again_and_again_takes_snapshots_by_time(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    let hourly = SnapshotPolicy::default().every(Duration::from_secs(3600));
    for position in 1..=2 {
        let store = database.builder(reducer()).snapshots(hourly).open().await.unwrap();
        while store.snapshots().await.unwrap().last().map(|it| it.position) != Some(position) {
            tokio::task::yield_now().await;
        }
        store.dispatch(&added(position + 1)).await.unwrap();
        store.close().await;
        let snapshots = database.table("flux_snapshots");
        let time = if database.url().starts_with("postgres") { "\"takenAt\"" } else { "takenAt" };
        database.run(format!("UPDATE {snapshots} SET {time} = {time} - 3600000")).await;
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
    let store = database.builder(pages()).keep_history().open().await.unwrap();
    for id in 0..PAGES {
        store.dispatch(&written(id, WORDS)).await.unwrap();
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

pub(crate) async fn a_snapshot_has_a_document_as_large_as_the_database_takes(database: Database) {
    let store = database.builder(pages()).open().await.unwrap();
    // Nearly the packet of MySQL, after one that is nearly a part of its own.
    for (id, kibibytes) in [(1, 500), (2, 16_060)] {
        store.dispatch(&written(id, kibibytes * 128)).await.unwrap();
    }
    assert_eq!(store.take_snapshot().await.unwrap(), 2);
    let found = store.verify().await.unwrap();
    assert!(found.is_sound() && found.snapshots == 1, "{found:?}");
}

pub(crate) async fn nothing_is_left_of_a_snapshot_that_fails(database: Database) {
    let store = database.open().await;
    fill(&store, 0..30).await;
    database.refuse("INSERT", &database.table("flux_snapshots")).await;
    store.take_snapshot().await.unwrap_err();
    store.take_missing_snapshots(10).await.unwrap_err();
    assert!(database.is_empty(&database.table("flux_snapshot_parts")).await);
}

pub(crate) async fn nothing_is_left_of_a_snapshot_of_tables_that_were_replaced(database: Database) {
    let old = database.open().await;
    fill(&old, 0..30).await;
    let newer = database.builder(reducer().with_version(2)).rebuild(|_| {}).await.unwrap();
    let refused = old.take_missing_snapshots(10).await.unwrap_err();
    assert_eq!(refused.code(), "superseded");
    for table in ["flux_snapshots", "flux_snapshot_parts"] {
        assert!(database.is_empty(&database.table(table)).await, "{table}");
    }
    newer.close().await;
}

pub(crate) async fn a_store_that_is_closed_tries_no_snapshot_again(database: Database) {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let policy = SnapshotPolicy::default().every_events(1);
    let store = database.builder(reducer()).snapshots(policy).open().await.unwrap();
    database.refuse("INSERT", &database.table("flux_snapshots")).await;
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    let ended = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
}

/// Pages that are `written` and `emptied`.
fn pages() -> Reducer {
    lift(|pages: &Collection<Page>, action: &Action| -> Reduction {
        let payload = action.payload.as_ref().unwrap().as_value();
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        Ok(match &*action.event_type {
            "written" => pages.create(Page { id: text("id"), text: text("text") }),
            _ => pages.update_by_id(text("id"), Page::patch().text("")),
        })
    })
}

/// A page that can't be compressed, of so many words of eight bytes.
fn written(id: u32, words: u64) -> Action {
    let noise = RandomState::new();
    let words = (0..words).flat_map(|word| noise.hash_one((id, word)).to_le_bytes());
    let text: String = words.map(|byte| char::from(b'0' + byte % 64)).collect();
    Action::new("written").with_payload(serde_json::json!({ "id": id.to_string(), "text": text }))
}

pub(crate) async fn parts_that_can_not_be_removed_keep_no_snapshot_from_being_taken(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    let left_over = left_over_parts(&database, 1);
    database.run(left_over.clone()).await;
    database.refuse("DELETE", &database.table("flux_snapshot_parts")).await;
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
