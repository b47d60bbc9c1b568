//! `/history`: what became of a document, event by event.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use flux_reducers::{NamedRow, Position, RecordedEvent, Row};
use serde::Serialize;

use super::parameters::Parameters;
use super::{Problem, Shared, body, collections};
use crate::size;
use crate::store::{DocumentChange, HistoryQuery};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    changes: Vec<Change<'a>>,
    /// Whether there may be changes before these.
    has_earlier: bool,
}

#[derive(Serialize)]
struct Change<'a> {
    event: &'a RecordedEvent,
    before: Option<NamedRow<'a>>,
    after: Option<NamedRow<'a>>,
}

/// Changes that are read together: each has the document before and after.
const CHANGES_AT_ONCE: u64 = 25;

/// About how many bytes of changes from which on an answer has no more.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// `GET /history/{collection}/{id}`: the changes of a document, the first one first: the last
/// ones, so many as `limit` says, with `before` those of events before a position. Fewer, but at
/// least one, where they are many bytes: whoever wants all asks again while `hasEarlier`.
pub(super) async fn of_document(
    State(shared): State<Shared>,
    Path((name, id)): Path<(String, String)>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["before", "limit"])?;
    let mut left = parameters.page(shared.0.options.limit_max)?;
    let mut before = parameters.position("before")?.unwrap_or(Position::MAX);
    let schema = shared.0.store.schema(&name)?;
    let id = collections::id_of(schema, &id)?;
    let (mut pages, mut bytes) = (Vec::new(), 0);
    let has_earlier = loop {
        let at_once = left.min(CHANGES_AT_ONCE);
        let query = HistoryQuery::default().before(before).limit(at_once);
        let page = shared.0.store.history_of(&name, id.clone(), query).await?;
        bytes += page.iter().map(bytes_of).sum::<usize>();
        left -= page.len() as u64;
        let is_full = page.len() as u64 == at_once;
        before = page.first().map_or(before, |first| first.event.position);
        pages.push(page);
        if !is_full || left == 0 || bytes > ANSWER_BYTES {
            break is_full;
        }
    };
    let changes = pages.iter().rev().flatten().map(|change| Change {
        event: &change.event,
        before: change.before.as_ref().map(|row| schema.named(row)),
        after: change.after.as_ref().map(|row| schema.named(row)),
    });
    Ok(body::of(&Answer { changes: changes.collect(), has_earlier }))
}

fn bytes_of(change: &DocumentChange<Row>) -> usize {
    let documents = change.before.iter().chain(&change.after);
    size::of_event(&change.event) + documents.map(size::of_row).sum::<usize>()
}
