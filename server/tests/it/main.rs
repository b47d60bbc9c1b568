//! The store and its service at their boundary: real files, real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod middleware;
mod queries;
mod schemas;
mod service;
mod store;
mod subscriptions;
mod tasks;
mod websocket;
