//! The action `@@flux-capacitor/batch`: several actions in one call.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, documents, eval, get, heard, js, json as json_of, rejected};
use super::{marks, products};

fn put(id: i64, value: i64) -> serde_json::Value {
    let payload = json!({ "first": id, "step": 1, "count": 1, "value": value });
    json!({ "type": "marksPut", "payload": payload })
}

fn batch(actions: &[serde_json::Value]) -> JsValue {
    js(json!({ "type": "@@flux-capacitor/batch", "payload": actions }))
}

#[test]
fn a_batch_is_what_its_actions_are_one_by_one() {
    let actions: Vec<_> = (0..100).map(|nth| put(nth * 37 % 50, nth)).collect();
    let at_once = accepted(marks, &JsValue::UNDEFINED, &batch(&actions));
    let one_by_one = actions
        .iter()
        .fold(JsValue::UNDEFINED, |state, action| accepted(marks, &state, &js(action)));
    assert_eq!(documents(&at_once).len(), 50);
    assert_eq!(json_of(&at_once), json_of(&one_by_one));
}

#[test]
fn a_rejected_action_of_a_batch_is_told_and_leaves_the_others_alone() {
    let product = |id: &str| {
        let payload = json!({
            "id": id, "name": "n", "stage": "draft", "stock": 0, "available": true, "price": 0,
        });
        json!({ "type": "productAdded", "payload": payload })
    };
    let actions = [product("a"), product("a"), json!({ "type": "other" }), product("b")];
    let (state, rejections) = heard(|| products(JsValue::UNDEFINED, batch(&actions)));
    assert_eq!(documents(&state).len(), 2);
    assert_eq!(rejections.len(), 1);
    assert_eq!(rejections[0].code, "document_exists");
    assert_eq!(json_of(&rejections[0].action), actions[1], "the action itself goes along");
}

#[test]
fn a_batch_without_a_change_returns_the_same_state() {
    let state = accepted(marks, &JsValue::UNDEFINED, &js(put(1, 1)));
    assert!(accepted(marks, &state, &batch(&[])) == state);
    assert!(accepted(marks, &state, &batch(&[put(1, 1), json!({ "type": "other" })])) == state);
}

#[test]
fn what_is_no_batch_is_refused() {
    let state = accepted(marks, &JsValue::UNDEFINED, &js(put(1, 1)));
    for payload in ["undefined", "7", "{}", "'text'"] {
        let action = eval(&format!("{{ type: '@@flux-capacitor/batch', payload: {payload} }}"));
        assert_eq!(rejected(marks, &state, &action).code, "invalid_payload");
    }
    let (next, rejections) = heard(|| {
        let cyclic = "(() => { const it = { type: '@@flux-capacitor/batch', payload: [7] }; \
                      it.payload.push(it); return it })()";
        marks(state.clone(), eval(cyclic))
    });
    assert!(next == state);
    let codes: Vec<_> = rejections.iter().map(|rejection| &*rejection.code).collect();
    assert_eq!(codes, ["invalid_action", "invalid_action"]);
}

#[test]
fn a_long_loop_leaves_nothing_behind() {
    let state = accepted(marks, &JsValue::UNDEFINED, &js(put(1, 1)));
    let turn = |actions: i64| {
        let mut state = state.clone();
        for nth in 0..actions {
            state = marks(state, js(put(nth % 10, nth)));
        }
    };
    turn(2_000);
    let memory = || get(&get(&wasm_bindgen::memory(), "buffer"), "byteLength").as_f64();
    let before = memory();
    turn(60_000);
    assert_eq!(memory(), before, "the memory of WebAssembly has grown");
}
