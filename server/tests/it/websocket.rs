//! Live events over a real WebSocket.

use std::time::Duration;

use flux_server::ServiceOptions;
use flux_server::reducers::{Action, RecordedEvent};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::service::{Running, run};
use crate::tasks::*;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(service: &Running, path: &str) -> Socket {
    connect_async(format!("ws://{}{path}", service.address)).await.unwrap().0
}

async fn take(socket: &mut Socket, count: usize) -> Vec<i64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            let events: Vec<RecordedEvent> = serde_json::from_str(&text).unwrap();
            assert!(!events.is_empty());
            positions.extend(events.iter().map(|event| event.position));
        }
    }
    positions
}

async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        if let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() {
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

#[tokio::test]
async fn events_after_a_position_come_and_then_the_live_ones() {
    let service = run(|service| service).await;
    service.store.dispatch_all(&(0..5).map(added).collect::<Vec<_>>()).await.unwrap();
    let mut from_two = connect(&service, "/websocket?after=2").await;
    let mut from_now = connect(&service, "/websocket").await;
    assert_eq!(take(&mut from_two, 3).await, [3, 4, 5]);
    service.store.dispatch(&added(5)).await.unwrap();
    assert_eq!(take(&mut from_two, 1).await, [6]);
    assert_eq!(take(&mut from_now, 1).await, [6]);
}

#[tokio::test]
async fn a_client_resumes_where_it_was() {
    let service = run(|service| service).await;
    let mut first = connect(&service, "/websocket?after=0").await;
    service.store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    assert_eq!(take(&mut first, 2).await, [1, 2]);
    drop(first);
    service.store.dispatch_all(&[added(3), added(4)]).await.unwrap();
    assert_eq!(take(&mut connect(&service, "/websocket?after=2").await, 2).await, [3, 4]);
}

#[tokio::test]
async fn a_long_log_comes_in_messages_of_bounded_size() {
    let service = run(|service| service).await;
    let large = Action::new("large").with_payload("x".repeat(100_000));
    for _ in 0..4 {
        service.store.dispatch_all(&vec![large.clone(); 5]).await.unwrap();
    }
    let mut socket = connect(&service, "/websocket?after=0").await;
    let mut next = 1;
    while next <= 20 {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            assert!(text.len() < 512 * 1024, "{} bytes", text.len());
            let events: Vec<RecordedEvent> = serde_json::from_str(&text).unwrap();
            for event in events {
                assert_eq!(event.position, next);
                next += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_talks_is_told_not_to() {
    let service = run(|service| service).await;
    let mut socket = connect(&service, "/websocket").await;
    socket.send(Message::Text("garbage".into())).await.unwrap();
    let (code, reason) = closed(&mut socket).await;
    assert_eq!(code, 1008);
    assert!(reason.contains("POST /events"), "{reason}");
    assert_eq!(service.get("/health").await.0, 200);
}

#[tokio::test]
async fn a_client_that_sends_much_is_told_that_it_is_too_much() {
    let service = run(|service| service).await;
    let mut socket = connect(&service, "/websocket").await;
    let much = Message::Text("x".repeat(5_000_000).into());
    // It may be told before it has sent all of it.
    socket.send(much).await.ok();
    assert_eq!(closed(&mut socket).await.0, 1009);
    assert_eq!(service.get("/health").await.0, 200);
}

#[tokio::test]
async fn a_client_of_another_log_is_refused() {
    let service = run(|service| service).await;
    let recorded = service.store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    let path = format!("/websocket?after=1&afterId={}", recorded[0].id);
    assert_eq!(take(&mut connect(&service, &path).await, 1).await, [2]);
    let url = format!("ws://{}/websocket?after=1&afterId={}", service.address, recorded[1].id);
    match connect_async(url).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 409),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_let_go_and_holds_up_nobody() {
    let client_timeout = Duration::from_millis(200);
    let options = ServiceOptions { client_timeout, websockets_max: 1, ..ServiceOptions::default() };
    let service = run(|service| service.options(options)).await;
    let stuck = connect(&service, "/websocket?after=0").await;
    let large = Action::new("large").with_payload("x".repeat(1_000_000));
    for _ in 0..30 {
        service.store.dispatch(&large).await.unwrap();
    }
    // Its place is free again once it is let go.
    let url = format!("ws://{}/websocket?after=30", service.address);
    while connect_async(&url).await.is_err() {
        tokio::task::yield_now().await;
    }
    drop(stuck);
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_let_go() {
    let ping_interval = Duration::from_millis(50);
    let options = ServiceOptions { ping_interval, websockets_max: 1, ..ServiceOptions::default() };
    let service = run(|service| service.options(options)).await;
    let silent = connect(&service, "/websocket").await;
    let url = format!("ws://{}/websocket", service.address);
    let mut answering = loop {
        if let Ok((socket, _)) = connect_async(&url).await {
            break socket;
        }
        tokio::task::yield_now().await;
    };
    drop(silent);
    for _ in 0..5 {
        assert!(matches!(answering.next().await.unwrap().unwrap(), Message::Ping(_)));
    }
}

#[tokio::test]
async fn a_shutdown_tells_the_clients() {
    let service = run(|service| service).await;
    let mut socket = connect(&service, "/websocket").await;
    let (closed, ()) = tokio::join!(closed(&mut socket), service.stop());
    assert_eq!(closed.0, 1001);
}

#[tokio::test]
async fn pages_of_other_origins_may_not_connect() {
    let options = ServiceOptions {
        allowed_origins: vec!["https://app.example.com".to_owned()],
        ..ServiceOptions::default()
    };
    let service = run(|service| service.options(options)).await;
    let connect = async |origin: &str| {
        let url = format!("ws://{}/websocket", service.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(connect("https://evil.example").await, 403);
    assert_eq!(connect("null").await, 403);
    assert_eq!(connect("https://app.example.com").await, 101);
    assert_eq!(connect(&format!("http://{}", service.address)).await, 101);
}

#[tokio::test]
async fn a_position_beyond_the_log_and_too_many_clients_are_problems() {
    let options = ServiceOptions { websockets_max: 0, ..ServiceOptions::default() };
    let refused = async |service: &Running, path: &str| {
        let url = format!("ws://{}{path}", service.address);
        match connect_async(url).await {
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let problem: serde_json::Value = serde_json::from_slice(body).unwrap();
                problem["code"].as_str().unwrap().to_owned()
            }
            other => panic!("{other:?}"),
        }
    };
    let service = run(|service| service).await;
    assert_eq!(refused(&service, "/websocket?after=1").await, "position_ahead");
    assert_eq!(refused(&service, "/websocket?after=x").await, "invalid_parameter");
    let full = run(|service| service.options(options)).await;
    assert_eq!(refused(&full, "/websocket").await, "too_many_connections");
}
