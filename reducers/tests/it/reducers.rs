//! Reducers: lifted, over several collections, aggregated, and the log.

use std::sync::{Arc, Mutex};

use flux_reducers::{
    Action, Changeset, Collection, Database, Document, Event, Fields, Filter, Halt, Operation,
    Query, RecordedEvent, Reducer, Reduction, Rejection, Stamped, Timestamp, Uuid, Value,
    aggregate_reducers, code, event_log_reducer, lift, root_reducer,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "lists")]
struct List {
    id: i64,
    task_count: u32,
    changed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "tasks")]
struct Task {
    id: i64,
    #[document(index)]
    list_id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum TodoEvent {
    ListAdded { id: i64 },
    TaskAdded { id: i64, list_id: i64 },
    ListRemoved { id: i64 },
}
use TodoEvent::{ListAdded, ListRemoved, TaskAdded};

#[derive(Debug, Document)]
#[document(collection = "pages")]
struct Page {
    id: i64,
    text: Arc<str>,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum PageEvent {
    PageAdded { id: i64, text: Arc<str> },
}

#[test]
fn a_shared_text_of_an_event_is_that_of_the_document() {
    let seen = Arc::new(Mutex::new(None));
    let reducer = {
        let seen = Arc::clone(&seen);
        lift(move |pages: &Collection<Page>, event: &PageEvent| -> Reduction {
            let PageEvent::PageAdded { id, text } = event;
            *seen.lock().unwrap() = Some(Arc::clone(text));
            Ok(pages.create(Page { id: *id, text: Arc::clone(text) }))
        })
    };
    let mut database = Database::new(reducer.schemas()).unwrap();
    let event = PageEvent::PageAdded { id: 1, text: "Milk".into() };
    let action: Action = serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
    reducer.run(&mut database, &action).unwrap();
    let rows = database.rows("pages", &Query::all()).unwrap();
    let page = Page::from_row(&rows[0]).unwrap();
    assert!(Arc::ptr_eq(&page.text, seen.lock().unwrap().as_ref().unwrap()));
}

fn tasks(tasks: &Collection<Task>, event: &TodoEvent) -> Reduction {
    Ok(match event {
        ListAdded { .. } => tasks.no_change(),
        TaskAdded { id, list_id } => tasks.create(Task { id: *id, list_id: *list_id }),
        ListRemoved { id } => tasks.destroy_where(Filter::eq("list_id", id)),
    })
}

/// Reads tasks, writes lists; keeps the time of the last change.
fn lists(database: &Database, stamped: &Stamped<TodoEvent>) -> Reduction {
    let lists = database.collection::<List>()?;
    let tasks = database.collection::<Task>()?;
    Ok(match stamped.event {
        ListAdded { id } => lists.create(List { id, task_count: 0, changed_at: stamped.timestamp }),
        TaskAdded { list_id, .. } => {
            if lists.find_by_id(list_id)?.is_none() {
                let message = format!("there is no list {list_id}");
                return Err(Rejection::new("no_such_list", message).with_field("listId").into());
            }
            let count = u32::try_from(tasks.count(Filter::eq("list_id", list_id))?).unwrap() + 1;
            let patch = List::patch().task_count(count).changed_at(stamped.timestamp);
            lists.update_by_id(list_id, patch)
        }
        ListRemoved { id } => lists.destroy_by_id(id),
    })
}

fn todo() -> Reducer {
    let lists = root_reducer([List::SCHEMA, Task::SCHEMA], lists);
    aggregate_reducers([lift(tasks), lists, event_log_reducer()])
}

fn recorded(position: i64, event: &TodoEvent) -> Action {
    let action = event.to_action().unwrap();
    Action {
        id: Some(Uuid::from_u128(u128::try_from(position).unwrap())),
        timestamp: Some(Timestamp::from_milliseconds(position).unwrap()),
        position: Some(position),
        ..action
    }
}

fn all<T: Document>(database: &Database) -> Vec<T> {
    database.collection::<T>().unwrap().find_all(Query::all()).unwrap()
}

#[track_caller]
fn rejected<T: std::fmt::Debug>(result: Result<T, Halt>, code: &str) -> Rejection {
    match result {
        Err(Halt::Rejected(rejection)) if rejection.code() == code => rejection,
        other => panic!("expected the rejection `{code}`, found {other:?}"),
    }
}

#[test]
fn several_reducers_change_several_collections_in_one_event() {
    let reducer = todo();
    let mut database = reducer.database().unwrap();
    let events = [
        ListAdded { id: 1 },
        TaskAdded { id: 1, list_id: 1 },
        TaskAdded { id: 2, list_id: 1 },
        ListAdded { id: 2 },
    ];
    for (position, event) in (1..).zip(&events) {
        let delta = reducer.run(&mut database, &recorded(position, event)).unwrap();
        assert!(delta.collection("events").is_some());
    }
    let changed_at = |it| Some(Timestamp::from_milliseconds(it).unwrap());
    let first = List { id: 1, task_count: 2, changed_at: changed_at(3) };
    assert_eq!(all::<List>(&database)[0], first);
    assert_eq!(all::<Task>(&database), [Task { id: 1, list_id: 1 }, Task { id: 2, list_id: 1 }]);
    reducer.run(&mut database, &recorded(5, &ListRemoved { id: 1 })).unwrap();
    assert_eq!(all::<Task>(&database), []);
    assert_eq!(all::<List>(&database).len(), 1);
    let positions: Vec<_> = all::<RecordedEvent>(&database).iter().map(|it| it.position).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
}

#[test]
fn the_schemas_of_reducers_are_each_there_once() {
    let expected = [Task::SCHEMA, List::SCHEMA, RecordedEvent::SCHEMA];
    assert_eq!(todo().schemas(), expected);
    assert_eq!(todo().database().unwrap().schemas().collect::<Vec<_>>(), expected);
    assert_eq!(format!("{:?}", event_log_reducer()), r#"["events"]"#);
}

#[test]
fn each_of_several_reducers_sees_the_state_before_the_event() {
    let see = |id: i64| {
        root_reducer([Task::SCHEMA], move |database: &Database, _: &Action| {
            let tasks = database.collection::<Task>()?;
            let seen = i64::try_from(tasks.count(Filter::all())?).unwrap();
            Ok(tasks.create(Task { id, list_id: seen }))
        })
    };
    let reducer = aggregate_reducers([see(2), aggregate_reducers([see(1)]), see(3)]);
    let mut database = reducer.database().unwrap();
    let changeset = reducer.reduce(&database, &Action::new("seen")).unwrap();
    let ids: Vec<_> = changeset
        .operations()
        .iter()
        .map(|operation| match operation {
            Operation::Create { document, .. } => document.get("id").cloned().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [2, 1, 3].map(Value::Integer), "in the order of the reducers");
    reducer.run(&mut database, &Action::new("seen")).unwrap();
    assert!(all::<Task>(&database).iter().all(|task| task.list_id == 0));
}

#[test]
fn a_rejection_by_one_reducer_or_by_the_changeset_changes_nothing() {
    let reducer = todo();
    let mut database = reducer.database().unwrap();
    reducer.run(&mut database, &recorded(1, &ListAdded { id: 1 })).unwrap();
    reducer.run(&mut database, &recorded(2, &TaskAdded { id: 1, list_id: 1 })).unwrap();
    let before = all::<List>(&database);

    let no_list = reducer.run(&mut database, &recorded(3, &TaskAdded { id: 2, list_id: 9 }));
    assert_eq!(rejected(no_list, "no_such_list").field(), Some("listId"));
    let again = reducer.run(&mut database, &recorded(3, &TaskAdded { id: 1, list_id: 1 }));
    rejected(again, code::DOCUMENT_EXISTS);
    assert_eq!(all::<List>(&database), before);
    assert_eq!(all::<RecordedEvent>(&database).len(), 2);
}

#[test]
fn an_unknown_type_of_event_is_logged_and_changes_nothing_else() {
    let reducer = todo();
    let mut database = reducer.database().unwrap();
    let action = Action { event_type: "other".into(), ..recorded(1, &ListAdded { id: 1 }) };
    reducer.run(&mut database, &action).unwrap();
    assert_eq!(all::<List>(&database), []);
    assert_eq!(all::<RecordedEvent>(&database), [action.into_recorded().unwrap()]);
    let changeset = lift(tasks).reduce(&database, &Action::new("other"));
    assert_eq!(changeset, Ok(Changeset::no_change()));
}

#[test]
fn a_bad_payload_of_a_known_type_is_refused() {
    let reducer = todo();
    let mut database = reducer.database().unwrap();
    let action = Action::new("listAdded").with_payload(json!({"id": "1"}));
    let rejection = rejected(reducer.run(&mut database, &action), code::INVALID_PAYLOAD);
    assert_eq!(rejection.field(), Some("id"));
}

#[test]
fn an_event_type_is_text_that_the_log_can_hold() {
    let reducer = todo();
    let database = reducer.database().unwrap();
    for (event_type, code) in [
        (String::new(), code::INVALID_VALUE),
        ("a\0".to_owned(), code::INVALID_VALUE),
        ("a".repeat(513), code::INVALID_VALUE),
    ] {
        let rejection = rejected(reducer.reduce(&database, &Action::new(event_type)), code);
        assert_eq!(rejection.field(), Some("type"));
    }
    assert!(reducer.reduce(&database, &Action::new("a".repeat(512))).is_ok());
}

#[test]
fn the_log_holds_what_is_recorded_as_it_is() {
    let reducer = event_log_reducer();
    let mut database = reducer.database().unwrap();
    let action = recorded(1, &TaskAdded { id: 1, list_id: 2 }).with_meta("user", "ann");
    let action = Action { error: Some(false), ..action };
    reducer.run(&mut database, &action).unwrap();
    assert_eq!(all::<RecordedEvent>(&database), [action.clone().into_recorded().unwrap()]);
    let by_type = Filter::eq("type", "taskAdded") & Filter::eq("position", 1);
    let log = database.collection::<RecordedEvent>().unwrap();
    assert_eq!(log.count(by_type), Ok(1));
    rejected(reducer.run(&mut database, &action), code::DOCUMENT_EXISTS);
    let same_position = Action { id: Some(Uuid::from_u128(9)), ..action };
    rejected(reducer.run(&mut database, &same_position), code::VALUE_TAKEN);
}

#[test]
fn a_reducer_that_reads_the_log_finds_each_event_before() {
    let counts = || {
        root_reducer([RecordedEvent::SCHEMA], |database, _: &Action| {
            let log = database.collection::<RecordedEvent>()?;
            match log.count(Filter::all())? {
                0..2 => Ok(log.no_change()),
                _ => Err(Rejection::new("enough", "two are enough").into()),
            }
        })
    };
    for reducer in [counts(), aggregate_reducers([counts(), event_log_reducer()])] {
        let mut database = reducer.database().unwrap();
        for id in 1..=2 {
            reducer.run(&mut database, &recorded(id, &ListAdded { id: 1 })).unwrap();
        }
        rejected(reducer.run(&mut database, &recorded(3, &ListAdded { id: 1 })), "enough");
    }
}

#[test]
fn what_is_not_recorded_yet_is_not_logged() {
    let database = event_log_reducer().database().unwrap();
    let action = Action::new("other").with_id(Uuid::from_u128(1));
    let changeset = event_log_reducer().reduce(&database, &action);
    assert_eq!(changeset, Ok(Changeset::no_change()));
}

#[test]
fn no_other_reducer_writes_the_log() {
    let id = Value::Uuid(Uuid::from_u128(1));
    let collection = || RecordedEvent::SCHEMA.collection.into();
    let patch = Fields::new().with("type", "other");
    let action = recorded(2, &ListAdded { id: 1 });
    let entry = action.clone().into_recorded().unwrap().to_fields();
    for operation in [
        Operation::DestroyById { collection: collection(), id: id.clone() },
        Operation::DestroyWhere { collection: collection(), filter: Filter::Or(vec![]) },
        Operation::UpdateById { collection: collection(), id, patch: patch.clone() },
        Operation::UpdateWhere { collection: collection(), filter: Filter::all(), patch },
        Operation::Upsert { collection: collection(), document: entry.clone() },
        Operation::Create { collection: collection(), document: entry.with("type", "other") },
    ] {
        let writer = root_reducer([RecordedEvent::SCHEMA], move |_, _: &Action| {
            Ok(operation.clone().into())
        });
        let reducer = aggregate_reducers([event_log_reducer(), writer]);
        let mut database = reducer.database().unwrap();
        event_log_reducer().run(&mut database, &recorded(1, &ListAdded { id: 9 })).unwrap();
        let result = reducer.run(&mut database, &action);
        rejected(result, code::EVENT_LOG_IS_APPEND_ONLY);
        assert_eq!(all::<RecordedEvent>(&database).len(), 1);
    }
}
