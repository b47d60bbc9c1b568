//! `/events`: dispatching, and reading the log.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use flux_reducers::{Action, Document as _, Json, Position, RecordedEvent, Rejection};
use serde::Serialize;

use super::answer::{self, Shape};
use super::parameters::{Parameters, invalid};
use super::{Inner, Problem, Shared, body};
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::log::LogQuery;
use crate::store::Recorded;

/// Events as they are answered.
#[derive(Serialize)]
struct Events<'a, E> {
    position: Option<Position>,
    events: &'a [E],
}

/// The log is a collection like any other.
const EVENTS: &str = RecordedEvent::SCHEMA.collection;

/// `POST /events`: one action, or an array of them that are recorded together or not at all; with
/// `expectedPosition` only where the log ends there.
pub(super) async fn dispatch(
    State(shared): State<Shared>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    let identity = shared.0.identify(&parts).await?;
    let expected_position = parameters.only(&["expectedPosition"])?.position("expectedPosition")?;
    let sent = body::read(&parts.headers, sent, &shared.0.options).await?;
    let actions = actions(sent, &shared.0)?;
    let actions = shared.0.authorize(identity.as_ref(), actions)?;
    recorded(&shared.0.store.dispatch_together(Dispatch { actions, expected_position }).await?)
}

/// `GET /events`: the log.
pub(super) async fn list(
    State(shared): State<Shared>,
    parameters: Parameters,
    request: Request<Body>,
) -> Result<Response, Problem> {
    shared.0.identify(&request.into_parts().0).await?;
    let parameters = parameters.only(&["after", "afterId", "limit", "type", "order"])?;
    let limit = parameters.page(shared.0.options.limit_max)?;
    let after = parameters.after()?.unwrap_or_default();
    shared.0.store.check(after).await?;
    let mut query = LogQuery::default().after(after).limit(limit);
    if let Some(event_type) = parameters.text("type") {
        query = query.event_type(event_type);
    }
    query = match parameters.text("order") {
        None | Some("asc") => query,
        Some("desc") => query.descending(),
        Some(other) => {
            let reason = format!("expected `asc` or `desc`, found `{other}`");
            return Err(invalid("order", &reason));
        }
    };
    answer::of(&shared.0, Shape::Log, &[(EVENTS, query.to_query())], None).await
}

/// The answer to a dispatch.
pub(super) fn recorded(recorded: &Recorded) -> Result<Response, Problem> {
    let position = recorded.iter().map(|event| event.position).max();
    let events: Vec<_> = recorded.iter().map(|event| &**event).collect();
    Ok(body::of(&Events { position, events: &events }))
}

fn actions(sent: serde_json::Value, inner: &Inner) -> Result<Vec<Action>, Problem> {
    let sent = match sent {
        serde_json::Value::Array(sent) => sent,
        one => vec![one],
    };
    let most = inner.options.batch_events_max;
    if sent.len() > most {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_events",
            format!("{} events at once, at most {most} are taken: split them", sent.len()),
        ));
    }
    if sent.is_empty() {
        return Err(Problem::bad_request("no_events", "expected an action or several, found []"));
    }
    let actions = sent.into_iter().enumerate().map(|(event, json)| action(event, json));
    actions.collect()
}

fn action(event: usize, json: serde_json::Value) -> Result<Action, Problem> {
    let refuse = |rejection: Rejection| Problem::from(Error::Rejected { event, rejection });
    let of_record = ["timestamp", "position"].into_iter().find(|it| json.get(it).is_some());
    if let Some(name) = of_record {
        let message = format!("`{name}` is the store's to give: leave it out");
        return Err(refuse(Rejection::new("invalid_action", message).with_field(name)));
    }
    // A data error of serde names the field; the code is one for all of them.
    Json::new(json).read::<Action>("action").map_err(|rejection| {
        let message = rejection.message().replace("the payload of `action`", "the action");
        let named = Rejection::new("invalid_action", message);
        refuse(match rejection.field() {
            Some(field) => named.with_field(field),
            None => named,
        })
    })
}
