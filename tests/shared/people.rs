//! Events of old shapes, and of one that is too new.

use flux_reducers::testing::{Given, given, given_actions};
use flux_reducers::{Action, Event as _, code, lift};
use flux_tests::person::PersonEvent::{PersonAdded, PersonRemoved};
use flux_tests::person::{Person, PersonEvent, people, upcasts};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn ann(id: i64) -> Person {
    Person { id, first: "Ann".into(), last: "Lee".into() }
}

fn log() -> Given {
    given_actions(
        lift(people).with_upcasts(upcasts()),
        [
            Action::new("personCreated").with_payload(json!({ "id": 1, "name": "Ann Lee" })),
            Action::new("personAdded").with_payload(json!({ "id": 2, "name": "Ann Lee" })),
            Action::new("personAdded")
                .with_payload(json!({ "id": 3, "names": ["Lee", "Ann"] }))
                .with_meta("version", 2),
        ],
    )
}

fn added(id: i64) -> PersonEvent {
    PersonAdded { id, first: "Ann".into(), last: "Lee".into() }
}

#[test]
fn every_version_and_name_of_an_event_ends_as_the_newest() {
    log().when(added(4)).then([1, 2, 3, 4].map(ann));
    log().when(PersonRemoved { id: 1 }).then([2, 3].map(ann));
}

#[test]
fn what_an_upcast_refuses_is_rejected() {
    let nameless = Action::new("personCreated").with_payload(json!({ "id": 5 }));
    log().when(nameless).then_rejected("no_name");
}

#[test]
fn an_event_says_its_version() {
    assert_eq!(added(1).to_action().unwrap().meta("version"), Some(&json!(3)));
    assert_eq!(PersonRemoved { id: 1 }.to_action().unwrap().meta, None);
    given(people, []).when(added(1)).then([ann(1)]);
}

#[test]
fn an_event_of_a_newer_version_is_rejected() {
    let newer = || added(4).to_action().unwrap().with_meta("version", 4);
    let rejection = log().when(newer()).then_rejected(code::UNKNOWN_VERSION);
    assert_eq!(rejection.field(), Some("meta.version"));
    given(people, []).when(newer()).then_rejected(code::UNKNOWN_VERSION);
    let removed = PersonRemoved { id: 1 }.to_action().unwrap().with_meta("version", 2);
    log().when(removed).then_rejected(code::UNKNOWN_VERSION);
}
