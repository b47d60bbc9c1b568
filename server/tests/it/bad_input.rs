//! What clients get wrong: a clear problem with a stable code, nothing written, the server goes on.

use flux_server::ServiceOptions;
use flux_server::reducers::Uuid;
use serde_json::{Value, json};

use crate::service::{Running, answer, run};
use crate::tasks::*;

/// Asserts the code, that nothing was written, and that the server goes on.
async fn check(service: &Running, found: (u16, Value), status: u16, code: &str) -> Value {
    let (found_status, problem) = found;
    assert_eq!((found_status, problem["code"].as_str()), (status, Some(code)), "{problem}");
    assert_eq!(service.store.position().await.unwrap(), 0, "nothing is written");
    assert_eq!(service.get("/health").await.0, 200, "the server goes on");
    problem
}

#[tokio::test]
async fn bodies_that_are_no_actions() {
    let service = run(|service| service).await;
    let post = async |body: &str, status: u16, code: &str, field: Option<&str>| {
        let found = service.post_text("/events", body).await;
        let problem = check(&service, found, status, code).await;
        assert_eq!(problem["field"].as_str(), field, "{problem}");
    };
    post("", 400, "malformed_json", None).await;
    post(r#"{"type":"x""#, 400, "malformed_json", None).await;
    post("{'type':'x'}", 400, "malformed_json", None).await;
    post(r#"{"type":"\ud800"}"#, 400, "malformed_json", None).await;
    post("[]", 400, "no_events", None).await;
    post("7", 422, "invalid_action", None).await;
    post("{}", 422, "invalid_action", Some("type")).await;
    post(r#"{"type":7}"#, 422, "invalid_action", Some("type")).await;
    post(r#"{"type":null}"#, 422, "invalid_action", Some("type")).await;
    post(r#"{"type":""}"#, 422, "invalid_value", Some("type")).await;
    post(r#"{"type":"a\u0000b"}"#, 422, "invalid_value", Some("type")).await;
    post(r#"{"type":"x","meta":7}"#, 422, "invalid_action", Some("meta")).await;
    post(r#"{"type":"x","id":"7"}"#, 422, "invalid_action", Some("id")).await;
    post(r#"{"type":"x","title":"y"}"#, 422, "invalid_action", Some("title")).await;
    post(r#"{"type":"x","position":1}"#, 422, "invalid_action", Some("position")).await;
    let timestamp = r#"{"type":"x","timestamp":"2016-09-20T07:04:21.000Z"}"#;
    post(timestamp, 422, "invalid_action", Some("timestamp")).await;
}

#[tokio::test]
async fn payloads_that_do_not_fit() {
    let service = run(|service| service).await;
    let post = async |payload: Value, code: &str, field: Option<&str>| {
        let body = json!([{ "type": "other" }, { "type": "taskAdded", "payload": payload }]);
        let found = service.post("/events", &body).await;
        let problem = check(&service, found, 422, code).await;
        assert_eq!((problem["event"].as_u64(), problem["field"].as_str()), (Some(1), field));
    };
    post(json!(null), "invalid_payload", Some("payload")).await;
    post(json!("text"), "invalid_payload", None).await;
    post(json!({ "id": 1 }), "invalid_payload", Some("title")).await;
    post(json!({ "id": "1", "title": "a" }), "invalid_payload", Some("id")).await;
    post(json!({ "id": 1.5, "title": "a" }), "invalid_payload", Some("id")).await;
    post(json!({ "id": u64::MAX, "title": "a" }), "invalid_payload", Some("id")).await;
    post(json!({ "id": 1, "title": "a", "list": true }), "invalid_payload", Some("list")).await;
    post(json!({ "id": 1, "title": "a\0b" }), "invalid_value", Some("title")).await;
    let long = "x".repeat(513);
    post(json!({ "id": 1, "title": long }), "invalid_value", Some("title")).await;
}

#[tokio::test]
async fn bodies_beyond_the_limits() {
    let options =
        ServiceOptions { body_bytes_max: 1000, batch_events_max: 3, ..ServiceOptions::default() };
    let service = run(|service| service.options(options)).await;
    let large = json!({ "type": "x", "payload": "y".repeat(1000) });
    let found = service.post("/events", &large).await;
    check(&service, found, 413, "body_too_large").await;
    let many = json!(vec![json!({ "type": "x" }); 4]);
    let found = service.post("/events", &many).await;
    check(&service, found, 413, "too_many_events").await;
    let brackets = json!({ "type": "x", "payload": "[[[[\\\"".repeat(20) });
    assert_eq!(service.post("/events", &brackets).await.0, 200, "brackets in text do not count");
}

#[tokio::test]
async fn json_that_is_nested_too_deep() {
    let service = run(|service| service).await;
    let nested = |depth: usize| {
        format!(r#"{{"type":"x","payload":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    for depth in [65, 100_000] {
        let found = service.post_text("/events", format!("[{}]", nested(depth))).await;
        check(&service, found, 400, "json_too_deep").await;
    }
    let found = service.post_text("/events", nested(65)).await;
    check(&service, found, 422, "invalid_payload").await;
    let (status, _) = service.post_text("/events", format!("[{}]", nested(64))).await;
    assert_eq!(status, 200, "as deep as in wasm");
}

#[tokio::test]
async fn names_that_are_given_twice() {
    let service = run(|service| service).await;
    for body in [
        r#"{"type":"x","type":"taskAdded"}"#,
        r#"{"type":"x","payload":{"id":1,"title":"a","id":2}}"#,
        r#"{"type":"x","payload":[{"a":{"b":1,"b":1}}]}"#,
    ] {
        let found = service.post_text("/events", body).await;
        let problem = check(&service, found, 400, "malformed_json").await;
        assert!(problem["detail"].as_str().unwrap().contains("is given twice"), "{problem}");
    }
}

#[tokio::test]
async fn other_types_of_bodies() {
    let service = run(|service| service).await;
    let client = reqwest::Client::new();
    let url = format!("http://{}/events", service.address);
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let request = client.post(&url).header("content-type", content_type);
        let found = answer(request.body(r#"{"type":"x"}"#).send().await.unwrap()).await;
        check(&service, found, 415, "unsupported_media_type").await;
    }
}

#[tokio::test]
async fn routes_and_methods_that_there_are_not() {
    let service = run(|service| service).await;
    let found = service.get("/nothing").await;
    check(&service, found, 404, "not_found").await;
    let request = reqwest::Client::new().delete(format!("http://{}/events", service.address));
    let found = answer(request.send().await.unwrap()).await;
    check(&service, found, 405, "method_not_allowed").await;
    let found = service.post("/commands/nothing", &json!({})).await;
    check(&service, found, 404, "unknown_command").await;
}

#[tokio::test]
async fn commands_with_wrong_input() {
    let service = run(|service| service).await;
    let post = async |body: Value, code: &str, field: Option<&str>| {
        let found = service.post("/commands/addTask", &body).await;
        let problem = check(&service, found, 422, code).await;
        assert_eq!(problem["field"].as_str(), field, "{problem}");
        assert!(problem.get("event").is_none(), "it is no event yet: {problem}");
    };
    post(json!({}), "invalid_payload", None).await;
    post(json!({ "payload": {} }), "invalid_payload", Some("title")).await;
    post(json!({ "payload": { "title": 7 } }), "invalid_payload", Some("title")).await;
    post(json!({ "title": "x" }), "invalid_payload", Some("title")).await;
    post(json!({ "payload": { "title": "" } }), "title_empty", Some("title")).await;
}

#[tokio::test]
async fn queries_that_make_no_sense() {
    let service = run(|service| service).await;
    let get = async |path: &str, status: u16, code: &str, field: Option<&str>| {
        let found = service.get(path).await;
        let problem = check(&service, found, status, code).await;
        assert_eq!(problem["field"].as_str(), field, "{problem}");
    };
    get("/collections/nothing", 404, "unknown_collection", None).await;
    get("/collections/nothing/1", 404, "unknown_collection", None).await;
    get("/collections?names=tasks,nothing", 404, "unknown_collection", None).await;
    get("/collections", 400, "invalid_parameter", Some("names")).await;
    get("/collections/tasks?limit=ten", 400, "invalid_parameter", Some("limit")).await;
    get("/collections/tasks?limit=-1", 400, "invalid_parameter", Some("limit")).await;
    get("/collections/tasks?limit=99999", 400, "invalid_parameter", Some("limit")).await;
    get("/collections/tasks?limit=1&limit=2", 400, "invalid_parameter", Some("limit")).await;
    get("/collections/tasks?offset=1.5", 400, "invalid_parameter", Some("offset")).await;
    get("/collections/tasks?colour=red", 400, "invalid_parameter", Some("colour")).await;
    get("/collections/tasks?order=color", 400, "unknown_field", Some("color")).await;
    get("/collections/tasks?filter=title", 400, "invalid_filter", Some("filter")).await;
    get("/collections/tasks?filter={\"is\":[]}", 400, "invalid_filter", Some("filter")).await;
    get("/collections/tasks?filter={\"eq\":[\"color\",1]}", 400, "unknown_field", Some("color"))
        .await;
    get("/collections/tasks?filter={\"eq\":[\"done\",1]}", 400, "invalid_filter", Some("done"))
        .await;
    get("/collections/tasks?filter={\"lt\":[\"list\",null]}", 400, "invalid_filter", Some("list"))
        .await;
    get(
        "/collections/tasks?filter={\"contains\":[\"id\",\"1\"]}",
        400,
        "invalid_filter",
        Some("id"),
    )
    .await;
    get("/collections/events?order=payload", 400, "invalid_filter", Some("payload")).await;
    get("/collections/tasks/abc", 400, "invalid_id", Some("id")).await;
    get("/collections/tasks/1", 404, "document_not_found", None).await;
    get("/events?after=x", 400, "invalid_parameter", Some("after")).await;
    get("/events?order=up", 400, "invalid_parameter", Some("order")).await;
    get("/events?limit=x", 400, "invalid_parameter", Some("limit")).await;
    get("/websocket", 400, "websocket_expected", None).await;
}

#[tokio::test]
async fn an_event_id_with_other_content() {
    let service = run(|service| service).await;
    let id = Uuid::from_u128(1);
    service.post("/events", &json!(action(&added(1)).with_id(id))).await;
    let (status, problem) = service.post("/events", &json!(action(&added(2)).with_id(id))).await;
    assert_eq!(
        (status, &problem["code"], &problem["field"]),
        (409, &json!("event_id_taken"), &json!("id"))
    );
    assert_eq!(service.store.position().await.unwrap(), 1);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let client_timeout = std::time::Duration::from_millis(100);
    let options = ServiceOptions { client_timeout, ..ServiceOptions::default() };
    let service = run(|service| service.options(options)).await;
    let mut socket = tokio::net::TcpStream::connect(service.address).await.unwrap();
    let head = "POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}
