//! What documents, events, changesets and databases mean, tested through the public API.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod codes;
mod compile_errors;
mod databases;
mod derives;
mod events;
mod filters;
mod formats;
mod generate;
mod indexes;
mod json;
mod laws;
mod operations;
mod oracle;
mod partial;
mod reducers;
mod round_trips;
mod schemas;
mod test_kit;
mod timestamps;
mod upcasts;
mod values;
mod versions;
