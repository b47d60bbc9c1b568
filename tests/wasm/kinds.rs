//! Values of every kind cross exactly, or not at all.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, documents, eval, get, js, rejected, set};
use super::products;

const PRODUCT: &str = r#"{
    "id": "a", "name": "n", "stage": "onSale", "stock": 9007199254740991, "available": true,
    "price": -0.125, "rank": -2147483648, "size": 4294967295,
    "serial": "C4490491-8D0B-4D8F-B3F8-4D2F4B6B3A50", "madeAt": "2016-09-26T20:32:46.588Z",
    "picture": "AQL/", "attributes": {"b": [1, null], "a": "\ud83d\ude00"}
}"#;

fn added(payload: &JsValue) -> JsValue {
    let action = js(json!({ "type": "productAdded" }));
    set(&action, "payload", payload);
    action
}

#[test]
fn a_document_has_all_fields_in_the_order_of_its_schema() {
    let state = accepted(products, &JsValue::UNDEFINED, &added(&js(PRODUCT)));
    let text = js_sys::JSON::stringify(&documents(&state)[0]).unwrap();
    assert_eq!(
        String::from(text),
        "{\"id\":\"a\",\"name\":\"n\",\"stage\":\"onSale\",\"stock\":9007199254740991,\
         \"available\":true,\"price\":-0.125,\"rank\":-2147483648,\"size\":4294967295,\
         \"serial\":\"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50\",\
         \"madeAt\":\"2016-09-26T20:32:46.588Z\",\"picture\":\"AQL/\",\
         \"attributes\":{\"a\":\"😀\",\"b\":[1,null]}}"
    );
}

#[test]
fn what_is_undefined_is_left_out() {
    let payload = js(PRODUCT);
    set(&payload, "rank", JsValue::UNDEFINED);
    set(&payload, "attributes", eval("{ a: undefined, b: [undefined, 1] }"));
    let state = accepted(products, &JsValue::UNDEFINED, &added(&payload));
    let document = super::host::json(&documents(&state)[0]);
    assert_eq!(document["rank"], json!(null));
    assert_eq!(document["attributes"], json!({ "b": [null, 1] }));
}

#[test]
fn a_member_may_have_any_name() {
    let payload = js(PRODUCT);
    set(&payload, "attributes", eval(r#"JSON.parse('{"__proto__":{"x":1},"toString":2}')"#));
    let state = accepted(products, &JsValue::UNDEFINED, &added(&payload));
    let attributes = get(&documents(&state)[0], "attributes");
    let text = String::from(js_sys::JSON::stringify(&attributes).unwrap());
    assert_eq!(text, r#"{"__proto__":{"x":1},"toString":2}"#);
}

#[test]
fn an_integer_may_be_a_big_one_that_fits() {
    let payload = js(PRODUCT);
    set(&payload, "stock", eval("7n"));
    let state = accepted(products, &JsValue::UNDEFINED, &added(&payload));
    assert_eq!(get(&documents(&state)[0], "stock"), 7.0);
}

#[test]
fn negative_zero_is_zero() {
    let payload = js(PRODUCT);
    set(&payload, "stock", -0.0);
    set(&payload, "price", -0.0);
    set(&payload, "attributes", eval("[-0]"));
    let state = accepted(products, &JsValue::UNDEFINED, &added(&payload));
    let document = &documents(&state)[0];
    for value in
        [get(document, "stock"), get(document, "price"), get(&get(document, "attributes"), "0")]
    {
        assert!(value.as_f64().unwrap().is_sign_positive());
    }
}

#[test]
fn integers_that_javascript_may_have_rounded_are_refused() {
    let check = |field: &str, value: &str| {
        let payload = js(PRODUCT);
        set(&payload, field, eval(value));
        let heard = rejected(products, &empty(), &added(&payload));
        assert_eq!(heard.code, "integer_out_of_range", "{value}");
        heard.field
    };
    assert_eq!(check("stock", "2 ** 53").as_deref(), Some("stock"));
    assert_eq!(check("stock", "-(2 ** 53)").as_deref(), Some("stock"));
    assert_eq!(check("stock", "2n ** 53n").as_deref(), Some("stock"));
    assert_eq!(check("price", "2 ** 60").as_deref(), Some("price"));
    assert_eq!(check("attributes", "[1, { a: 2 ** 63 }]").as_deref(), Some("attributes[1].a"));
    assert_eq!(check("attributes", "2 ** 64 - 2048").as_deref(), Some("attributes"));
}

#[test]
fn doubles_beyond_all_integers_cross() {
    let payload = js(PRODUCT);
    set(&payload, "price", 1e300);
    set(&payload, "attributes", eval("[2 ** 64, -1e300, 5e-324]"));
    let state = accepted(products, &JsValue::UNDEFINED, &added(&payload));
    let document = &documents(&state)[0];
    assert_eq!(get(document, "price"), 1e300);
    let text = String::from(js_sys::JSON::stringify(&get(document, "attributes")).unwrap());
    assert_eq!(text, "[18446744073709552000,-1e+300,5e-324]");
}

#[test]
fn a_result_that_javascript_can_t_hold_is_refused() {
    let payload = js(PRODUCT);
    let state = accepted(products, &JsValue::UNDEFINED, &added(&payload));
    let moved = js(json!({ "type": "stockMoved", "payload": { "id": "a", "by": 1 } }));
    let heard = rejected(products, &state, &moved);
    assert_eq!((&*heard.code, heard.field.as_deref()), ("integer_out_of_range", Some("stock")));
}

fn empty() -> JsValue {
    products(JsValue::UNDEFINED, js(json!({ "type": "none" })))
}
