//! Reads of the database, part after part.

use std::ops::ControlFlow;

use flux_reducers::{Plan, Row, Schema};
use tokio::sync::mpsc;

use crate::backend::{Backend, Part};
use crate::checkpoint::Checkpoint;
use crate::error::Error;

/// A query of a collection, as its schema means it.
pub(crate) type PlannedQuery = (&'static Schema, Plan);

/// Reads all, or until told to stop, and returns the place in the log as of which it is.
pub(crate) async fn read(
    backend: &dyn Backend,
    queries: &[PlannedQuery],
    mut take: impl FnMut(usize, Vec<Row>) -> ControlFlow<()>,
) -> Result<Checkpoint, Error> {
    let (sender, mut parts) = mpsc::channel(1);
    let taken = async move {
        let mut end = Checkpoint::default();
        while let Some(part) = parts.recv().await {
            match part {
                Part::End(found) => end = found,
                Part::Rows { plan, rows } => {
                    if take(plan, rows).is_break() {
                        break;
                    }
                }
            }
        }
        end
    };
    let (read, end) = tokio::join!(backend.read(queries, sender), taken);
    read.map(|()| end)
}
