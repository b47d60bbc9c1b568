//! The Redux reducers, called as Redux calls them.

#![allow(clippy::unwrap_used, reason = "in tests also outside of the test itself")]

mod bad_input;
mod batch;
mod differential;
mod given;
mod host;
mod identity;
mod kinds;
mod loaded;
mod query;
mod root;
mod tree;
mod upcasts;

flux_wasm::reduxify!(marks: flux_tests::mark::marks);
flux_wasm::reduxify!(products: flux_tests::product::products);
flux_wasm::query!(queryProducts: flux_tests::product::Product);
