//! The action `@@flux-capacitor/loaded`: a collection as the server has it.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{Heard, accepted, documents, heard, js, rejected};
use super::{marks, products};

fn loaded(collection: &str, documents: &serde_json::Value) -> JsValue {
    js(json!({
        "type": "@@flux-capacitor/loaded",
        "payload": { "collection": collection, "position": 7, "documents": documents },
    }))
}

fn empty() -> JsValue {
    marks(JsValue::UNDEFINED, js(json!({ "type": "none" })))
}

fn refused(documents: &serde_json::Value) -> Heard {
    rejected(marks, &empty(), &loaded("marks", documents))
}

#[test]
fn the_documents_replace_the_state_whatever_their_order() {
    for count in [0, 1, 31, 32, 33, 64, 65, 1_024, 1_025, 3_000] {
        let ordered: Vec<_> = (0..count).map(|id| json!({ "id": id, "value": -id })).collect();
        let reversed: Vec<_> = ordered.iter().rev().cloned().collect();
        let state = accepted(marks, &empty(), &loaded("marks", &json!([{ "id": 1, "value": 1 }])));
        let state = accepted(marks, &state, &loaded("marks", &json!(reversed)));
        let found: Vec<_> = documents(&state).iter().map(super::host::json).collect();
        assert_eq!(found, ordered);
    }
}

#[test]
fn a_state_that_is_none_is_replaced() {
    for state in [JsValue::UNDEFINED, JsValue::NULL, js(json!({ "version": 9 }))] {
        let state = accepted(marks, &state, &loaded("marks", &json!([{ "id": 1, "value": 1 }])));
        assert_eq!(documents(&state).len(), 1);
    }
}

#[test]
fn a_document_is_brought_into_its_normal_form() {
    let document = json!({
        "price": 1, "available": false, "stock": 0, "stage": "draft", "name": "n", "id": "a",
        "serial": "C4490491-8D0B-4D8F-B3F8-4D2F4B6B3A50",
    });
    let state = accepted(products, &JsValue::UNDEFINED, &loaded("products", &json!([document])));
    let text = String::from(js_sys::JSON::stringify(&documents(&state)[0]).unwrap());
    assert_eq!(
        text,
        "{\"id\":\"a\",\"name\":\"n\",\"stage\":\"draft\",\"stock\":0,\"available\":false,\
         \"price\":1,\"rank\":null,\"size\":null,\
         \"serial\":\"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50\",\"madeAt\":null,\"picture\":null,\
         \"attributes\":null}"
    );
}

#[test]
fn another_collection_of_the_package_is_left_to_its_reducer() {
    products(JsValue::UNDEFINED, js(json!({ "type": "none" })));
    let state = empty();
    assert!(accepted(marks, &state, &loaded("products", &json!([]))) == state);
}

#[test]
fn an_unknown_collection_is_refused() {
    let heard = rejected(marks, &empty(), &loaded("marksz", &json!([])));
    assert_eq!(heard.code, "unknown_collection");
    assert!(heard.message.contains("`marksz`"), "{}", heard.message);
}

#[test]
fn documents_that_do_not_fit_are_refused() {
    let check = |documents: serde_json::Value, code: &str, field: Option<&str>| {
        let heard = refused(&documents);
        assert_eq!((&*heard.code, heard.field.as_deref()), (code, field), "{}", heard.message);
    };
    let twice = json!([{ "id": 1, "value": 1 }, { "id": 2, "value": 1 }, { "id": 1, "value": 2 }]);
    check(twice, "document_exists", Some("id"));
    check(json!([{ "id": 1 }]), "missing_field", Some("value"));
    check(json!([{ "value": 1 }]), "missing_field", Some("id"));
    check(json!([{ "id": 1, "value": "1" }]), "invalid_value", Some("value"));
    check(json!([{ "id": 1, "value": 1.5 }]), "invalid_value", Some("value"));
    check(json!([{ "id": 1, "value": [] }]), "invalid_value", Some("value"));
    check(json!([{ "id": 1, "value": 1, "more": 1 }]), "unknown_field", Some("more"));
    check(json!([{ "id": 1, "value": 1_u64 << 60 }]), "integer_out_of_range", Some("value"));
    check(json!([7]), "invalid_payload", Some("documents[0]"));
    check(json!({}), "invalid_payload", Some("documents"));
}

#[test]
fn a_payload_that_does_not_fit_is_refused() {
    for payload in [json!(null), json!(7), json!({}), json!({ "collection": 7 })] {
        let action = js(json!({ "type": "@@flux-capacitor/loaded", "payload": payload }));
        let (_, heard) = heard(|| marks(empty(), action));
        assert_eq!(heard[0].code, "invalid_payload");
    }
}
