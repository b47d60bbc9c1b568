//! "Redux for the backend": dispatch events, pure reducers say what changes, and the store applies
//! the changes and logs the events in one SQL transaction, then tells its subscribers.

#![forbid(unsafe_code)]

#[cfg(not(any(feature = "mysql", feature = "postgres", feature = "sqlite")))]
compile_error!("a store needs a database: enable a feature of `sqlite`, `postgres`, `mysql`");

mod backend;
mod checkpoint;
mod clock;
#[cfg(feature = "command-line")]
pub mod command_line;
mod dispatch;
mod error;
mod feed;
mod generations;
mod lock;
mod log;
mod panic;
#[cfg(feature = "service")]
mod piecewise;
mod program;
mod reading;
mod replay;
mod schema_changes;
#[cfg(feature = "service")]
mod service;
mod size;
mod snapshot;
mod store;
#[cfg(any(feature = "service", feature = "command-line"))]
mod strict_json;
mod subscription;
mod watcher;
mod writer;

pub use checkpoint::Checkpoint;
pub use dispatch::Dispatch;
pub use error::Error;
pub use flux_reducers as reducers;
pub use log::LogQuery;
#[cfg(feature = "service")]
pub use service::{
    Authenticate, Authentication, CommandContext, Identity, Listening, Problem, ServeError,
    Service, ServiceOptions,
};
pub use snapshot::SnapshotPolicy;
pub use store::{
    Broken, CollectionPreview, Compared, Difference, DispatchService, DocumentChange, HistoryQuery,
    Moment, NoMoment, OnChange, Past, PreviewedChange, RebuildPreview, Recorded, Snapshot, Store,
    StoreBuilder, TakenSnapshot, Verification,
};
pub use subscription::Subscription;
pub use writer::RebuildProgress;
