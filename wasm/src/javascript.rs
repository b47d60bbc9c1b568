//! What is said to JavaScript besides the state: rejections, and lines on the console.

use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Object)]
    fn freeze(value: &JsValue);

    /// A plain object.
    #[wasm_bindgen(js_name = Object)]
    type Record;

    #[wasm_bindgen(constructor, js_class = "Object")]
    fn empty() -> Record;

    #[wasm_bindgen(method, indexing_setter)]
    fn set_member(this: &Record, name: &str, value: &JsValue);

    #[wasm_bindgen(js_namespace = console, js_name = warn)]
    pub(crate) fn warn(message: &str, value: &JsValue);

    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub(crate) fn console_error(message: &str, value: &JsValue);

    /// A function that takes one argument.
    #[wasm_bindgen(js_name = Function)]
    #[derive(Clone)]
    pub(crate) type Listener;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn call(
        this: &Listener,
        this_of_call: &JsValue,
        argument: &JsValue,
    ) -> Result<JsValue, JsValue>;
}

/// Returns a frozen object with these members.
pub(crate) fn frozen_object<'a>(members: impl Iterator<Item = (&'a str, JsValue)>) -> JsValue {
    let record = Record::empty();
    for (name, value) in members {
        record.set_member(name, &value);
    }
    freeze(&record);
    record.into()
}
