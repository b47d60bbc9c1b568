//! The shared tests, natively.

mod shared;
