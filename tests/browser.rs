//! The shared tests, and those of the Redux reducers, in WebAssembly in a browser.
#![cfg(target_arch = "wasm32")]

mod shared;
mod wasm;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
