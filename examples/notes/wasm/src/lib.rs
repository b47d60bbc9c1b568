//! The notes sample as an npm package: `notes(state, action)`, a plain Redux reducer.

/// Two kB less to download than Rust's own.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

flux_wasm::reduxify!(notes: notes_reducers::notes);
