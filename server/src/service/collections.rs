//! `/collections`: documents, with the position as of which they are.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use flux_reducers::{Filter, Kind, NamedRow, Position, Query, Row, Schema, Value};
use serde::Serialize;

use super::parameters::{Parameters, invalid};
use super::{Problem, Shared, body};
use crate::error::Error;

/// Whole collections as they are answered.
#[derive(Serialize)]
struct Collections<'a> {
    position: Position,
    collections: BTreeMap<&'a str, Vec<NamedRow<'a>>>,
}

/// Documents as they are answered.
#[derive(Serialize)]
struct Documents<'a> {
    position: Position,
    documents: Vec<NamedRow<'a>>,
}

/// One document as it is answered.
#[derive(Serialize)]
struct Document<'a> {
    position: Position,
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
    let names: Vec<_> = names.split(',').collect();
    let queries: Vec<_> = names.iter().map(|name| (*name, Query::all())).collect();
    let read = shared.0.store.read(&queries).await?;
    let mut collections = BTreeMap::new();
    for (name, rows) in names.into_iter().zip(&read.documents) {
        collections.insert(name, named(shared.0.store.schema(name)?, rows));
    }
    Ok(body::json(&Collections { position: read.position, collections }))
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
    let schema = shared.0.store.schema(&name)?;
    let query = parameters.query(shared.0.options.limit_max)?;
    let read = shared.0.store.read(&[(&name, query)]).await?;
    let rows = read.documents.first().map(Vec::as_slice).unwrap_or_default();
    Ok(body::json(&Documents { position: read.position, documents: named(schema, rows) }))
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
    Ok(body::json(&Document { position: read.position, document: schema.named(row) }))
}

fn named<'a>(schema: &'a Schema, rows: &'a [Row]) -> Vec<NamedRow<'a>> {
    rows.iter().map(|row| schema.named(row)).collect()
}
