//! The shape of the tree at its edges.

use js_sys::Array;
use serde_json::json;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, copy, documents, get, js, json as json_of};
use super::{marks, products};

fn put(state: &JsValue, first: i64, count: i64) -> JsValue {
    let payload = json!({ "first": first, "step": 1, "count": count, "value": 0 });
    accepted(marks, state, &js(json!({ "type": "marksPut", "payload": payload })))
}

fn remove(state: &JsValue, first: i64, last: i64) -> JsValue {
    let payload = json!({ "first": first, "last": last });
    accepted(marks, state, &js(json!({ "type": "marksRemoved", "payload": payload })))
}

#[test]
fn the_state_is_as_it_is_documented() {
    let state = put(&JsValue::UNDEFINED, 0, 2);
    let leaf = json!([{ "id": 0, "value": 0 }, { "id": 1, "value": 0 }]);
    assert_eq!(json_of(&state), json!({ "version": 1, "count": 2, "root": leaf }));
    let state = put(&JsValue::UNDEFINED, 0, 33);
    let root = get(&state, "root");
    assert_eq!(json_of(&get(&root, "keys")), json!([16]));
    let children: Array = get(&root, "children").unchecked_into();
    let sizes: Vec<_> = children.iter().map(|it| it.unchecked_into::<Array>().length()).collect();
    assert_eq!(sizes, [16, 17]);
}

#[test]
fn it_grows_and_shrinks_in_order_from_both_ends() {
    let mut state = JsValue::UNDEFINED;
    for id in 0..700 {
        state = put(&state, id, 1);
        state = put(&state, -1 - id, 1);
    }
    assert_eq!(documents(&state).len(), 1_400);
    for id in 0..350 {
        state = remove(&state, id, id);
        state = remove(&state, -700 + id, -700 + id);
        if id % 10 == 0 {
            documents(&state);
        }
    }
    assert_eq!(documents(&state).len(), 700);
    let state = remove(&state, -1_000, 1_000);
    assert_eq!(json_of(&state), json!({ "version": 1, "count": 0, "root": [] }));
}

#[test]
fn a_hole_in_the_middle_is_closed() {
    for (first, last) in [(1, 2_998), (0, 1_500), (1_500, 2_999), (16, 2_000), (100, 101)] {
        let state = remove(&put(&JsValue::UNDEFINED, 0, 3_000), first, last);
        assert_eq!(documents(&state).len() as i64, 3_000 - (last - first + 1));
    }
}

#[test]
fn more_changes_than_go_down_together() {
    let state = put(&JsValue::UNDEFINED, 0, 5_000);
    let state = put(&state, 2_500, 5_000);
    assert_eq!(documents(&state).len(), 7_500);
}

#[test]
fn a_state_from_json_goes_on() {
    let state = put(&JsValue::UNDEFINED, 0, 1_000);
    let again = put(&copy(&state), 1_000, 1);
    assert_eq!(json_of(&again), json_of(&put(&state, 1_000, 1)));
    let again = remove(&copy(&again), 10, 990);
    assert_eq!(get(&again, "count"), 20.0);
}

#[test]
fn an_earlier_state_goes_on() {
    let first = put(&JsValue::UNDEFINED, 0, 100);
    let second = remove(&first, 0, 50);
    let other = put(&first, 100, 1);
    assert_eq!(documents(&first).len(), 100);
    assert_eq!(documents(&second).len(), 49);
    assert_eq!(documents(&other).len(), 101);
}

#[test]
fn many_reads_one_by_one_end_soon() {
    let state = put(&JsValue::UNDEFINED, 0, 3_000);
    let ids: Vec<_> = (0..3_000).collect();
    let action = js(json!({ "type": "marksDoubled", "payload": { "ids": ids } }));
    assert!(accepted(marks, &state, &action) == state, "zero twice is zero");
}

#[test]
fn ids_of_all_planes_are_found_again() {
    let planes = (0xffd0..0x1_0000).chain(0x1_0000..0x1_0030).filter_map(char::from_u32);
    let ids: Vec<String> = planes.flat_map(|it| [it.into(), format!("{it}a")]).collect();
    let product = |id: &String| {
        json!({
            "id": id, "name": "n", "stage": "draft", "stock": 0, "available": true, "price": 0,
        })
    };
    let mut state = JsValue::UNDEFINED;
    for id in ids.iter().rev() {
        let added = json!({ "type": "productAdded", "payload": product(id) });
        state = accepted(products, &state, &js(added));
    }
    let found: Vec<_> = documents(&state).iter().map(|it| get(it, "id").as_string()).collect();
    assert_eq!(found, ids.iter().cloned().map(Some).collect::<Vec<_>>());
    for id in &ids {
        let removed = json!({ "type": "productRemoved", "payload": { "id": id } });
        state = accepted(products, &state, &js(removed));
    }
    assert!(documents(&state).is_empty());
}
