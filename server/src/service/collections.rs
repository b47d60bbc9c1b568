//! `/collections`: documents, with the position as of which they are.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use flux_reducers::{Filter, NamedRow, Position, Query, Schema, Uuid, Value};
use serde::Serialize;

use super::answer::{self, Shape};
use super::parameters::{Parameters, invalid};
use super::{Problem, Shared, body};
use crate::checkpoint::Checkpoint;

/// One document as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    position: Position,
    event_id: Option<Uuid>,
    document: NamedRow<'a>,
}

/// `GET /collections?names=a,b`: whole collections, all as of one position; `at` names an older one.
pub(super) async fn several(
    State(shared): State<Shared>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["names", "at"])?;
    let Some(names) = parameters.text("names") else {
        return Err(invalid("names", "name the collections, such as `names=notes,tags`"));
    };
    let names: BTreeSet<_> = names.split(',').collect();
    let queries: Vec<_> = names.into_iter().map(|name| (name, Query::all())).collect();
    answer::of(&shared.0, Shape::Collections, &queries, parameters.moment()?).await
}

/// `GET /collections/{name}`: the documents that match.
pub(super) async fn list(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["filter", "order", "limit", "offset", "at"])?;
    // An unknown collection is told before what is wrong with the query of it.
    shared.0.store.schema(&name)?;
    let query = parameters.query(shared.0.options.limit_max)?;
    answer::of(&shared.0, Shape::Documents, &[(&name, query)], parameters.moment()?).await
}

/// `GET /collections/{name}/{id}`: one document.
pub(super) async fn one(
    State(shared): State<Shared>,
    Path((name, id)): Path<(String, String)>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let moment = parameters.only(&["at"])?.moment()?;
    let store = &shared.0.store;
    let schema = store.schema(&name)?;
    let query = Query::from(Filter::eq(schema.id_field().name, id_of(schema, &id)?));
    let queries = [(name.as_str(), query)];
    let (checkpoint, documents) = match moment {
        None => {
            let read = store.read(&queries).await?;
            (read.checkpoint(), read.documents)
        }
        Some(moment) => {
            let past = store.at(moment).await?;
            (past.checkpoint(), past.read(&queries).await?)
        }
    };
    let Some(row) = documents.first().and_then(|rows| rows.first()) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "document_not_found",
            format!("collection `{name}` has no document with the id `{id}`"),
        ));
    };
    let Checkpoint { position, event_id } = checkpoint;
    Ok(body::of(&Document { position, event_id, document: schema.named(row) }))
}

/// Reads an id as it stands in a path.
pub(super) fn id_of(schema: &Schema, text: &str) -> Result<Value, Problem> {
    schema.id_from_text(text).map_err(|rejection| {
        let detail = format!("`{text}` is no id of `{}`: {rejection}", schema.collection);
        Problem::bad_request("invalid_id", detail).with_field(schema.id_field().name)
    })
}
