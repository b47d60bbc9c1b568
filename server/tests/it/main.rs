//! The store and its service at their boundary: real files, real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
#[cfg(feature = "command-line")]
mod commands;
mod contract;
mod databases;
mod inspector;
mod middleware;
mod mysql;
mod past;
mod postgres;
mod sending;
mod service;
mod sqlite;
mod tasks;
#[cfg(feature = "tls")]
mod tls;
mod urls;
mod websocket;
