//! Events of old shapes: read as new ones wherever a reducer runs, and logged as they were.

use flux_reducers::{
    Action, Collection, Document, Event, Json, Query, RecordedEvent, Reducer, Reduction, Rejection,
    Timestamp, Upcasts, Uuid, aggregate_reducers, event_log_reducer, lift,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "people")]
struct Person {
    id: i64,
    first: String,
    last: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum PersonEvent {
    PersonAdded { id: i64, first: String, last: String },
}

fn people(people: &Collection<Person>, event: &PersonEvent) -> Reduction {
    let PersonEvent::PersonAdded { id, first, last } = event.clone();
    Ok(people.create(Person { id, first, last }))
}

/// Once it was called otherwise, then it had one name, then the last name came first.
fn reducer() -> Reducer {
    let upcasts = Upcasts::default()
        .from_version("personCreated", 1, |action| {
            Ok(Action { event_type: "personAdded".into(), ..action })
        })
        .from_version("personAdded", 1, |action| {
            let payload = action.payload.clone().unwrap_or_default().into_value();
            let Some(names) = payload["name"].as_str().and_then(|name| name.split_once(' ')) else {
                return Err(Rejection::new("no_name", "a person has two names"));
            };
            let payload = json!({ "id": payload["id"], "names": [names.1, names.0] });
            Ok(Action { payload: Some(payload.into()), ..action })
        })
        .from_version("personAdded", 2, |action| {
            let payload = action.payload.clone().unwrap_or_default().into_value();
            let (first, last) = (&payload["names"][1], &payload["names"][0]);
            let payload = json!({ "id": payload["id"], "first": first, "last": last });
            Ok(Action { payload: Some(payload.into()), ..action })
        });
    aggregate_reducers([lift(people).with_upcasts(upcasts), event_log_reducer()])
}

fn recorded(event_type: &str, id: u128, payload: serde_json::Value) -> Action {
    Action {
        id: Some(Uuid::from_u128(id)),
        timestamp: Some(Timestamp::from_milliseconds(0).unwrap()),
        position: Some(i64::try_from(id).unwrap()),
        ..Action::new(event_type).with_payload(Json::from(payload))
    }
}

#[test]
fn every_version_ends_as_the_newest_and_is_logged_as_it_was() {
    let reducer = reducer();
    let mut database = reducer.database().unwrap();
    let events = [
        recorded("personCreated", 1, json!({ "id": 1, "name": "Ann Lee" })),
        recorded("personAdded", 2, json!({ "id": 2, "name": "Ann Lee" })),
        recorded("personAdded", 3, json!({ "id": 3, "names": ["Lee", "Ann"] }))
            .with_meta("version", 2),
        recorded("personAdded", 4, json!({ "id": 4, "first": "Ann", "last": "Lee" }))
            .with_meta("version", 3)
            .with_meta("user", "bob"),
    ];
    for event in &events {
        reducer.run(&mut database, event).unwrap();
    }
    let people = database.collection::<Person>().unwrap().find_all(Query::all()).unwrap();
    assert_eq!(people.len(), 4);
    assert!(people.iter().all(|it| it.first == "Ann" && it.last == "Lee"), "{people:?}");
    let log = database.collection::<RecordedEvent>().unwrap();
    let logged = log.find_all(Query::all().ascending("position")).unwrap();
    assert_eq!(logged.into_iter().map(Action::from).collect::<Vec<_>>(), events);
}

#[test]
fn what_an_upcast_refuses_is_a_rejection() {
    let reducer = reducer();
    let mut database = reducer.database().unwrap();
    let result = reducer.run(&mut database, &recorded("personAdded", 1, json!({ "id": 1 })));
    assert!(matches!(result, Err(flux_reducers::Halt::Rejected(it)) if it.code() == "no_name"));
}

#[test]
fn of_events_that_no_upcast_reads_nothing_is_read() {
    let upcasts = Upcasts::default()
        .from_version("personCreated", 1, |_| Err(Rejection::new("upcast", "not this one")));
    let reducer = lift(people).with_upcasts(upcasts);
    let mut database = reducer.database().unwrap();
    let payload = json!({ "id": 1, "first": "Ann", "last": "Lee" });
    let newest = recorded("personCreated", 2, payload.clone()).with_meta("version", 2);
    for event in [recorded("personAdded", 1, payload), newest] {
        reducer.run(&mut database, &event).unwrap();
    }
    let result = reducer.run(&mut database, &recorded("personCreated", 3, json!({})));
    assert!(matches!(result, Err(flux_reducers::Halt::Rejected(it)) if it.code() == "upcast"));
}

#[test]
fn types_that_are_read_as_each_other_end() {
    let upcasts = Upcasts::default()
        .from_version("a", 1, |action| Ok(Action { event_type: "b".into(), ..action }))
        .from_version("b", 1, |action| Ok(Action { event_type: "a".into(), ..action }));
    assert_eq!(upcasts.apply(Action::new("a")).unwrap().event_type, "a");
    assert_eq!(format!("{upcasts:?}"), r#"{"a": [1], "b": [1]}"#);
}
