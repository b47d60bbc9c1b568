//! JavaScript as the tests need it: values from JSON and back, the hook, the tree as it should be.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, JsValue};

/// A Redux reducer.
pub(crate) type Redux = fn(JsValue, JsValue) -> JsValue;

/// Parses JSON.
#[expect(clippy::needless_pass_by_value, reason = "takes `json!(..)` as it is")]
pub(crate) fn js(json: impl ToString) -> JsValue {
    JSON::parse(&json.to_string()).unwrap()
}

/// Returns the JSON of a value.
pub(crate) fn json(value: &JsValue) -> serde_json::Value {
    serde_json::from_str(&String::from(JSON::stringify(value).unwrap())).unwrap()
}

/// Returns a copy that went through JSON: as from a persisted session, and not frozen.
pub(crate) fn copy(state: &JsValue) -> JsValue {
    JSON::parse(&String::from(JSON::stringify(state).unwrap())).unwrap()
}

pub(crate) fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap()
}

pub(crate) fn set(of: &JsValue, name: &str, value: impl Into<JsValue>) {
    assert!(Reflect::set(of, &name.into(), &value.into()).unwrap());
}

pub(crate) fn is_frozen(value: &JsValue) -> bool {
    let object: &Object = value.unchecked_ref();
    Object::is_frozen(object)
}

/// Evaluates a JavaScript expression.
pub(crate) fn eval(expression: &str) -> JsValue {
    js_sys::Function::new_no_args(&format!("return ({expression});"))
        .call0(&JsValue::UNDEFINED)
        .unwrap()
}

/// Runs an action and asserts that it is accepted.
#[track_caller]
pub(crate) fn accepted(reducer: Redux, state: &JsValue, action: &JsValue) -> JsValue {
    let (next, rejections) = heard(|| reducer(state.clone(), action.clone()));
    assert!(rejections.is_empty(), "rejected: {rejections:?}");
    next
}

/// Runs an action, asserts that it is rejected and the state is the same object, and returns the
/// rejection.
#[track_caller]
pub(crate) fn rejected(reducer: Redux, state: &JsValue, action: &JsValue) -> Heard {
    let (next, mut rejections) = heard(|| reducer(state.clone(), action.clone()));
    assert!(next == *state, "the state is another object");
    assert_eq!(rejections.len(), 1, "{rejections:?}");
    rejections.remove(0)
}

/// What the listener was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) field: Option<String>,
    pub(crate) action: JsValue,
}

/// Returns what a function returns and what the listener hears meanwhile.
pub(crate) fn heard<T>(run: impl FnOnce() -> T) -> (T, Vec<Heard>) {
    let all = Rc::new(RefCell::new(Vec::new()));
    let into = Rc::clone(&all);
    let listener = Closure::<dyn FnMut(JsValue)>::new(move |rejection: JsValue| {
        let text = |name| get(&rejection, name).as_string();
        into.borrow_mut().push(Heard {
            code: text("code").unwrap(),
            message: text("message").unwrap(),
            field: text("field"),
            action: get(&rejection, "action"),
        });
    });
    flux_wasm::__private::on_rejected(listener.as_ref().clone());
    let result = run();
    flux_wasm::__private::on_rejected(JsValue::UNDEFINED);
    let all = all.borrow().clone();
    (result, all)
}

/// Returns the documents of a collection's state, and asserts that its tree is as it should be and
/// all of it is frozen.
#[track_caller]
pub(crate) fn documents(state: &JsValue) -> Vec<JsValue> {
    assert!(is_frozen(state), "the state is not frozen");
    for_each_node(&get(state, "root"), &mut |node| {
        assert!(is_frozen(node), "a node is not frozen");
        let parts = if Array::is_array(node) {
            node.clone().unchecked_into::<Array>()
        } else {
            Array::of2(&get(node, "keys"), &get(node, "children"))
        };
        assert!(parts.iter().all(|part| is_frozen(&part)), "a part of a node is not frozen");
    });
    documents_of_any(state)
}

/// Calls a function with each node of a tree.
pub(crate) fn for_each_node(node: &JsValue, each: &mut impl FnMut(&JsValue)) {
    each(node);
    if !Array::is_array(node) {
        let children: Array = get(node, "children").unchecked_into();
        children.iter().for_each(|child| for_each_node(&child, each));
    }
}

/// Returns the documents of a state that may come from JSON, and asserts that its tree is as it
/// should be.
#[track_caller]
pub(crate) fn documents_of_any(state: &JsValue) -> Vec<JsValue> {
    assert_eq!(get(state, "version"), 1.0);
    let mut documents = Vec::new();
    let root = get(state, "root");
    walk(&root, true, &mut documents);
    assert_eq!(get(state, "count").as_f64(), Some(documents.len() as f64), "count");
    documents
}

/// Walks a subtree; returns its height and its first and its last id.
#[track_caller]
fn walk(
    node: &JsValue,
    is_root: bool,
    documents: &mut Vec<JsValue>,
) -> (u32, Option<(serde_json::Value, serde_json::Value)>) {
    let ordered = |left: &serde_json::Value, right: &serde_json::Value| match (left, right) {
        (serde_json::Value::String(left), serde_json::Value::String(right)) => left < right,
        _ => left.as_f64() < right.as_f64(),
    };
    if Array::is_array(node) {
        let leaf: &Array = node.unchecked_ref();
        assert!(leaf.length() <= 32 && (is_root || leaf.length() >= 16), "{}", leaf.length());
        let ids: Vec<_> = leaf.iter().map(|document| json(&get(&document, "id"))).collect();
        assert!(ids.windows(2).all(|pair| ordered(&pair[0], &pair[1])), "{ids:?}");
        documents.extend(leaf.iter());
        return (0, ids.first().cloned().zip(ids.last().cloned()));
    }
    let keys: Array = get(node, "keys").unchecked_into();
    let children: Array = get(node, "children").unchecked_into();
    assert_eq!(keys.length() + 1, children.length());
    let size_min = if is_root { 2 } else { 16 };
    assert!((size_min..=32).contains(&children.length()), "{}", children.length());
    let walked: Vec<_> = children.iter().map(|child| walk(&child, false, documents)).collect();
    let height = walked[0].0;
    assert!(walked.iter().all(|(other, _)| *other == height), "leaves on several levels");
    let spans: Vec<_> = walked.into_iter().map(|(_, span)| span.unwrap()).collect();
    for (key, pair) in keys.iter().zip(spans.windows(2)) {
        let key = json(&key);
        assert!(ordered(&pair[0].1, &key) && !ordered(&pair[1].0, &key), "{pair:?} at {key}");
    }
    (height + 1, Some((spans[0].0.clone(), spans[spans.len() - 1].1.clone())))
}
