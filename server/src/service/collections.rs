//! `/collections`: documents, with the position as of which they are.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use flux_reducers::{Filter, Kind, NamedRow, Position, Query, Uuid, Value};
use serde::Serialize;

use super::answer::{self, Shape};
use super::parameters::{Parameters, invalid};
use super::{Problem, Shared, body};
use crate::error::Error;

/// One document as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    position: Position,
    event_id: Option<Uuid>,
    document: NamedRow<'a>,
}

/// `GET /collections?names=a,b`: whole collections, all as of one position.
pub(super) async fn several(
    State(shared): State<Shared>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["names"])?;
    let Some(names) = parameters.text("names") else {
        return Err(invalid("names", "name the collections, such as `names=notes,tags`"));
    };
    let names: BTreeSet<_> = names.split(',').collect();
    let queries: Vec<_> = names.into_iter().map(|name| (name, Query::all())).collect();
    answer::of(&shared.0, Shape::Collections, &queries).await
}

/// `GET /collections/{name}`: the documents that match.
pub(super) async fn list(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["filter", "order", "limit", "offset"])?;
    // An unknown collection is told before what is wrong with the query of it.
    shared.0.store.schema(&name)?;
    let query = parameters.query(shared.0.options.limit_max)?;
    answer::of(&shared.0, Shape::Documents, &[(&name, query)]).await
}

/// `GET /collections/{name}/{id}`: one document.
pub(super) async fn one(
    State(shared): State<Shared>,
    Path((name, id)): Path<(String, String)>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    parameters.only(&[])?;
    let schema = shared.0.store.schema(&name)?;
    let field = schema.id_field();
    let value = match field.kind {
        Kind::I32 | Kind::I64 | Kind::U32 => {
            id.parse::<i64>().map_or(id.as_str().into(), Value::from)
        }
        _ => Value::from(id.as_str()),
    };
    let query = Query::from(Filter::eq(field.name, value));
    let read = shared.0.store.read(&[(&name, query)]).await.map_err(|error| match error {
        Error::Query(rejection) => {
            let detail = format!("`{id}` is no id of `{name}`: {rejection}");
            Problem::bad_request("invalid_id", detail).with_field(field.name)
        }
        error => error.into(),
    })?;
    let Some(row) = read.documents.first().and_then(|rows| rows.first()) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "document_not_found",
            format!("collection `{name}` has no document with the id `{id}`"),
        ));
    };
    let (position, event_id) = (read.position, read.event_id);
    Ok(body::of(&Document { position, event_id, document: schema.named(row) }))
}
