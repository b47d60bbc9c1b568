//! What is acknowledged is not lost: the real server under load is killed at random moments.
//!
//! `DURABILITY_KILLS` sets how often a server is killed on each database; 20 times unless told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod databases;
mod kills;
mod load;
mod server;
mod truth;
