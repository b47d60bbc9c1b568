//! "Redux for the backend": dispatch events, pure reducers say what changes, and the store applies
//! the changes and logs the events in one SQL transaction, then tells its subscribers.

#![forbid(unsafe_code)]

mod backend;
mod dispatch;
mod error;
mod feed;
mod log;
mod store;
mod subscription;
mod writer;

pub use dispatch::Dispatch;
pub use error::Error;
pub use flux_reducers as reducers;
pub use log::LogQuery;
pub use store::{DispatchService, Recorded, Snapshot, Store, StoreBuilder};
pub use subscription::Subscription;
