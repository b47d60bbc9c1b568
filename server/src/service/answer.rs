//! Answers with documents: written as they are read, so that their size takes no memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use flux_reducers::{Query, Row, Schema};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use super::{Inner, Problem, body};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::log;
use crate::piecewise::Reading;
use crate::store::Moment;

/// Answers that may be read from the database at the same time: fewer than its connections for
/// reading, so that clients who take their time leave some to subscriptions.
pub(super) const READINGS_MAX: usize = 6;

/// Bytes that are sent together. A smaller answer is sent whole.
const CHUNK_BYTES: usize = 64 * 1024;

/// What an answer looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// `{"position", "eventId", "documents": [..]}`, of one query.
    Documents,
    /// `{"position", "eventId", "collections": {"notes": [..], ..}}`.
    Collections,
    /// `{"position", "eventId", "events": [..]}`, of one query of the log.
    Log,
}

/// Answers with what queries ask for, all as of one position: the last one, or that of a moment.
///
/// Should the database fail after the first bytes are sent, the answer is cut off: the client sees
/// that it did not end.
pub(super) async fn of(
    inner: &Inner,
    shape: Shape,
    queries: &[(&str, Query)],
    moment: Option<Moment>,
) -> Result<Response, Problem> {
    let schemas = queries.iter().map(|(name, _)| inner.store.schema(name));
    let schemas = schemas.collect::<Result<Vec<_>, _>>()?;
    // Before the permit: those who wait for a moment far away are in nobody's way.
    let past = match moment {
        Some(moment) => Some(inner.store.at(moment).await?),
        None => None,
    };
    let patience = inner.options.client_timeout;
    let permit = timeout(patience, Arc::clone(&inner.readings).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many answers are being read: try again later",
        ));
    };
    let reading = match past {
        None => inner.store.reading(queries).await?,
        Some(past) => Reading::of_rows(past.checkpoint(), past.read(queries).await?),
    };
    let text = Text::new(shape, schemas, reading.end())?;
    let mut chunks = Chunks { reading: Some(reading), text, _permit: permit };
    let (first, second) = (chunks.next().await?.unwrap_or_default(), chunks.next().await?);
    let answer = match second {
        None => Body::from(first),
        Some(second) => sent_as_taken([first, second], chunks, patience),
    };
    Ok(body::json_response(answer))
}

/// Sends chunks as the client takes them; one that takes none for too long gets no more.
fn sent_as_taken(first: [Bytes; 2], chunks: Chunks, patience: Duration) -> Body {
    // `None` is the end; without it the answer is cut off.
    let (sender, receiver) = mpsc::channel::<Option<Bytes>>(1);
    tokio::spawn(async move {
        if let Err(reason) = send(first, chunks, &sender, patience).await {
            tracing::warn!(reason, "an answer is cut off");
        }
    });
    Body::from_stream(stream::unfold(receiver, async |mut receiver| {
        let chunk = match receiver.recv().await {
            Some(Some(chunk)) => Ok(chunk),
            Some(None) => return None,
            None => Err(io::Error::other("the answer is cut off")),
        };
        Some((chunk, receiver))
    }))
}

async fn send(
    first: [Bytes; 2],
    mut chunks: Chunks,
    sender: &mpsc::Sender<Option<Bytes>>,
    patience: Duration,
) -> Result<(), String> {
    let mut next = first.into_iter();
    loop {
        let chunk = match next.next() {
            Some(chunk) => Some(chunk),
            None => chunks.next().await.map_err(|error| error.to_string())?,
        };
        let is_end = chunk.is_none();
        match timeout(patience, sender.send(chunk)).await {
            Ok(Ok(())) if is_end => return Ok(()),
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err("the client left".to_owned()),
            Err(_) => return Err("the client takes it too slowly".to_owned()),
        }
    }
}

/// The text of an answer, piece by piece.
struct Chunks {
    /// `None` once all is read.
    reading: Option<Reading>,
    text: Text,
    /// Its place among the answers that are being read.
    _permit: OwnedSemaphorePermit,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(reading) = &mut self.reading
            && self.text.bytes.len() < CHUNK_BYTES
        {
            match reading.next().await? {
                Some((query, rows)) => self.text.push(query, &rows)?,
                None => {
                    self.text.finish()?;
                    self.reading = None;
                }
            }
        }
        let bytes = std::mem::take(&mut self.text.bytes);
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }
}

/// What is written and not sent yet.
struct Text {
    shape: Shape,
    schemas: Vec<&'static Schema>,
    /// How many of the lists, one a query, have begun.
    lists: usize,
    is_list_empty: bool,
    bytes: Vec<u8>,
}

impl Text {
    fn new(shape: Shape, schemas: Vec<&'static Schema>, end: Checkpoint) -> Result<Self, Error> {
        let mut text =
            Self { shape, schemas, lists: 0, is_list_empty: true, bytes: b"{\"position\":".into() };
        text.write(&end.position)?;
        text.bytes.extend(b",\"eventId\":");
        text.write(&end.event_id)?;
        text.bytes.extend(match shape {
            Shape::Documents => b",\"documents\":".as_slice(),
            Shape::Collections => b",\"collections\":{",
            Shape::Log => b",\"events\":",
        });
        Ok(text)
    }

    fn push(&mut self, query: usize, rows: &[Row]) -> Result<(), Error> {
        self.begin_lists(query + 1)?;
        let schema = self.schemas[query];
        for row in rows {
            if !std::mem::take(&mut self.is_list_empty) {
                self.bytes.push(b',');
            }
            match self.shape {
                Shape::Log => self.write(&log::event(row)?)?,
                _ => self.write(&schema.named(row))?,
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.begin_lists(self.schemas.len())?;
        self.bytes.push(b']');
        if let Shape::Collections = self.shape {
            self.bytes.push(b'}');
        }
        self.bytes.push(b'}');
        Ok(())
    }

    /// Begins the lists up to one, and ends those before it.
    fn begin_lists(&mut self, up_to: usize) -> Result<(), Error> {
        while self.lists < up_to {
            if self.lists > 0 {
                self.bytes.extend(b"],");
            }
            if let Shape::Collections = self.shape {
                self.write(self.schemas[self.lists].collection)?;
                self.bytes.push(b':');
            }
            self.bytes.push(b'[');
            self.is_list_empty = true;
            self.lists += 1;
        }
        Ok(())
    }

    fn write(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        serde_json::to_writer(&mut self.bytes, value)
            .map_err(|error| Error::Damaged(format!("what was read can't be JSON: {error}")))
    }
}
