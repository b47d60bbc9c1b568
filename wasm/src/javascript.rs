//! The few operations of JavaScript that this crate is built on.
//!
//! What touches a value that is not ours (a getter, a proxy) may throw: it is caught here, for an
//! exception that passes through WebAssembly leaks its stack.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Reflect, js_name = getPrototypeOf, catch)]
    fn prototype_of(target: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Array, js_name = isArray, catch)]
    fn is_array_or_throw(value: &JsValue) -> Result<bool, JsValue>;

    #[wasm_bindgen(js_namespace = Object, js_name = keys, catch)]
    fn keys_or_throw(value: &JsValue) -> Result<List, JsValue>;

    #[wasm_bindgen(js_namespace = Object, js_name = fromEntries)]
    fn from_entries(entries: &JsValue) -> JsValue;

    #[wasm_bindgen(js_namespace = Object, js_name = assign, catch)]
    fn assign_or_throw(target: &Record, source: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Object)]
    fn freeze(value: &JsValue) -> JsValue;

    /// An array.
    #[wasm_bindgen(js_name = Array)]
    #[derive(Clone)]
    pub(crate) type List;

    #[wasm_bindgen(constructor, js_class = "Array")]
    pub(crate) fn empty() -> List;

    #[wasm_bindgen(method, js_name = slice, catch)]
    fn slice_or_throw(this: &List, start: u32, end: u32) -> Result<List, JsValue>;

    /// Not caught, for it is called most: an entry of an array whose length was read is no getter,
    /// unless one was made to be.
    #[wasm_bindgen(method, indexing_getter)]
    pub(crate) fn at(this: &List, index: u32) -> JsValue;

    /// Much faster than `slice` where the array is frozen.
    #[wasm_bindgen(js_namespace = Array, js_name = from, catch)]
    fn from_or_throw(list: &List) -> Result<List, JsValue>;

    #[wasm_bindgen(method, getter, js_name = length, catch)]
    fn length_or_throw(this: &List) -> Result<u32, JsValue>;

    #[wasm_bindgen(method, js_name = concat, catch)]
    fn concat_or_throw(this: &List, other: &List) -> Result<List, JsValue>;

    #[wasm_bindgen(method)]
    pub(crate) fn push(this: &List, value: &JsValue);

    /// `splice(at, 0, value)`
    #[wasm_bindgen(method, js_name = splice)]
    fn splice_in(this: &List, at: u32, count: u32, value: &JsValue);

    /// `splice(at, 1)`
    #[wasm_bindgen(method, js_name = splice)]
    fn splice_out(this: &List, at: u32, count: u32);

    #[wasm_bindgen(method, indexing_setter)]
    pub(crate) fn set(this: &List, index: u32, value: &JsValue);

    /// A plain object with names that are known not to mean anything to JavaScript.
    #[wasm_bindgen(js_name = Object)]
    pub(crate) type Record;

    #[wasm_bindgen(constructor, js_class = "Object")]
    pub(crate) fn empty() -> Record;

    #[wasm_bindgen(method, indexing_getter, catch)]
    fn get_member(this: &Record, name: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, indexing_setter)]
    fn set_member(this: &Record, name: &JsValue, value: &JsValue);

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

/// JavaScript threw where a value was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threw;

impl From<JsValue> for Threw {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// The text has half of a surrogate pair, which no UTF-8 can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoneSurrogate;

impl List {
    /// Returns the list if the value is an array.
    pub(crate) fn of(value: &JsValue) -> Result<Option<&Self>, Threw> {
        Ok(is_array_or_throw(value)?.then(|| value.unchecked_ref()))
    }

    pub(crate) fn length(&self) -> Result<u32, Threw> {
        Ok(self.length_or_throw()?)
    }

    /// Returns a copy, not frozen.
    pub(crate) fn copy(&self) -> Result<Self, Threw> {
        Ok(from_or_throw(self)?)
    }

    pub(crate) fn slice(&self, start: u32, end: u32) -> Result<Self, Threw> {
        Ok(self.slice_or_throw(start, end)?)
    }

    pub(crate) fn concat(&self, other: &Self) -> Result<Self, Threw> {
        Ok(self.concat_or_throw(other)?)
    }

    pub(crate) fn insert(&self, at: u32, value: &JsValue) {
        self.splice_in(at, 0, value);
    }

    pub(crate) fn remove(&self, at: u32) {
        self.splice_out(at, 1);
    }

    pub(crate) fn frozen(&self) -> JsValue {
        freeze(self)
    }
}

impl Record {
    /// Creates one with the own members of these, of which later ones win.
    pub(crate) fn of_members(objects: &[&JsValue]) -> Result<Self, Threw> {
        let record = Self::empty();
        for object in objects {
            assign_or_throw(&record, object)?;
        }
        Ok(record)
    }

    pub(crate) fn with(self, name: &JsValue, value: &JsValue) -> Self {
        self.set_member(name, value);
        self
    }

    pub(crate) fn frozen(&self) -> JsValue {
        freeze(self)
    }
}

/// Returns a frozen object with these members, whatever their names (`__proto__` too).
pub(crate) fn frozen_object(members: impl Iterator<Item = (JsValue, JsValue)>) -> JsValue {
    let entries = List::empty();
    for (name, value) in members {
        let entry = List::empty();
        entry.push(&name);
        entry.push(&value);
        entries.push(&entry);
    }
    freeze(&from_entries(&entries))
}

/// Returns a member of an object; of null and undefined, an error.
pub(crate) fn member(of: &JsValue, name: &JsValue) -> Result<JsValue, Threw> {
    Ok(of.unchecked_ref::<Record>().get_member(name)?)
}

/// Returns the names of an object's own members.
pub(crate) fn names_of(object: &JsValue) -> Result<List, Threw> {
    Ok(keys_or_throw(object)?)
}

/// Returns whether an object is made of nothing but members: no class, of any window or realm.
pub(crate) fn is_plain(object: &JsValue) -> Result<bool, Threw> {
    let prototype = prototype_of(object)?;
    Ok(prototype.is_null() || prototype_of(&prototype)?.is_null())
}

/// Returns the name of an object's class, for messages.
pub(crate) fn class_name(object: &JsValue) -> Option<String> {
    WORDS.with(|words| {
        let class = member(object, &words.constructor).ok()?;
        member(&class, &words.name).ok()?.as_string()
    })
}

/// Returns the text, if it is one.
pub(crate) fn text(value: &JsValue) -> Result<Option<String>, LoneSurrogate> {
    const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
    let Some(text) = value.as_string() else {
        return Ok(None);
    };
    // Half a pair comes over as the replacement character: then it does not come back the same.
    if text.contains(REPLACEMENT) && JsValue::from_str(&text) != *value {
        return Err(LoneSurrogate);
    }
    Ok(Some(text))
}

macro_rules! words {
    ($($word:ident = $text:literal),* $(,)?) => {
        /// Names of members, crossed once.
        pub(crate) struct Words {
            $(pub(crate) $word: JsValue,)*
        }

        thread_local! {
            pub(crate) static WORDS: Words = Words { $($word: JsValue::from_str($text),)* };
        }
    };
}

words! {
    action = "action",
    children = "children",
    code = "code",
    collection = "collection",
    constructor = "constructor",
    count = "count",
    documents = "documents",
    error = "error",
    event_type = "type",
    field = "field",
    id = "id",
    keys = "keys",
    message = "message",
    meta = "meta",
    name = "name",
    payload = "payload",
    position = "position",
    root = "root",
    timestamp = "timestamp",
    version = "version",
}
