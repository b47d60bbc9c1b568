//! The shared tests, and those of the Redux reducers, in WebAssembly under Node.js.
#![cfg(target_arch = "wasm32")]

mod shared;
mod wasm;
