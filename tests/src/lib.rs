//! What the shared tests are about besides the notes sample: reducers that use all there is.
#![allow(missing_docs, reason = "the names of the fields and events say it")]

pub mod interpreter;
pub mod mark;
pub mod person;
pub mod product;
pub mod random;
