//! New reducers and schemas on an old log: its tables are built anew, beside those in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use flux_server::reducers::{
    Action, Collection, Database as Documents, Document, Filter, Json, Query, RecordedEvent,
    Reducer, Reduction, Rejection, Row, Upcasts, lift, root_reducer,
};
use flux_server::{Error, LogQuery, OnChange, Store};
use tokio::task::JoinSet;

use crate::contract::servers::some_event;
use crate::contract::store::Page;
use crate::databases::Database;
use crate::tasks::*;

/// As the tasks, with one field more, and without the lists.
pub(super) mod newer {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Document)]
    #[document(collection = "tasks")]
    pub(super) struct Task {
        pub(super) id: i64,
        #[document(unique)]
        pub(super) title: String,
        #[document(index)]
        pub(super) edits: u32,
        pub(super) done: bool,
    }

    fn tasks(tasks: &Collection<Task>, event: &TaskEvent) -> Reduction {
        let edited = |id: i64, patch: <Task as Document>::Patch| -> Reduction {
            Ok(match tasks.find_by_id(id)? {
                Some(task) => tasks.update_by_id(id, patch.edits(task.edits + 1)),
                None => tasks.no_change(),
            })
        };
        Ok(match event.clone() {
            TaskAdded { id, title, .. } => tasks.create(Task { id, title, edits: 0, done: false }),
            TaskDone { id } => return edited(id, Task::patch().done(true)),
            TaskRenamed { id, title } => return edited(id, Task::patch().title(title)),
            _ => tasks.no_change(),
        })
    }

    pub(crate) fn reducer() -> Reducer {
        lift(tasks).with_version(2)
    }
}

fn replayed(reducer: &Reducer, events: Vec<RecordedEvent>) -> Vec<Row> {
    let mut documents = reducer.database().unwrap();
    for event in events {
        reducer.run(&mut documents, &event.into()).unwrap();
    }
    documents.rows("tasks", &Query::all()).unwrap()
}

/// Asserts that the documents are those of a replay of the log by these reducers.
pub(super) async fn verify_by(store: &Store, reducer: &Reducer) {
    let log = store.events(LogQuery::default().limit(u64::MAX)).await.unwrap().documents;
    let stored = store.read(&[("tasks", Query::all())]).await.unwrap().documents;
    assert_eq!(stored, [replayed(reducer, log)]);
}

/// Events that the newer reducers accept, too.
pub(super) async fn fill(store: &Store, ids: std::ops::Range<i64>) {
    for id in ids {
        store.dispatch_all(&[added(id), TaskDone { id }]).await.unwrap();
        let renamed = TaskRenamed { id: id / 2, title: format!("renamed {id}") };
        store.dispatch(&renamed).await.unwrap();
    }
}

pub(crate) async fn newer_reducers_are_told_until_the_tables_are_rebuilt(database: Database) {
    let store = database.open().await;
    fill(&store, 0..150).await;
    let error = database.refusal(reducer().with_version(2)).await;
    assert!(matches!(error, Error::VersionChanged { made_by: 0, version: 2 }), "{error}");
    assert_eq!(database.refusal(newer::reducer()).await.code(), "version_changed");

    let mut last = None;
    let builder = database.builder(newer::reducer());
    builder.rebuild(|progress| last = Some(progress)).await.unwrap();
    assert_eq!(last.map(|it| (it.position, it.head)), Some((450, 450)));
    let rebuilt = database.builder(newer::reducer()).open().await.unwrap();
    verify_by(&rebuilt, &newer::reducer()).await;
    let task = rebuilt.find_by_id::<newer::Task>(3).await.unwrap().unwrap();
    assert_eq!((task.title.as_str(), task.edits), ("renamed 7", 3));
    assert_eq!(rebuilt.find_all::<newer::Task>(Filter::eq("edits", 3)).await.unwrap().len(), 75);

    // What the older server has no longer follows the log: it neither reads nor writes it.
    let error = store.find_by_id::<Task>(3).await.unwrap_err();
    assert_eq!(error.code(), "superseded", "{error}");
    assert_eq!(store.events(LogQuery::default()).await.unwrap().position, 450);
    let error = store.dispatch(&added(1000)).await.unwrap_err();
    assert_eq!(error.code(), "superseded", "{error}");
    rebuilt.dispatch(&added(1000)).await.unwrap();
    verify_by(&rebuilt, &newer::reducer()).await;
}

pub(crate) async fn progress_tells_how_far_how_fast_and_how_long(database: Database) {
    let store = database.open().await;
    fill(&store, 0..400).await;
    store.close().await;
    let mut told = Vec::new();
    database.builder(newer::reducer()).rebuild(|progress| told.push(progress)).await.unwrap();
    assert!(told.len() > 2 && told.is_sorted_by_key(|it| it.position), "{told:?}");
    for it in &told {
        assert_eq!(it.head, 1200);
        let left = f64::from(i32::try_from(it.head - it.position).unwrap()) / it.rate;
        assert!(it.rate > 0.0 && (it.left.as_secs_f64() - left).abs() < 0.001, "{it:?}");
    }
    let last = told.last().unwrap();
    assert_eq!((last.position, last.left), (1200, std::time::Duration::ZERO));
}

pub(crate) async fn the_tables_of_before_are_kept_until_told(database: Database) {
    let store = database.open().await;
    fill(&store, 0..10).await;
    store.close().await;
    database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap();
    let error = database.builder(reducer().with_version(3)).rebuild(|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "previous_kept");

    let store = database.builder(newer::reducer()).open().await.unwrap();
    store.drop_previous().await.unwrap();
    store.close().await;
    let other = newer::reducer().with_version(4);
    database.builder(other).rebuild(|_| {}).await.unwrap().close().await;
    // And back again, where a store that opens is told to do what it needs.
    let older = reducer().with_version(5);
    let store = database.builder(older.clone()).on_change(OnChange::Rebuild).open().await.unwrap();
    verify_by(&store, &older).await;
}

pub(crate) async fn what_is_kept_is_there_until_the_next_tables_are_in_use(database: Database) {
    let store = database.open().await;
    fill(&store, 0..10).await;
    store.close().await;
    database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap().close().await;
    let strict = lift(|_: &Collection<Task>, event: &TaskEvent| -> Reduction {
        Err(Rejection::new("refused", format!("{event:?}")).into())
    });
    let strict = || database.builder(strict.clone().with_version(3));
    for refused in [
        strict().on_change(OnChange::Rebuild).open().await,
        strict().replacing_previous().rebuild(|_| {}).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), "replay_stopped");
        let kept = database.builder(newer::reducer().with_version(4)).rebuild(|_| {}).await;
        assert_eq!(kept.unwrap_err().code(), "previous_kept");
    }
    let other = database.builder(newer::reducer().with_version(4)).replacing_previous();
    let store = other.rebuild(|_| {}).await.unwrap();
    verify_by(&store, &newer::reducer()).await;
    store.close().await;
    // Those of the first time are gone, those of the second are kept.
    assert!(!database.has_table("tasks").await);
    assert!(database.has_table("tasks$1").await);
}

pub(crate) async fn an_older_program_does_not_undo_what_a_newer_one_made(database: Database) {
    let store = database.open().await;
    fill(&store, 0..10).await;
    store.close().await;
    database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap().close().await;
    let older = || database.builder(reducer()).replacing_previous();
    for refused in [
        older().open().await,
        older().on_change(OnChange::Rebuild).open().await,
        older().rebuild(|_| {}).await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::VersionChanged { made_by: 2, version: 0 }), "{error}");
        assert!(error.to_string().contains("use the newer program"), "{error}");
    }
    database.builder(newer::reducer()).open().await.unwrap().close().await;
    assert!(older().preview_rebuild().await.unwrap().needs_downgrading);
    assert!(!database.builder(newer::reducer()).preview_rebuild().await.unwrap().needs_downgrading);
    let store = older().downgrading().rebuild(|_| {}).await.unwrap();
    verify_by(&store, &reducer()).await;
}

/// Every event makes the page of its number, or edits it.
fn pages() -> Reducer {
    lift(|pages: &Collection<Page>, action: &Action| -> Reduction {
        let id = action.payload.as_ref().and_then(|it| it.as_value().as_i64()).unwrap_or_default();
        Ok(match pages.find_by_id(id)? {
            Some(page) => pages.update_by_id(id, Page::patch().edits(page.edits + 1)),
            None => pages.create(Page { id, edits: 0, text: "x".repeat(500_000) }),
        })
    })
}

pub(crate) async fn large_documents_are_rebuilt_in_parts(database: Database) {
    const PAGES: i64 = 100;
    let store = database.builder(pages()).open().await.unwrap();
    for _ in 0..2 {
        let numbers = (0..PAGES).map(|id| Action::new("edited").with_payload(id));
        for events in numbers.collect::<Vec<_>>().chunks(25) {
            store.dispatch_all(events).await.unwrap();
        }
    }
    store.close().await;
    let rebuilt = database.builder(pages().with_version(2)).rebuild(|_| {}).await.unwrap();
    let pages = rebuilt.find_all::<Page>(Query::all()).await.unwrap();
    assert_eq!(pages.len(), 100);
    assert!(pages.iter().all(|page| page.edits == 1 && page.text.len() == 500_000));
}

pub(crate) async fn events_are_dispatched_and_read_while_the_tables_are_rebuilt(
    database: Database,
) {
    const CALLERS: usize = 64;
    const READERS: usize = 8;
    let store = database.open().await;
    fill(&store, 0..300).await;
    let (answered, read) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let mut others = JoinSet::new();
    for caller in 0..CALLERS {
        let ids = (1_000..).skip(caller).step_by(CALLERS);
        others.spawn(dispatch_until_superseded(store.clone(), ids, Arc::clone(&answered)));
    }
    for _ in 0..READERS {
        others.spawn(read_until_superseded(store.clone(), Arc::clone(&read)));
    }
    let mut is_begun = false;
    let rebuild = database.builder(newer::reducer()).rebuild(|_| {
        // In the middle of it others are answered, who would wait for its end if it held them.
        let counts = || [&answered, &read].map(|it| it.load(Ordering::Relaxed));
        let [answered_before, read_before] = counts();
        let is_held = || counts()[0] == answered_before || counts()[1] == read_before;
        tokio::task::block_in_place(|| {
            while !is_begun && is_held() {
                std::thread::yield_now();
            }
        });
        is_begun = true;
    });
    rebuild.await.unwrap();
    others.join_all().await;
    let store = database.builder(newer::reducer()).open().await.unwrap();
    assert_eq!(store.position().await.unwrap(), 900 + answered.load(Ordering::Relaxed));
    verify_by(&store, &newer::reducer()).await;
}

/// Adds tasks, and reads each, until the tables are replaced; counts what was answered.
async fn dispatch_until_superseded(
    store: Store,
    ids: impl Iterator<Item = i64>,
    answered: Arc<AtomicI64>,
) {
    for id in ids {
        match store.dispatch(&added(id)).await {
            Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
            Err(Error::Superseded) => return,
            Err(error) => panic!("while the tables are rebuilt: {error}"),
        };
        match store.find_by_id::<Task>(id).await {
            Ok(found) => assert!(found.is_some()),
            Err(Error::Superseded) => return,
            Err(error) => panic!("while the tables are rebuilt: {error}"),
        }
    }
}

/// Reads all tasks, again and again, until the tables are replaced; counts how often.
async fn read_until_superseded(store: Store, read: Arc<AtomicI64>) {
    let mut seen = 0;
    loop {
        match store.find_all::<Task>(Query::all()).await {
            Ok(tasks) => {
                assert!(tasks.len() >= seen, "the tables in use are whole");
                seen = tasks.len();
                read.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::Superseded) => return,
            Err(error) => panic!("while the tables are rebuilt: {error}"),
        }
    }
}

pub(crate) async fn a_rebuild_ends_beside_batches_larger_than_what_it_writes_at_once(
    database: Database,
) {
    const BATCH: i64 = 600;
    let store = database.open().await;
    fill(&store, 0..10).await;
    let (began, begins) = tokio::sync::oneshot::channel();
    let caller = store.clone();
    let caller = tokio::spawn(async move {
        let mut began = Some(began);
        for first in (1_000..).step_by(BATCH as usize) {
            let batch: Vec<_> = (first..first + BATCH).map(added).collect();
            match caller.dispatch_all(&batch).await {
                Ok(_) => began.take().map_or(Ok(()), |began| began.send(())).unwrap(),
                Err(Error::Superseded) => return first - 1_000,
                Err(error) => panic!("while the tables are rebuilt: {error}"),
            }
        }
        unreachable!("there are events enough")
    });
    begins.await.unwrap();
    let rebuilt = database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap();
    // The last batch is refused, unless the caller has not tried since.
    rebuilt.close().await;
    let added = caller.await.unwrap();
    let rebuilt = database.builder(newer::reducer()).open().await.unwrap();
    assert_eq!(rebuilt.position().await.unwrap(), 30 + added);
    verify_by(&rebuilt, &newer::reducer()).await;
}

pub(crate) async fn the_history_is_rebuilt_with_the_tables(database: Database) {
    let store = database.open().await;
    for seed in 0..100 {
        store.dispatch(&some_event(seed)).await.ok();
    }
    store.close().await;
    let opened = database.builder(reducer()).keep_history().on_change(OnChange::Rebuild).open();
    let store = opened.await.unwrap();
    let end = store.position().await.unwrap();
    let mut changes = 0;
    for id in 0..40 {
        for change in store.history::<Task>(id).await.unwrap() {
            let position = change.event.position;
            let before =
                store.at(position - 1).await.unwrap().find_by_id::<Task>(id).await.unwrap();
            let after = store.at(position).await.unwrap().find_by_id::<Task>(id).await.unwrap();
            assert_eq!((change.before, change.after), (before, after), "{id} at {position}");
            changes += 1;
        }
    }
    assert!(changes > 20 && end > 20, "{changes} changes by {end} events");
}

pub(crate) async fn old_shapes_of_events_are_rebuilt_by_upcasts(database: Database) {
    let store = database.open().await;
    let payload = Json::from(serde_json::json!({ "id": 7, "name": "old" }));
    let old = Action::new("taskMade").with_payload(payload);
    store.dispatch(&old).await.unwrap();
    store.dispatch(&added(8)).await.unwrap();
    store.close().await;
    let upcasts = Upcasts::default().from_version("taskMade", 1, |action| {
        let payload = action.payload.clone().unwrap_or_default().into_value();
        let (id, title) = (&payload["id"], &payload["name"]);
        let payload = serde_json::json!({ "id": id, "title": title, "list": null }).into();
        Ok(Action { event_type: "taskAdded".to_owned(), payload: Some(payload), ..action })
    });
    let upcasting = reducer().with_upcasts(upcasts).with_version(2);
    let builder = database.builder(upcasting).on_change(OnChange::Rebuild);
    let store = builder.open().await.unwrap();
    assert_eq!(store.find_by_id::<Task>(7).await.unwrap().unwrap().title, "old");
    assert_eq!(store.find_all::<Task>(Query::all()).await.unwrap().len(), 2);
}

pub(crate) async fn servers_that_start_with_new_reducers_rebuild_once(database: Database) {
    let store = database.open().await;
    fill(&store, 0..100).await;
    store.close().await;
    let mut servers = JoinSet::new();
    for _ in 0..3 {
        let builder = database.builder(newer::reducer()).on_change(OnChange::Rebuild);
        servers.spawn(async move { builder.open().await.unwrap() });
    }
    let servers = servers.join_all().await;
    // None of them has replaced what another made.
    for (id, server) in (1_000..).zip(&servers) {
        server.dispatch(&added(id)).await.unwrap();
    }
    for server in &servers {
        verify_by(server, &newer::reducer()).await;
    }
}

pub(crate) async fn an_old_server_that_starts_again_does_not_rebuild_back(database: Database) {
    let store = database.builder(reducer().with_version(1)).open().await.unwrap();
    fill(&store, 0..10).await;
    let newer = database.builder(newer::reducer()).rebuild(|_| {}).await.unwrap();
    let old = database.builder(reducer().with_version(1)).on_change(OnChange::Rebuild);
    let error = old.open().await.unwrap_err();
    assert!(matches!(error, Error::VersionChanged { made_by: 2, version: 1 }), "{error}");
    newer.dispatch(&added(1_000)).await.unwrap();
    verify_by(&newer, &newer::reducer()).await;
}

pub(crate) async fn a_preview_tells_what_a_rebuild_would_change(database: Database) {
    let store = database.open().await;
    fill(&store, 0..20).await;
    let preview = database.builder(newer::reducer()).preview_rebuild().await.unwrap();
    assert_eq!(preview.position, 60);
    let [tasks] = &preview.collections[..] else { panic!("{:?}", preview.collections) };
    assert_eq!((tasks.documents, tasks.changed), (20, 20));
    assert!(tasks.fields.iter().any(|it| it.starts_with("field `edits` is new")), "{tasks:?}");
    let first = &preview.first[0];
    let (before, after) = (first.before.as_ref().unwrap(), first.after.as_ref().unwrap());
    assert_eq!((&before["title"], before.get("edits")), (&after["title"], None));
    assert!(after["edits"].as_i64().is_some());
    // It is as it was, and is written as before.
    store.dispatch(&added(1_000)).await.unwrap();
    verify(&store).await;
    let same = database.builder(reducer()).preview_rebuild().await.unwrap();
    assert!(!same.changes_anything(), "{same:?}");
    let none = database.builder(pages()).preview_rebuild().await.unwrap();
    let [pages, tasks] = &none.collections[..] else { panic!("{:?}", none.collections) };
    assert_eq!((pages.documents, pages.added), (0, 1));
    assert_eq!(*pages.fields, ["the collection is new".to_owned()]);
    assert_eq!((tasks.removed, &*tasks.fields), (21, &["the collection is gone".to_owned()][..]));

    let strict = lift(|tasks: &Collection<Task>, event: &TaskEvent| match event {
        TaskDone { id: 7 } => Err(Rejection::new("not_seven", "not this one").into()),
        _ => crate::tasks::tasks(tasks, event),
    });
    let error = database.builder(strict).preview_rebuild().await.unwrap_err();
    assert_eq!(error.code(), "replay_stopped");
}

/// Every event makes a page that tells how many there were before it.
fn numbered() -> Reducer {
    root_reducer(
        [Page::SCHEMA, RecordedEvent::SCHEMA],
        |documents: &Documents, _: &Action| -> Reduction {
            let before = documents.collection::<RecordedEvent>()?.count(Filter::all())?;
            let (id, text) = (i64::try_from(before).unwrap(), format!("after {before}"));
            Ok(documents.collection::<Page>()?.create(Page { id, edits: 0, text }))
        },
    )
}

pub(crate) async fn reducers_that_read_the_log_see_what_was_before_each_event(database: Database) {
    const EVENTS: i64 = 300;
    let store = database.builder(numbered()).keep_history().open().await.unwrap();
    for _ in 0..EVENTS / 50 {
        store.dispatch_all(&vec![Action::new("rung"); 50]).await.unwrap();
    }
    store.take_snapshot().await.unwrap();
    store.dispatch_all(&vec![Action::new("rung"); 10]).await.unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    // From nothing, from the snapshot, back from it, and back from now.
    for position in [20, 302, 290, 309] {
        let past = store.at(position).await.unwrap();
        let pages = past.find_all::<Page>(Query::all()).await.unwrap();
        assert_eq!(pages.last().map(|it| it.id + 1), Some(position));
        assert_eq!(pages.len() as i64, position);
    }
    store.close().await;
    let newer = || database.builder(numbered().with_version(1));
    assert!(!newer().preview_rebuild().await.unwrap().changes_anything());
    let rebuilt = newer().rebuild(|_| {}).await.unwrap();
    assert!(rebuilt.verify().await.unwrap().is_sound());
    let pages = rebuilt.find_all::<Page>(Query::all()).await.unwrap();
    assert_eq!(pages.iter().map(|it| it.id).collect::<Vec<_>>(), (0..310).collect::<Vec<_>>());
}

pub(crate) async fn a_preview_tells_all_for_which_a_store_does_not_open(database: Database) {
    #[derive(Document)]
    #[document(collection = "tasks")]
    #[allow(dead_code, reason = "only its schema counts")]
    struct Reordered {
        id: i64,
        done: bool,
        #[document(unique)]
        title: String,
        #[document(index)]
        list: Option<i64>,
    }
    let error = database.builder(reducer()).preview_rebuild().await.unwrap_err();
    assert!(["no_store", "url_invalid"].contains(&error.code()), "there is none: {error}");
    database.open().await.close().await;
    let reordered = || {
        lift(|tasks: &Collection<Reordered>, _: &TaskEvent| -> Reduction { Ok(tasks.no_change()) })
    };
    assert_eq!(database.refusal(reordered()).await.code(), "schema_changed");
    let preview = database.builder(reordered()).preview_rebuild().await.unwrap();
    assert!(preview.changes_anything() && !preview.adds_history, "{preview:?}");
    assert!(preview.collections[0].fields[0].contains("the order of the fields"), "{preview:?}");
    let preview = database.builder(reducer()).keep_history().preview_rebuild().await.unwrap();
    assert!(preview.changes_anything() && preview.adds_history, "{preview:?}");
}

pub(crate) async fn a_preview_of_tables_that_somebody_changed_tells_that_a_rebuild_mends_them(
    database: Database,
) {
    let store = database.open().await;
    fill(&store, 0..10).await;
    store.close().await;
    let tasks = database.table("tasks");
    for harm in [format!("ALTER TABLE {tasks} DROP COLUMN done"), format!("DROP TABLE {tasks}")] {
        database.run(harm).await;
        let told = database.builder(reducer()).preview_rebuild().await.unwrap_err();
        assert_eq!(told.code(), "table_changed", "{told}");
        assert!(told.to_string().contains("rebuilt from the log"), "{told}");
    }
    let store = database.builder(reducer()).rebuild(|_| {}).await.unwrap();
    verify_by(&store, &reducer()).await;
}
