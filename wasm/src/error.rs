//! What goes wrong at the border to JavaScript, and the hook that hears of it.

use std::cell::RefCell;

use flux_reducers::Rejection;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::javascript::{Listener, console_error, frozen_object, warn};

/// The codes of the rejections that this crate makes, besides those of
/// [`flux_reducers::code`](flux_reducers::code).
///
/// The package exports `onRejected(listener)`: the listener gets `{ code, message, field?, action }`
/// for each action that was refused; the state is as it was. Without a listener a rejection is
/// printed by `console.warn`.
///
/// ```
/// assert!(flux_wasm::code::ALL.contains(&"integer_out_of_range"));
/// ```
pub mod code {
    /// An action that is no object, without a text as its `type`, or with a malformed member.
    pub const INVALID_ACTION: &str = "invalid_action";
    /// A state that no version of this reducer made: of another shape, or of a newer version.
    pub const INVALID_STATE: &str = "invalid_state";
    /// An integer beyond ±(2^53 - 1), which JavaScript can't hold exactly.
    pub const INTEGER_OUT_OF_RANGE: &str = "integer_out_of_range";

    /// All of them.
    pub const ALL: &[&str] = &[INVALID_ACTION, INVALID_STATE, INTEGER_OUT_OF_RANGE];
}

/// Returns the rejection of a state that is none.
pub(crate) fn invalid_state(collection: &str, reason: &str) -> Rejection {
    Rejection::new(
        code::INVALID_STATE,
        [
            "the state of collection `",
            collection,
            "` is not { version: 1, count, root } as its reducer makes it: ",
            reason,
        ]
        .concat(),
    )
}

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Exported from every package; documented in [`code`].
#[wasm_bindgen(js_name = onRejected, skip_typescript)]
#[doc(hidden)]
pub fn on_rejected(listener: JsValue) {
    let listener = listener.is_function().then(|| listener.unchecked_into());
    LISTENER.with(|current| current.replace(listener));
}

/// The types that all packages share.
///
/// Here, for only the object file with an exported function is sure to be linked: elsewhere the
/// text is missing from a package that is built with `--dev`.
#[wasm_bindgen(typescript_custom_section)]
const SHARED_TYPES: &'static str = include_str!("shared.d.ts");

/// Tells the listener.
pub(crate) fn report(rejection: &Rejection, action: &JsValue) {
    // A clone: the listener may call `onRejected` or the reducer itself.
    let listener = LISTENER.with(|current| current.borrow().clone());
    let Some(listener) = listener else {
        return warn(
            &["Action rejected (", rejection.code(), "): ", rejection.message(), "."].concat(),
            action,
        );
    };
    let field = rejection.field().map(|field| ("field", field.into()));
    let members = [("code", rejection.code().into()), ("message", rejection.message().into())];
    let action = [("action", action.clone())];
    let told = frozen_object(members.into_iter().chain(field).chain(action));
    if let Err(error) = listener.call(&JsValue::UNDEFINED, &told) {
        console_error("The listener given to onRejected threw:", &error);
    }
}
