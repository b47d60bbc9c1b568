//! The reducer of these tests: tasks that read, refuse, and move unique values about.

use flux_server::reducers::{
    Action, Collection, Document, Event, Filter, Query, Reducer, Reduction, Rejection, lift,
};
use flux_server::{Store, StoreBuilder};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "tasks")]
pub(crate) struct Task {
    pub(crate) id: i64,
    #[document(unique)]
    pub(crate) title: String,
    #[document(index)]
    pub(crate) list: Option<i64>,
    pub(crate) done: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub(crate) enum TaskEvent {
    TaskAdded { id: i64, title: String, list: Option<i64> },
    TaskDone { id: i64 },
    TaskRenamed { id: i64, title: String },
    TitlesSwapped { first: i64, second: i64 },
    ListCleared { list: i64 },
    AllRead,
    Panicked,
}

pub(crate) use TaskEvent::*;

pub(crate) fn tasks(tasks: &Collection<Task>, event: &TaskEvent) -> Reduction {
    Ok(match event.clone() {
        TaskAdded { id, title, list } => tasks.create(Task { id, title, list, done: false }),
        TaskDone { id } => match tasks.find_by_id(id)? {
            Some(task) if !task.done => tasks.update_by_id(id, Task::patch().done(true)),
            Some(_) => tasks.no_change(),
            None => return Err(Rejection::new("no_such_task", "there is no such task").into()),
        },
        TaskRenamed { id, title } => tasks.update_by_id(id, Task::patch().title(title)),
        TitlesSwapped { first, second } => {
            let (Some(one), Some(two)) = (tasks.find_by_id(first)?, tasks.find_by_id(second)?)
            else {
                return Ok(tasks.no_change());
            };
            tasks
                .update_by_id(first, Task::patch().title(""))
                .combine(tasks.update_by_id(second, Task::patch().title(one.title)))
                .combine(tasks.update_by_id(first, Task::patch().title(two.title)))
        }
        ListCleared { list } => tasks.destroy_where(Filter::eq("list", list)),
        // It never ends where each is looked for by itself.
        AllRead => {
            for id in 1_000_000.. {
                tasks.find_by_id(id)?;
            }
            tasks.no_change()
        }
        Panicked => panic!("a reducer that panics"),
    })
}

pub(crate) fn reducer() -> Reducer {
    lift(tasks)
}

pub(crate) fn added(id: i64) -> TaskEvent {
    TaskAdded { id, title: format!("task {id}"), list: Some(id % 3) }
}

pub(crate) fn task(id: i64) -> Task {
    Task { id, title: format!("task {id}"), list: Some(id % 3), done: false }
}

pub(crate) fn action(event: &TaskEvent) -> Action {
    event.to_action().unwrap()
}

pub(crate) async fn in_memory() -> Store {
    builder("sqlite::memory:").open().await.unwrap()
}

pub(crate) fn builder(url: &str) -> StoreBuilder {
    Store::builder(reducer(), url)
}

/// Asserts that positions are dense, and that the documents are those of a replay of the log.
pub(crate) async fn verify(store: &Store) {
    let log = store.events(flux_server::LogQuery::default().limit(u64::MAX)).await.unwrap();
    let reducer = reducer();
    let mut database = reducer.database().unwrap();
    let mut timestamp = None;
    for (position, event) in (1..).zip(&log.documents) {
        assert_eq!(event.position, position, "positions are dense");
        assert!(Some(event.timestamp) >= timestamp, "time goes back at {position}");
        timestamp = Some(event.timestamp);
        reducer.run(&mut database, &event.clone().into()).unwrap();
    }
    assert_eq!(log.position, log.documents.len() as i64);
    let replayed = database.rows("tasks", &Query::all()).unwrap();
    let stored = store.read(&[("tasks", Query::all())]).await.unwrap();
    assert_eq!(stored.documents, [replayed]);
}
