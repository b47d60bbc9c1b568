//! Reads of the database that are taken piece by piece.

use std::sync::Arc;

use flux_reducers::Row;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::backend::{Backend, Part};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::reading::PlannedQuery;

/// Rows of one piece, where they are in memory.
const ROWS_AT_ONCE: usize = 256;

/// A read that goes on as its parts are taken. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Reading {
    end: Checkpoint,
    parts: mpsc::Receiver<Part>,
    task: JoinHandle<Result<(), Error>>,
}

impl Reading {
    /// Begins to read.
    pub(crate) async fn begin(
        backend: Arc<dyn Backend>,
        queries: Vec<PlannedQuery>,
    ) -> Result<Self, Error> {
        // A database of one connection can't wait for a slow reader: nobody could write. It is in
        // memory, so what is read ahead takes about as much again as it takes already.
        let ahead_max = if backend.is_shared() { 1 } else { Semaphore::MAX_PERMITS };
        let (sender, parts) = mpsc::channel(ahead_max);
        let task = tokio::spawn(async move { backend.read(&queries, sender).await });
        let mut reading = Self { end: Checkpoint::default(), parts, task };
        match reading.parts.recv().await {
            Some(Part::End(end)) => reading.end = end,
            _ => return Err(reading.ended().await.err().unwrap_or(Error::Closed)),
        }
        Ok(reading)
    }

    /// Hands on rows that are in memory, so many that each piece is a small one.
    pub(crate) fn of_rows(end: Checkpoint, rows: Vec<Vec<Row>>) -> Self {
        let (sender, parts) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            for (plan, rows) in rows.iter().enumerate() {
                for rows in rows.chunks(ROWS_AT_ONCE) {
                    if sender.send(Part::Rows { plan, rows: rows.to_vec() }).await.is_err() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        Self { end, parts, task }
    }

    /// Returns where the log ends, as of this read.
    pub(crate) const fn end(&self) -> Checkpoint {
        self.end
    }

    /// Returns the next rows and the query that they are of; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<(usize, Vec<Row>)>, Error> {
        match self.parts.recv().await {
            Some(Part::Rows { plan, rows }) => Ok(Some((plan, rows))),
            _ => self.ended().await.map(|()| None),
        }
    }

    async fn ended(&mut self) -> Result<(), Error> {
        let ended = (&mut self.task).await;
        ended.unwrap_or_else(|error| Err(Error::Damaged(format!("a read ended early: {error}"))))
    }
}

impl Drop for Reading {
    /// Ends it at once: a search that finds nothing would not notice before its end.
    fn drop(&mut self) {
        self.task.abort();
    }
}
