//! `POST /commands/{name}`: what a client wants, turned into what happened.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use flux_reducers::{Action, Event, Json, Rejection, Timestamp, Uuid};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Identity, Problem, Shared, body, events};
use crate::clock::now;
use crate::error::Error;
use crate::store::{Recorded, Store};

/// A command's function, its types erased.
pub(super) type Handler =
    Arc<dyn Fn(&Json, &CommandContext) -> Result<Vec<Action>, Rejection> + Send + Sync>;

/// What a command may use that no reducer may: new ids, the time, who asks.
///
/// ```
/// # use flux_server::Service;
/// # use flux_server::reducers::{Action, Json};
/// # fn add(service: Service) -> Service {
/// service.command("ring", |_: Json, context| {
///     Ok(vec![Action::new("rung").with_payload(context.now().to_string())])
/// })
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CommandContext {
    identity: Option<Identity>,
    now: Timestamp,
}

impl CommandContext {
    /// Creates a new id: a UUID of version 7, which sorts by time, so that tables stay fast.
    ///
    /// ```
    /// # use flux_server::Service;
    /// # use flux_server::reducers::{Action, Json};
    /// # fn add(service: Service) -> Service {
    /// service.command("ring", |_: Json, context| {
    ///     Ok(vec![Action::new("rung").with_id(context.new_id())])
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Returns the time of the command.
    ///
    /// ```
    /// # use flux_server::Service;
    /// # use flux_server::reducers::{Action, Json};
    /// # fn add(service: Service) -> Service {
    /// service.command("ring", |_: Json, context| {
    ///     Ok(vec![Action::new("rung").with_payload(context.now().to_string())])
    /// })
    /// # }
    /// ```
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns who asks, where the service has an authentication.
    ///
    /// ```
    /// # use flux_server::Service;
    /// # use flux_server::reducers::{Action, Json};
    /// # fn add(service: Service) -> Service {
    /// service.command("ring", |_: Json, context| {
    ///     let who = context.identity().map_or("somebody", |identity| &identity.user);
    ///     Ok(vec![Action::new("rung").with_payload(who)])
    /// })
    /// # }
    /// ```
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }
}

/// The body of a command: as an action, but the type is in the URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    /// A retry with the same id is answered with what the first one did.
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default)]
    payload: Json,
    #[serde(default)]
    meta: Option<Json>,
}

pub(super) fn handler<I: DeserializeOwned, E: Event>(
    name: String,
    handler: impl Fn(I, &CommandContext) -> Result<Vec<E>, Rejection> + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |payload, context| {
        let events = handler(payload.read(&name)?, context)?;
        events.iter().map(Event::to_action).collect()
    })
}

/// Returns what the caller says of an event, and what the event itself says, such as its version:
/// that stands.
fn both(said: Option<&Json>, own: Option<Json>) -> Option<Json> {
    let Some(said) = said else {
        return own;
    };
    let Some(serde_json::Value::Object(own)) = own.map(Json::into_value) else {
        return Some(said.clone());
    };
    let action = Action { meta: Some(said.clone()), ..Action::default() };
    own.into_iter().fold(action, |action, (name, value)| action.with_meta(name, value)).meta
}

pub(super) async fn run(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    let identity = shared.0.identify(&parts).await?;
    let Some(handler) = shared.0.commands.get(&name) else {
        let names: Vec<_> = shared.0.commands.keys().map(String::as_str).collect();
        let detail = format!("there is no command `{name}`: there are {}", names.join(", "));
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_command", detail));
    };
    let sent = body::read(&parts.headers, sent, &shared.0.options).await?;
    let command: Command = Json::new(sent).read("command").map_err(Problem::from)?;
    let store = &shared.0.store;
    if let Some(id) = command.id {
        let first = first_result(store, id).await?;
        if !first.is_empty() {
            return events::recorded(&first);
        }
    }
    let context = CommandContext { identity: identity.clone(), now: now() };
    let actions = handler(&command.payload, &context).map_err(Problem::from)?;
    let actions = (0_u64..).zip(actions).map(|(event, action)| Action {
        id: command.id.map(|id| event_id(id, event)),
        meta: both(command.meta.as_ref(), action.meta),
        ..action
    });
    let actions = shared.0.authorize(identity.as_ref(), actions.collect())?;
    match (store.dispatch_all(&actions).await, command.id) {
        // The same command came twice at once, and the other one was first.
        (Err(Error::EventIdTaken { .. }), Some(id)) => {
            events::recorded(&first_result(store, id).await?)
        }
        (result, _) => events::recorded(&result?),
    }
}

/// The ids of a command's events follow from its own, so that a retry finds them.
fn event_id(command: Uuid, event: u64) -> Uuid {
    Uuid::new_v5(&command, &event.to_be_bytes())
}

async fn first_result(store: &Store, command: Uuid) -> Result<Recorded, Error> {
    let mut recorded = Recorded::new();
    loop {
        let found = store.events_by_id(&[event_id(command, recorded.len() as u64)]).await?;
        match found.into_iter().next() {
            Some(event) => recorded.push(Arc::new(event)),
            None => return Ok(recorded),
        }
    }
}
