//! An old log, through a package and natively.

use flux_reducers::{Action, Document as _, Query, Reducer, lift};
use flux_tests::person::{Person, PersonEvent, people, upcasts};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{Redux, accepted, documents, get, js, json as json_of, rejected};

flux_wasm::reduxify!(oldPeople: people, upcasts = upcasts());

flux_wasm::reduxify!(
    oldApp: lift(people), documents = [Person], events = [PersonEvent], upcasts = upcasts(),
);

/// Every name and version, and members that no version has.
fn log() -> [Value; 6] {
    let user = json!({ "user": "ann" });
    [
        json!({ "type": "personCreated", "payload": { "id": 1, "name": "Ann Lee" } }),
        json!({ "type": "personAdded", "payload": { "id": 2, "name": "Bo Ek" }, "meta": user }),
        json!({ "type": "personAdded", "meta": { "version": 2 },
            "payload": { "id": 3, "names": ["Lee", "Cy"], "more": [null] } }),
        json!({ "type": "personAdded", "meta": { "version": 3 },
            "payload": { "id": 4, "first": "Di", "last": "Lee", "more": {} } }),
        json!({ "type": "personRemoved", "payload": { "id": 1 } }),
        json!({ "type": "personForgotten", "payload": { "id": 2 } }),
    ]
}

fn natively() -> Value {
    let reducer: Reducer = lift(people).with_upcasts(upcasts());
    let mut database = reducer.database().unwrap();
    for event in log() {
        let action: Action = serde_json::from_value(event).unwrap();
        reducer.run(&mut database, &action).unwrap();
    }
    let people = database.collection::<Person>().unwrap().find_all(Query::all()).unwrap();
    people
        .iter()
        .map(|it| json!({ "id": it.id, "first": it.first, "last": it.last }))
        .collect::<Vec<_>>()
        .into()
}

fn through(reducer: Redux) -> JsValue {
    log().iter().fold(JsValue::UNDEFINED, |state, event| accepted(reducer, &state, &js(event)))
}

fn json_of_all(state: &JsValue) -> Value {
    documents(state).iter().map(json_of).collect::<Vec<_>>().into()
}

#[test]
fn an_old_log_makes_the_same_state_as_natively() {
    assert_eq!(json_of_all(&through(oldPeople)), natively());
    let state = through(oldApp);
    assert_eq!(json_of_all(&get(&state, Person::SCHEMA.collection)), natively());
}

#[test]
fn an_old_log_comes_as_a_batch_too() {
    let batch = js(json!({ "type": "@@flux-capacitor/batch", "payload": log() }));
    let state = accepted(oldPeople, &JsValue::UNDEFINED, &batch);
    assert_eq!(json_of_all(&state), natively());
}

#[test]
fn types_that_no_upcast_reads_are_passed_over() {
    let state = through(oldPeople);
    let other = js(json!({ "type": "somethingElse", "meta": { "version": 7 } }));
    assert!(accepted(oldPeople, &state, &other) == state);
}

#[test]
fn what_an_upcast_refuses_and_what_is_too_new_is_told() {
    let state = through(oldPeople);
    let nameless = js(json!({ "type": "personCreated", "payload": { "id": 5 } }));
    let heard = rejected(oldPeople, &state, &nameless);
    assert_eq!((heard.code.as_str(), heard.action == nameless), ("no_name", true));
    let newer = js(json!({ "type": "personAdded", "meta": { "version": 4 },
        "payload": { "id": 5, "first": "Di", "last": "Lee" } }));
    let heard = rejected(oldPeople, &state, &newer);
    assert_eq!(heard.code, "unknown_version");
    assert_eq!(heard.field.as_deref(), Some("meta.version"));
}
