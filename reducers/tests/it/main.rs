//! What documents, events, changesets and databases mean, tested through the public API.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod databases;
mod generate;
mod indexes;
mod json;
mod laws;
mod oracle;
mod partial;
mod round_trips;
mod schemas;
mod timestamps;
mod values;
