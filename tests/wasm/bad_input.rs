//! Bad input: one clear rejection, and the state is as it was.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, copy, documents, eval, get, heard, is_frozen, js, rejected, set};
use super::{marks, products};

fn state() -> JsValue {
    let payload = json!({ "first": 0, "step": 1, "count": 100, "value": 0 });
    accepted(marks, &JsValue::UNDEFINED, &js(json!({ "type": "marksPut", "payload": payload })))
}

fn no_products() -> JsValue {
    products(JsValue::UNDEFINED, js(json!({ "type": "none" })))
}

#[track_caller]
fn check(action: &str, code: &str, field: Option<&str>, message: &str) {
    let action = eval(action);
    let heard = rejected(products, &no_products(), &action);
    assert_eq!((&*heard.code, heard.field.as_deref()), (code, field), "{}", heard.message);
    assert!(heard.message.contains(message), "{}", heard.message);
    assert!(heard.action == action, "the action goes along");
}

#[test]
fn actions_that_are_none() {
    for action in ["undefined", "null", "7", "'noteAdded'", "() => {}", "7n", "Symbol()"] {
        check(action, "invalid_action", None, "found no object");
    }
    for action in ["{}", "[]", "new Date()", "{ type: undefined }", "Promise.resolve()"] {
        check(action, "invalid_action", None, "without a `type`");
    }
    for action in ["{ type: 7 }", "{ type: null }", "{ type: Symbol('a') }", "{ type: {} }"] {
        check(action, "invalid_action", None, "a `type` that is no text");
    }
    check("{ type: '\\ud800' }", "invalid_action", None, "half of a surrogate pair");
    check("{ get type() { throw new Error('no') } }", "invalid_action", None, "throws an error");
    check(
        "Proxy.revocable({}, {}).revoke() ?? (() => { const it = Proxy.revocable({}, {}); \
           it.revoke(); return it.proxy })()",
        "invalid_action",
        None,
        "throws an error",
    );
}

#[test]
fn payloads_that_do_not_fit() {
    let named = |payload: &str| format!("{{ type: 'productNamed', payload: {payload} }}");
    let check = |payload: &str, field, message: &str| {
        check(&named(payload), "invalid_payload", field, message);
    };
    check("undefined", Some("payload"), "missing field `payload`");
    check("null", Some("payload"), "missing field `payload`");
    check("7", None, "expected struct variant");
    check("'text'", None, "expected struct variant");
    check("{ name: 'n' }", Some("id"), "missing field `id`");
    check("{ id: 7, name: 'n' }", Some("id"), "expected a string");
    check("{ id: 'a', name: null }", Some("name"), "expected a string");
}

#[test]
fn payloads_that_are_no_data() {
    let check = |value: &str, reason: &str| {
        let put = |value: &str| {
            format!("{{ type: 'productDescribed', payload: {{ id: 'a', attributes: {value} }} }}")
        };
        check(&put(value), "invalid_payload", Some("attributes"), reason);
        let nested = put(&format!("{{ a: [1, {value}] }}"));
        self::check(&nested, "invalid_payload", Some("attributes.a[1]"), reason);
    };
    check("NaN", "expected a finite number, found NaN");
    check("-Infinity", "expected a finite number, found -inf");
    check("() => {}", "found a function");
    check("Symbol('a')", "found a symbol");
    check("new Date(0)", "found a Date: use `date.toISOString()`");
    check("new Map()", "found a Map");
    check("new Set()", "found a Set");
    check("/a/", "found a RegExp");
    check("new (class Point { toJSON() { return 1 } })()", "found a Point");
    check("new String('a')", "found a String");
    check("'a\\udc00'", "half of a surrogate pair");
    check("2n ** 63n", "does not fit 64 bits");
    check("new Proxy({}, { getPrototypeOf() { throw 1 } })", "threw an error");
}

#[test]
fn a_getter_that_throws_names_its_place() {
    let payload = "{ id: 'a', attributes: { get b() { throw 1 } } }";
    let action = format!("{{ type: 'productDescribed', payload: {payload} }}");
    check(&action, "invalid_payload", Some("attributes.b"), "threw an error");
}

#[test]
fn data_without_a_prototype_or_of_another_realm_is_data() {
    let payload = "Object.assign(Object.create(null), { id: 'a' })";
    let action = eval(&format!("{{ type: 'productRemoved', payload: {payload} }}"));
    accepted(products, &no_products(), &action);
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        let lists = format!("Array({depth}).fill(0).reduce((it) => [it], null)");
        let payload = format!("{{ id: 'a', attributes: {lists} }}");
        eval(&format!("{{ type: 'productDescribed', payload: {payload} }}"))
    };
    accepted(products, &no_products(), &nested(63));
    for depth in [64, 5_000] {
        let heard = rejected(products, &no_products(), &nested(depth));
        assert_eq!(heard.code, "invalid_payload");
        assert!(heard.message.contains("64 deep"), "{}", heard.message);
    }
    let cyclic = "(() => { const it = []; it.push(it); return { id: 'a', attributes: it } })()";
    let action = eval(&format!("{{ type: 'productDescribed', payload: {cyclic} }}"));
    assert_eq!(rejected(products, &no_products(), &action).code, "invalid_payload");
}

#[test]
fn the_other_members_of_an_action_are_checked() {
    let with =
        |member: &str| format!("{{ type: 'productRemoved', payload: {{ id: 'a' }}, {member} }}");
    let check = |member: &str, field| {
        check(&with(member), "invalid_action", Some(field), "expected");
    };
    check("id: 'x'", "id");
    check("id: 7", "id");
    check("timestamp: '2016'", "timestamp");
    check("meta: 'ann'", "meta");
    check("meta: { user: NaN }", "meta.user");
    check("error: 1", "error");
    check("position: 1.5", "position");
    let recorded = with(
        "id: 'c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50', timestamp: '2016-09-20T07:04:21.000Z', \
         meta: { user: 'ann' }, position: 7, error: false, ofAMiddleware: () => {}",
    );
    accepted(products, &no_products(), &eval(&recorded));
    accepted(products, &no_products(), &eval(&with("id: null, meta: undefined")));
}

#[test]
fn states_that_are_none() {
    let put = js(json!({
        "type": "marksPut", "payload": { "first": 5, "step": 1, "count": 1, "value": 1 },
    }));
    let broken = |change: &str| {
        let change = js_sys::Function::new_with_args("state", change);
        let state = copy(&state());
        change.call1(&JsValue::UNDEFINED, &state).unwrap();
        state
    };
    for state in [
        JsValue::NULL,
        7.into(),
        "text".into(),
        js("[]"),
        js("{}"),
        eval("() => {}"),
        broken("state.version = 2"),
        broken("delete state.version"),
        broken("state.count = '100'"),
        broken("state.count = NaN"),
        broken("state.count = -1"),
        broken("delete state.root"),
        broken("state.root = null"),
        broken("state.root = 'root'"),
        broken("state.root = {}"),
        broken("state.root.keys.pop()"),
        broken("state.root.keys = {}"),
        broken("state.root.keys = state.root.keys.map(String)"),
        broken("state.root.children = 7"),
        broken("state.root.children = state.root.children.map(() => null)"),
        broken("state.root.children = state.root.children.map(() => state.root)"),
        broken("for (const leaf of state.root.children) leaf.forEach((it) => { it.id = {} })"),
        broken("for (const leaf of state.root.children) leaf.fill(null)"),
        broken("for (const leaf of state.root.children) leaf.forEach((it) => { it.value = 'x' })"),
        broken(
            "for (const leaf of state.root.children) leaf.forEach((it) => { it.value = 2**60 })",
        ),
        broken("Object.defineProperty(state, 'root', { get() { throw 1 } })"),
        broken(
            "state.root = Proxy.revocable([], {}); state.root.revoke(); \
                state.root = state.root.proxy",
        ),
    ] {
        let heard = rejected(marks, &state, &put);
        assert_eq!(heard.code, "invalid_state", "{}", heard.message);
        let removed = js(json!({ "type": "marksForgotten" }));
        marks(state, removed);
    }
}

#[test]
fn without_a_listener_nothing_is_thrown() {
    let state = state();
    assert!(marks(state.clone(), JsValue::NULL) == state);
}

#[test]
fn a_listener_that_throws_harms_nothing() {
    let state = state();
    flux_wasm::__private::on_rejected(eval("() => { throw new Error('by the listener') }"));
    assert!(marks(state.clone(), JsValue::NULL) == state);
    flux_wasm::__private::on_rejected("no function".into());
    assert!(marks(state.clone(), JsValue::NULL) == state);
}

#[test]
fn a_rejection_is_plain_frozen_data() {
    let rejection = eval("{}");
    let listener = js_sys::Function::new_with_args("rejection", "this.last = rejection");
    flux_wasm::__private::on_rejected(listener.bind0(&rejection).into());
    let action = js(json!({ "type": "stockMoved", "payload": { "id": "a", "by": 1 } }));
    products(JsValue::UNDEFINED, action.clone());
    flux_wasm::__private::on_rejected(JsValue::UNDEFINED);
    let last = get(&rejection, "last");
    assert!(is_frozen(&last));
    assert_eq!(
        super::host::json(&last),
        json!({
            "code": "no_such_product", "message": "there is no such product", "field": "id",
            "action": super::host::json(&action),
        })
    );
}

/// Puts mark 0 by an action whose `value` is what a function makes of the state.
fn put_by_getter(value: impl Fn(&JsValue) -> u32 + 'static) -> f64 {
    let payload = js(json!({}));
    let state = state();
    let getter = wasm_bindgen::prelude::Closure::<dyn Fn() -> JsValue>::new({
        let state = state.clone();
        move || JsValue::from(value(&state))
    });
    let define = js_sys::Function::new_with_args(
        "payload, get",
        "Object.defineProperty(payload, 'value', { get, enumerable: true })",
    );
    define.call2(&JsValue::UNDEFINED, &payload, getter.as_ref()).unwrap();
    for (name, value) in [("first", 0), ("step", 1), ("count", 1)] {
        set(&payload, name, value);
    }
    let action = js(json!({ "type": "marksPut" }));
    set(&action, "payload", payload);
    let (next, rejections) = heard(|| marks(state, action));
    assert!(rejections.is_empty(), "{rejections:?}");
    get(&documents(&next)[0], "value").as_f64().unwrap()
}

#[test]
fn a_getter_may_call_the_reducer() {
    let remaining = |state: &JsValue| {
        let removed = json!({ "type": "marksRemoved", "payload": { "first": 0, "last": 9 } });
        u32::try_from(documents(&marks(state.clone(), js(removed))).len()).unwrap()
    };
    assert_eq!(put_by_getter(remaining), 90.0);
}

#[test]
fn a_getter_may_make_the_memory_grow() {
    let many = |state: &JsValue| {
        let before = memory_bytes();
        let mut count = 0;
        while memory_bytes() == before {
            count += 20_000;
            let payload = json!({ "first": 0, "step": 1, "count": count, "value": 1 });
            marks(state.clone(), js(json!({ "type": "marksPut", "payload": payload })));
        }
        7
    };
    assert_eq!(put_by_getter(many), 7.0);
}

fn memory_bytes() -> f64 {
    let memory = wasm_bindgen::memory();
    get(&get(&memory, "buffer"), "byteLength").as_f64().unwrap()
}
