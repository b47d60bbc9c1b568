//! The tests that run natively and in WebAssembly: one source, one meaning.

#![allow(clippy::unwrap_used, reason = "in tests also outside of the test itself")]

mod notes;
mod order;
mod people;
mod products;
