//! `GET /websocket?after=`: the events after a position, in batches, then those to come.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use flux_reducers::RecordedEvent;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::Error as FrameError;

use super::origin::check_origin;
use super::parameters::Parameters;
use super::{Problem, Shared};
use crate::subscription::Subscription;

/// Bytes that a client may send in one message: it has nothing to say.
const RECEIVED_BYTES_MAX: usize = 1024;

/// Bytes of events in one message; one event that is larger goes alone.
const MESSAGE_BYTES: usize = 256 * 1024;

pub(super) async fn open(
    State(shared): State<Shared>,
    parameters: Parameters,
    parts: Parts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(rejection.status(), "websocket_expected", rejection.body_text())
    })?;
    check_origin(&parts.headers, &parts.uri, &shared.0.options)?;
    shared.0.identify(&parts).await?;
    let after = parameters.only(&["after", "afterId"])?.after()?;
    let permit = Arc::clone(&shared.0.websockets).try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_connections",
            "too many clients are connected: try again later",
        )
    })?;
    let subscription = match after {
        Some(after) => shared.0.store.subscribe_from(after).await?,
        None => shared.0.store.subscribe()?,
    };
    let upgrade = upgrade
        .max_message_size(RECEIVED_BYTES_MAX)
        .max_frame_size(RECEIVED_BYTES_MAX)
        .write_buffer_size(0);
    Ok(upgrade.on_upgrade(async move |socket| {
        follow(socket, subscription, &shared).await;
        drop(permit);
    }))
}

/// Why a connection ends.
enum End {
    /// The client has gone, or does not read: there is nobody to tell.
    Gone,
    /// The client is told the code and the reason.
    Close(CloseCode, &'static str),
}

async fn follow(mut socket: WebSocket, mut subscription: Subscription, shared: &Shared) {
    let end = match serve(&mut socket, &mut subscription, shared).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    if let End::Close(code, reason) = end {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        timeout(shared.0.options.client_timeout, socket.send(close)).await.ok();
    }
}

async fn serve(
    socket: &mut WebSocket,
    subscription: &mut Subscription,
    shared: &Shared,
) -> Result<std::convert::Infallible, End> {
    let options = &shared.0.options;
    let first_ping = Instant::now() + options.ping_interval;
    let mut pings = interval_at(first_ping, options.ping_interval);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_alive = true;
    loop {
        let message = tokio::select! {
            () = shared.0.shutdown.cancelled() => {
                return Err(End::Close(close_code::AWAY, "the server shuts down"));
            }
            received = socket.recv() => {
                is_alive |= heard(received.as_ref())?;
                continue;
            }
            _ = pings.tick() => {
                if !std::mem::take(&mut is_alive) {
                    return Err(End::Gone);
                }
                vec![Message::Ping(axum::body::Bytes::new())]
            }
            events = subscription.next() => match events {
                Ok(Some(events)) => messages(&events)?,
                Ok(None) => {
                    return Err(End::Close(close_code::AWAY, "the store is closed"));
                }
                Err(error) => {
                    tracing::error!(%error, "a subscription failed");
                    return Err(End::Close(close_code::AGAIN, "the log can't be read now"));
                }
            },
        };
        for message in message {
            match timeout(options.client_timeout, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(End::Gone),
                Err(_) => return Err(End::Close(close_code::AGAIN, "reading too slowly")),
            }
        }
    }
}

/// A client answers pings and leaves; all else is not for this socket.
fn heard(received: Option<&Result<Message, axum::Error>>) -> Result<bool, End> {
    match received {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(true),
        Some(Ok(Message::Text(_) | Message::Binary(_))) => {
            Err(End::Close(close_code::POLICY, "this socket only sends: dispatch by POST /events"))
        }
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(broken(error)),
    }
}

/// What is wrong with what a client sent; or it has gone.
fn broken(error: &axum::Error) -> End {
    let error = std::error::Error::source(error).and_then(|it| it.downcast_ref::<FrameError>());
    match error {
        Some(FrameError::Capacity(_)) => End::Close(close_code::SIZE, "the message is too long"),
        Some(FrameError::Protocol(_)) => End::Close(close_code::PROTOCOL, "no WebSocket frame"),
        Some(FrameError::Utf8(_)) => End::Close(close_code::INVALID, "text that is not UTF-8"),
        _ => End::Gone,
    }
}

/// The events as JSON arrays, none of them much larger than it must be.
fn messages(events: &[Arc<RecordedEvent>]) -> Result<Vec<Message>, End> {
    let mut messages = Vec::new();
    let mut array = String::new();
    for event in events {
        let json = serde_json::to_string(&**event).map_err(|error| {
            tracing::error!(%error, position = event.position, "an event can't be JSON");
            End::Close(close_code::ERROR, "an event can't be written as JSON")
        })?;
        if !array.is_empty() && array.len() + json.len() > MESSAGE_BYTES {
            array.push(']');
            messages.push(Message::Text(std::mem::take(&mut array).into()));
        }
        array.push(if array.is_empty() { '[' } else { ',' });
        array.push_str(&json);
    }
    array.push(']');
    messages.push(Message::Text(array.into()));
    Ok(messages)
}
