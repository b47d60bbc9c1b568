//! A root reducer over several collections, one of them the log.

use flux_reducers::{Action, RecordedEvent, Reducer, aggregate_reducers, event_log_reducer, lift};
use notes_reducers::{Note, notes};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, copy, documents, get, js, json as json_of, rejected};

fn root() -> Reducer {
    aggregate_reducers([lift(notes), event_log_reducer()])
}

flux_wasm::reduxify!(app: root(), documents = [Note, RecordedEvent], events = [Action]);

const ID: &str = "c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50";

fn added(position: i64) -> JsValue {
    js(json!({
        "id": format!("c4490491-8d0b-4d8f-b3f8-{position:012}"),
        "timestamp": "2016-09-20T07:04:21.000Z", "type": "noteAdded", "position": position,
        "payload": {
            "id": format!("00000000-0000-4000-8000-{position:012}"), "title": "Milk",
            "text": "", "createdAt": "2016-09-20T07:04:21.000Z",
        },
        "meta": { "user": "ann" },
    }))
}

#[test]
fn the_first_state_has_every_collection() {
    let state = app(JsValue::UNDEFINED, js(json!({ "type": "@@redux/INIT" })));
    let empty = json!({ "version": 1, "count": 0, "root": [] });
    assert_eq!(json_of(&state), json!({ "notes": empty, "events": empty }));
}

#[test]
fn an_event_changes_several_collections() {
    let state = accepted(app, &JsValue::UNDEFINED, &added(1));
    let state = accepted(app, &state, &added(2));
    assert_eq!(documents(&get(&state, "notes")).len(), 2);
    let events = documents(&get(&state, "events"));
    assert_eq!(json_of(&get(&events[1], "meta")), json!({ "user": "ann" }));
}

#[test]
fn a_collection_that_does_not_change_keeps_its_state() {
    let state = accepted(app, &JsValue::UNDEFINED, &added(1));
    let other = js(json!({
        "id": ID, "timestamp": "2016-09-20T07:04:21.000Z", "type": "other", "position": 2,
    }));
    let next = accepted(app, &state, &other);
    assert!(get(&next, "notes") == get(&state, "notes"));
    assert_eq!(documents(&get(&next, "events")).len(), 2);
}

#[test]
fn a_rejection_changes_no_collection() {
    let state = accepted(app, &JsValue::UNDEFINED, &added(1));
    assert_eq!(rejected(app, &state, &added(1)).code, "document_exists");
}

#[test]
fn actions_of_libraries_are_no_events() {
    let state = accepted(app, &JsValue::UNDEFINED, &added(1));
    let action = js(json!({ "type": "@@router/LOCATION_CHANGE", "payload": "\u{0}" }));
    assert!(accepted(app, &state, &action) == state);
}

#[test]
fn a_missing_collection_is_empty_and_foreign_members_stay() {
    let state = accepted(app, &JsValue::UNDEFINED, &added(1));
    let state = copy(&state);
    js_sys::Reflect::delete_property(&state.clone().into(), &"events".into()).unwrap();
    super::host::set(&state, "mine", 7);
    let next = accepted(app, &state, &added(2));
    assert_eq!(get(&next, "mine"), 7.0);
    assert_eq!(documents(&get(&next, "events")).len(), 1);
    assert_eq!(get(&get(&next, "notes"), "count"), 2.0);
}

#[test]
fn loaded_replaces_one_collection() {
    let state = accepted(app, &JsValue::UNDEFINED, &added(1));
    let loaded = js(json!({
        "type": "@@flux-capacitor/loaded",
        "payload": { "collection": "notes", "position": 1, "documents": [] },
    }));
    let next = accepted(app, &state, &loaded);
    assert!(documents(&get(&next, "notes")).is_empty());
    assert!(get(&next, "events") == get(&state, "events"));
}

#[test]
fn a_root_state_that_is_none_is_left_alone() {
    for state in [JsValue::NULL, 7.into(), js(json!({ "notes": 7 }))] {
        assert_eq!(rejected(app, &state, &added(1)).code, "invalid_state");
    }
}
