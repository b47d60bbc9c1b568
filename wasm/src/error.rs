//! What goes wrong at the border to JavaScript, and the hook that hears of it.

use flux_reducers::Rejection;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

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
#[cold]
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

#[wasm_bindgen(module = "/src/border.min.js")]
extern "C" {
    /// Exported from every package as it is; documented in [`code`].
    #[wasm_bindgen(reexport, js_name = onRejected, skip_typescript)]
    #[doc(hidden)]
    pub fn on_rejected(listener: JsValue);
}

/// The types that all packages share.
///
/// Here, for only the object file with an exported function is sure to be linked: elsewhere the
/// text is missing from a package that is built with `--dev`.
#[wasm_bindgen(typescript_custom_section)]
const SHARED_TYPES: &'static str = include_str!("shared.d.ts");
