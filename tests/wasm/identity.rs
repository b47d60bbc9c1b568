//! What does not change stays the same object, and nothing can be changed from outside.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, documents, for_each_node, get, heard, is_frozen, js};
use super::{marks, products};

fn of_marks(count: i64) -> JsValue {
    let payload = json!({ "first": 0, "step": 2, "count": count, "value": 0 });
    accepted(marks, &JsValue::UNDEFINED, &js(json!({ "type": "marksPut", "payload": payload })))
}

fn put(state: &JsValue, id: i64, value: i64) -> JsValue {
    let payload = json!({ "first": id, "step": 1, "count": 1, "value": value });
    accepted(marks, state, &js(json!({ "type": "marksPut", "payload": payload })))
}

fn nodes(state: &JsValue) -> Vec<JsValue> {
    let mut nodes = Vec::new();
    for_each_node(&get(state, "root"), &mut |node| nodes.push(node.clone()));
    nodes
}

#[test]
fn the_first_state_is_empty_and_always_the_same() {
    let first = marks(JsValue::UNDEFINED, js(json!({ "type": "@@redux/INITa.b.c" })));
    assert!(documents(&first).is_empty());
    assert!(first == marks(JsValue::UNDEFINED, js(json!({ "type": "other" }))));
}

#[test]
fn an_unknown_type_returns_the_same_state_whatever_it_is() {
    let action = js(json!({ "type": "somethingElse", "payload": { "id": 1 } }));
    for state in [of_marks(100), JsValue::NULL, js(json!({ "version": 9 })), js("[1]")] {
        let (next, rejections) = heard(|| marks(state.clone(), action.clone()));
        assert!(next == state && rejections.is_empty());
    }
}

#[test]
fn no_change_returns_the_same_state() {
    let state = of_marks(100);
    assert!(put(&state, 4, 0) == state);
    let removed = js(json!({ "type": "marksRemoved", "payload": { "first": 3, "last": 3 } }));
    assert!(accepted(marks, &state, &removed) == state);
}

#[test]
fn a_changed_document_is_another_object_and_all_others_are_the_same() {
    let before = of_marks(5_000);
    let after = put(&before, 4_000, 7);
    let (old, new) = (documents(&before), documents(&after));
    for (old, new) in old.iter().zip(&new) {
        let is_changed = get(old, "id").as_f64() == Some(4_000.0);
        assert_eq!(old != new, is_changed);
    }
    assert_eq!(get(&old[2_000], "value"), 0.0, "the earlier state is as it was");
}

#[test]
fn only_the_nodes_on_the_path_are_copied() {
    let before = of_marks(5_000);
    let copied = |after: &JsValue| {
        let (old, new) = (nodes(&before), nodes(after));
        new.iter().filter(|node| !old.contains(node)).count()
    };
    assert_eq!(copied(&put(&before, 4_000, 7)), 3, "one on each level");
    assert!(copied(&put(&before, 4_001, 7)) <= 5, "all but the root may be split");
}

#[test]
fn an_inserted_or_removed_document_leaves_all_others_the_same() {
    let before = of_marks(3_000);
    let added = put(&before, 2_001, 7);
    let removed = js(json!({ "type": "marksRemoved", "payload": { "first": 500, "last": 900 } }));
    let removed = accepted(marks, &added, &removed);
    let (before, after) = (documents(&before), documents(&removed));
    assert_eq!(after.len(), 3_001 - 201);
    let is_same = |it: &&JsValue| before.contains(it);
    assert_eq!(after.iter().filter(is_same).count(), 3_000 - 201);
}

#[test]
fn fields_that_do_not_change_keep_their_objects() {
    let product = json!({
        "id": "a", "name": "n", "stage": "draft", "stock": 1, "available": true, "price": 1,
        "attributes": { "colours": ["red"] },
    });
    let added = js(json!({ "type": "productAdded", "payload": product }));
    let before = accepted(products, &JsValue::UNDEFINED, &added);
    let named = json!({ "type": "productNamed", "payload": { "id": "a", "name": "m" } });
    let after = accepted(products, &before, &js(named));
    let attributes = |state| get(&documents(state)[0], "attributes");
    assert!(attributes(&before) == attributes(&after));
    let colours = get(&attributes(&after), "colours");
    assert!(is_frozen(&colours), "frozen all through");
}

#[test]
fn the_same_action_on_the_same_state_gives_equal_states() {
    let state = of_marks(1_000);
    let (first, second) = (put(&state, 3, 3), put(&state, 3, 3));
    assert!(first != second);
    assert_eq!(super::host::json(&first), super::host::json(&second));
}
