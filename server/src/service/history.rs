//! `/history`: what became of a document, event by event.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use flux_reducers::{NamedRow, RecordedEvent};
use serde::Serialize;

use super::parameters::Parameters;
use super::{Problem, Shared, body, collections};
use crate::store::HistoryQuery;

#[derive(Serialize)]
struct Answer<'a> {
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    event: &'a RecordedEvent,
    before: Option<NamedRow<'a>>,
    after: Option<NamedRow<'a>>,
}

/// `GET /history/{collection}/{id}`: the changes of a document, the first one first: the last
/// ones, so many as `limit` says, with `before` those of events before a position.
pub(super) async fn of_document(
    State(shared): State<Shared>,
    Path((name, id)): Path<(String, String)>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["before", "limit"])?;
    let mut query = HistoryQuery::default().limit(parameters.page(shared.0.options.limit_max)?);
    if let Some(before) = parameters.position("before")? {
        query = query.before(before);
    }
    let schema = shared.0.store.schema(&name)?;
    let id = collections::id_of(schema, &id)?;
    let changes = shared.0.store.history_of(&name, id, query).await?;
    let changes = changes.iter().map(|change| Change {
        event: &change.event,
        before: change.before.as_ref().map(|row| schema.named(row)),
        after: change.after.as_ref().map(|row| schema.named(row)),
    });
    Ok(body::of(&Answer { changes: changes.collect() }))
}
