//! The HTTP service over a real socket.

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use flux_server::reducers::{Event, Rejection, Uuid};
use flux_server::{
    Authenticate, Authentication, Identity, Problem, ServeError, Service, ServiceOptions, Store,
};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::databases::Database;
use crate::tasks::*;

/// A service that runs, and what ends it.
pub(crate) struct Running {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) store: Store,
    client: Client,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

#[derive(Deserialize)]
struct AddTask {
    title: String,
}

pub(crate) async fn run(configure: impl FnOnce(Service) -> Service) -> Running {
    run_on(in_memory().await, configure).await
}

pub(crate) async fn run_on(store: Store, configure: impl FnOnce(Service) -> Service) -> Running {
    let service = Service::new(store.clone()).command("addTask", |input: AddTask, context| {
        if input.title.is_empty() {
            return Err(Rejection::new("title_empty", "a task has a title").with_field("title"));
        }
        let id = i64::from(context.new_id().as_u128() as u32);
        Ok(vec![TaskAdded { id, title: input.title, list: None }])
    });
    let listening = configure(service).listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listening.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(listening.run(async {
        stopped.await.ok();
    }));
    Running { address, store, client: Client::new(), stop, ended }
}

impl Running {
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(format!("http://{}{path}", self.address)).send();
        answer(response.await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_text(path, body.to_string()).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: impl Into<String>) -> (u16, Value) {
        let request = self.client.post(format!("http://{}{path}", self.address));
        let request = request.header("content-type", "application/json").body(body.into());
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).ok();
        self.ended.await.unwrap().unwrap();
    }
}

/// Asserts on the way that an error is a problem.
pub(crate) async fn answer(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let json: Value = response.json().await.unwrap();
    if status >= 400 {
        assert_eq!(content_type, "application/problem+json");
        assert_eq!(json["status"], status);
        assert!(json["code"].is_string() && json["detail"].is_string(), "{json}");
    }
    (status, json)
}

#[tokio::test]
async fn a_server_whose_tables_were_replaced_is_not_healthy() {
    let database = Database::sqlite();
    let service = run_on(database.open().await, |service| service).await;
    assert_eq!(service.get("/health").await.0, 200);
    database.builder(reducer().with_version(2)).rebuild(|_| {}).await.unwrap().close().await;
    let (status, problem) = service.get("/health").await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("superseded")), "{problem}");
}

#[tokio::test]
async fn events_are_dispatched_one_or_several() {
    let service = run(|service| service).await;
    let (status, one) = service.post("/events", &json!(action(&added(1)))).await;
    assert_eq!(
        (status, &one["position"], &one["events"][0]["position"]),
        (200, &json!(1), &json!(1))
    );
    let both = json!([action(&added(2)), action(&TaskDone { id: 1 })]);
    let (status, both) = service.post("/events", &both).await;
    assert_eq!((status, &both["position"]), (200, &json!(3)));
    assert_eq!(both["events"][1]["type"], "taskDone");
    verify(&service.store).await;
}

#[tokio::test]
async fn events_can_depend_on_the_position() {
    let service = run(|service| service).await;
    let send = async |id: i64, expected: &str| {
        let path = format!("/events?expectedPosition={expected}");
        let (status, answer) = service.post(&path, &json!(action(&added(id)))).await;
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(send(1, "0").await, (200, String::new()));
    assert_eq!(send(2, "0").await, (409, "position_moved".to_owned()));
    assert_eq!(send(2, "one").await, (400, "invalid_parameter".to_owned()));
    assert_eq!(send(2, "1").await, (200, String::new()));
}

#[tokio::test]
async fn recorded_events_are_written_as_they_always_were() {
    let service = run(|service| service).await;
    let id = "c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50";
    let action = json!({ "id": id, "type": "noteAdded", "payload": {}, "meta": { "user": "ann" } });
    service.post("/events", &action).await;
    let url = format!("http://{}/events", service.address);
    let text = service.client.get(url).send().await.unwrap().text().await.unwrap();
    let timestamp = service.get("/events").await.1["events"][0]["timestamp"].clone();
    assert_eq!(
        text,
        format!(
            r#"{{"position":1,"eventId":"{id}","events":[{{"id":"{id}","timestamp":{timestamp},"type":"noteAdded","payload":{{}},"meta":{{"user":"ann"}},"position":1}}]}}"#
        )
    );
}

#[tokio::test]
async fn a_retry_is_answered_with_the_first_result() {
    let service = run(|service| service).await;
    let action = json!(action(&added(1)).with_id(Uuid::from_u128(7)));
    let first = service.post("/events", &action).await;
    assert_eq!(service.post("/events", &action).await, first);
    assert_eq!(service.store.position().await.unwrap(), 1);
}

#[tokio::test]
async fn a_command_becomes_events_and_its_retry_their_first_result() {
    let service = run(|service| service).await;
    let command = json!({ "payload": { "title": "Milk" }, "meta": { "user": "ann" } });
    let (status, answer) = service.post("/commands/addTask", &command).await;
    assert_eq!((status, &answer["events"][0]["payload"]["title"]), (200, &json!("Milk")));
    assert_eq!(answer["events"][0]["meta"], json!({ "user": "ann" }));

    let id = Uuid::from_u128(1);
    let command = json!({ "id": id, "payload": { "title": "Bread" } });
    let first = service.post("/commands/addTask", &command).await;
    assert_eq!(service.post("/commands/addTask", &command).await, first);
    assert_eq!(service.store.position().await.unwrap(), 2);
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum ListEvent {
    #[event(version = 2)]
    ListPrinted,
}

#[tokio::test]
async fn what_an_event_says_of_itself_stands_whatever_the_caller_of_a_command_says() {
    let print = |(): (), _: &_| Ok(vec![ListEvent::ListPrinted]);
    let service = run(|service| service.command("printList", print)).await;
    let check = async |command: Value, meta: Value| {
        let (status, answer) = service.post("/commands/printList", &command).await;
        assert_eq!((status, &answer["events"][0]["meta"]), (200, &meta));
    };
    check(json!({}), json!({ "version": 2 })).await;
    let meta = json!({ "user": "ann", "version": 1 });
    check(json!({ "meta": meta }), json!({ "user": "ann", "version": 2 })).await;
}

#[tokio::test]
async fn collections_are_read_with_their_position() {
    let service = run(|service| service).await;
    let events: Vec<_> = (1..=4).map(added).collect();
    let last = service.store.dispatch_all(&events).await.unwrap()[3].id;
    let first = json!({ "id": 1, "title": "task 1", "list": 1, "done": false });
    assert_eq!(
        service.get("/collections/tasks/1").await.1,
        json!({ "position": 4, "eventId": last, "document": first })
    );
    let ids = |answer: (u16, Value)| {
        assert_eq!((answer.0, &answer.1["position"]), (200, &json!(4)));
        assert_eq!(answer.1["eventId"], json!(last));
        let documents = answer.1["documents"].as_array().unwrap().clone();
        documents.iter().map(|document| document["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(service.get("/collections/tasks").await), [1, 2, 3, 4]);
    let filter = r#"/collections/tasks?filter={"or":[{"eq":["list",1]},{"in":["id",[3]]}]}"#;
    assert_eq!(ids(service.get(filter).await), [1, 3, 4]);
    assert_eq!(ids(service.get("/collections/tasks?order=-list,-id&limit=3").await), [2, 4, 1]);
    assert_eq!(ids(service.get("/collections/tasks?order=id&offset=3").await), [4]);
    let (_, several) = service.get("/collections?names=tasks,events").await;
    assert_eq!(several["position"], 4);
    assert_eq!(several["collections"]["tasks"][0], first);
    assert_eq!(several["collections"]["events"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn the_log_is_read_by_position_type_and_end() {
    let service = run(|service| service).await;
    let events = [added(1), TaskDone { id: 1 }, added(2)];
    service.store.dispatch_all(&events).await.unwrap();
    let positions = |answer: (u16, Value)| {
        assert_eq!((answer.0, &answer.1["position"]), (200, &json!(3)));
        let events = answer.1["events"].as_array().unwrap().clone();
        events.iter().map(|event| event["position"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(positions(service.get("/events").await), [1, 2, 3]);
    assert_eq!(positions(service.get("/events?after=1&limit=1").await), [2]);
    assert_eq!(positions(service.get("/events?type=taskAdded&order=desc").await), [3, 1]);
    assert_eq!(service.get("/health").await, (200, json!({ "status": "ok", "position": 3 })));
}

#[tokio::test]
async fn a_place_in_another_log_is_told_from_one_in_this() {
    let service = run(|service| service).await;
    assert_eq!(service.get("/collections/tasks").await.1["eventId"], json!(null));
    service.store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    let (_, tasks) = service.get("/collections/tasks").await;
    let id = tasks["eventId"].as_str().unwrap();
    let found = async |path: String| {
        let (status, answer) = service.get(&path).await;
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    let replaced = (409, "log_replaced".to_owned());
    assert_eq!(found(format!("/events?after=2&afterId={id}")).await, (200, String::new()));
    assert_eq!(found(format!("/events?after=1&afterId={id}")).await, replaced);
    assert_eq!(found(format!("/events?after=0&afterId={id}")).await, replaced);
    let ahead = (409, "position_ahead".to_owned());
    assert_eq!(found(format!("/events?after=3&afterId={id}")).await, ahead);
    assert_eq!(found("/events?after=3".to_owned()).await, ahead);
    let invalid = (400, "invalid_parameter".to_owned());
    assert_eq!(found(format!("/events?afterId={id}")).await, invalid);
    assert_eq!(found("/events?after=2&afterId=2".to_owned()).await, invalid);
}

/// Adds tasks with long titles: more than a socket's buffers take.
async fn add_large(store: &Store, count: i64) {
    for id in 0..count {
        let title = format!("{id} {}", "x".repeat(400));
        let large =
            action(&TaskAdded { id, title, list: None }).with_meta("note", "y".repeat(100_000));
        store.dispatch(&large).await.unwrap();
    }
}

#[tokio::test]
async fn large_answers_come_whole_and_in_order() {
    let database = Database::sqlite();
    let service = run_on(database.open().await, |service| service).await;
    add_large(&service.store, 400).await;
    for path in ["/collections/events?order=position", "/events?limit=10000"] {
        let (_, answer) = service.get(path).await;
        let events = answer["documents"].as_array().or(answer["events"].as_array()).unwrap();
        let positions: Vec<_> = events.iter().map(|it| it["position"].as_i64().unwrap()).collect();
        assert_eq!(positions, (1..=400).collect::<Vec<_>>());
    }
    let (_, several) = service.get("/collections?names=tasks,events,tasks").await;
    assert_eq!(several["position"], 400);
    let tasks = several["collections"]["tasks"].as_array().unwrap();
    assert_eq!(
        tasks.iter().map(|it| it["id"].as_i64().unwrap()).collect::<Vec<_>>(),
        (0..400).collect::<Vec<_>>()
    );
    assert_eq!(several["collections"]["events"].as_array().unwrap().len(), 400);
}

#[tokio::test]
async fn clients_that_never_read_their_answers_keep_nobody_from_reading_or_writing() {
    let client_timeout = std::time::Duration::from_millis(300);
    let options = ServiceOptions { client_timeout, ..ServiceOptions::default() };
    let database = Database::sqlite();
    let service = run_on(database.open().await, |service| service.options(options)).await;
    add_large(&service.store, 400).await;
    let mut stuck = Vec::new();
    for _ in 0..20 {
        let mut connection = TcpStream::connect(service.address).await.unwrap();
        let request =
            b"GET /collections/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        connection.write_all(request).await.unwrap();
        stuck.push(connection);
    }
    service.store.dispatch(&added(1_000)).await.unwrap();
    // Their places are free again once they are let go.
    while service.get("/collections/events?order=position&limit=1").await.0 != 200 {}
    let mut cut_off = 0;
    for mut connection in stuck {
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.ok();
        let text = String::from_utf8_lossy(&answer);
        let is_begun = text.starts_with("HTTP/1.1 200");
        let is_ended = text.ends_with("0\r\n\r\n");
        assert!(!is_ended || text.ends_with("]}\r\n0\r\n\r\n"), "what is cut off does not end");
        cut_off += i32::from(is_begun && !is_ended);
    }
    assert!(cut_off > 0);
}

#[tokio::test]
async fn without_authentication_only_requests_to_this_machine_are_answered() {
    let options = || ServiceOptions {
        allowed_hosts: vec!["notes.internal".to_owned()],
        ..ServiceOptions::default()
    };
    let status = async |service: &Running, host: &str| {
        let url = format!("http://{}/collections/tasks", service.address);
        let request = service.client.get(url).header("host", host);
        answer(request.send().await.unwrap()).await.0
    };
    let service = run(|service| service.options(options())).await;
    for host in ["localhost", "LocalHost:4000", "127.0.0.1:4000", "127.8.8.8", "[::1]:80"] {
        assert_eq!(status(&service, host).await, 200, "{host}");
    }
    assert_eq!(status(&service, "notes.internal:80").await, 200);
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example"] {
        assert_eq!(status(&service, host).await, 403, "{host}");
    }
    let anonymous = run(Service::allow_anonymous).await;
    assert_eq!(status(&anonymous, "notes.example").await, 200);
    let authenticated = run(|service| service.authentication(Key)).await;
    assert_eq!(status(&authenticated, "notes.example").await, 401, "it is asked who it is");
}

#[tokio::test]
async fn pages_of_other_origins_dispatch_nothing_unless_they_are_allowed() {
    let app = "https://app.example.com";
    let options =
        ServiceOptions { allowed_origins: vec![app.to_owned()], ..ServiceOptions::default() };
    let service = run(|service| service.options(options)).await;
    let send = async |origin: &str, id: i64| {
        let request = service.client.post(format!("http://{}/events", service.address));
        let request = request.header("origin", origin).json(&action(&added(id)));
        let response = request.send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin");
        let allowed = allowed.map(|it| it.to_str().unwrap().to_owned());
        (answer(response).await.0, allowed)
    };
    assert_eq!(send("https://evil.example", 1).await, (403, None));
    assert_eq!(send("null", 1).await, (403, None));
    assert_eq!(send(app, 1).await, (200, Some(app.to_owned())));
    assert_eq!(send(&format!("http://{}", service.address), 2).await, (200, None));
    let ask = service
        .client
        .request(reqwest::Method::OPTIONS, format!("http://{}/events", service.address));
    let ask = ask.header("origin", app).header("access-control-request-method", "POST");
    let ask = ask.header("access-control-request-headers", "content-type").send().await.unwrap();
    assert_eq!(ask.headers()["access-control-allow-headers"], "authorization,content-type");
}

struct Key;

impl Authenticate for Key {
    fn authenticate<'a>(&'a self, request: &'a Parts) -> Authentication<'a> {
        Box::pin(async {
            let key = request.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
            key.map(|key| Identity { user: key.to_owned() }).ok_or_else(|| {
                Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "send your name")
            })
        })
    }

    fn may_dispatch(&self, identity: &Identity, event_type: &str) -> bool {
        identity.user == "ann" || event_type != "listCleared"
    }
}

#[tokio::test]
async fn an_authentication_signs_events_and_refuses_some() {
    let service = run(|service| service.authentication(Key)).await;
    assert_eq!(service.get("/events").await.1["code"], "unauthorized");
    assert_eq!(service.get("/collections/tasks").await.0, 401);
    assert_eq!(service.post("/commands/addTask", &json!({})).await.0, 401);
    assert_eq!(service.get("/health").await.0, 200);
    let send = async |user: &str, event: &TaskEvent| {
        let body = json!(action(event).with_meta("user", "mallory").with_meta("tool", "x"));
        let request = service.client.post(format!("http://{}/events", service.address));
        answer(request.header("authorization", user).json(&body).send().await.unwrap()).await
    };
    let (_, signed) = send("bob", &added(1)).await;
    assert_eq!(signed["events"][0]["meta"], json!({ "tool": "x", "user": "bob" }));
    assert_eq!(send("bob", &ListCleared { list: 1 }).await.1["code"], "forbidden");
    assert_eq!(send("ann", &ListCleared { list: 1 }).await.0, 200);
}

#[tokio::test]
async fn beyond_this_machine_an_authentication_or_leave_is_needed() {
    let all = "0.0.0.0:0".parse().unwrap();
    let service = || async { Service::new(in_memory().await) };
    let refused = service().await.listen(all).await.unwrap_err();
    assert!(matches!(refused, ServeError::AnonymousRefused { .. }), "{refused}");
    assert!(refused.to_string().contains("--allow-anonymous"));
    assert!(service().await.authentication(Key).listen(all).await.is_ok());
    assert!(service().await.allow_anonymous().listen(all).await.is_ok());
}

#[tokio::test]
async fn a_shutdown_answers_what_is_in_flight() {
    let database = Database::sqlite();
    let service = run_on(database.open().await, |service| service).await;
    let mut requests = tokio::task::JoinSet::new();
    for id in 0..20 {
        let (client, address) = (service.client.clone(), service.address);
        requests.spawn(async move {
            let body = json!(action(&added(id)));
            client.post(format!("http://{address}/events")).json(&body).send().await
        });
    }
    let first = requests.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(first.status(), 200);
    service.stop().await;
    let answered = requests.join_all().await;
    let accepted = answered.iter().flatten().filter(|it| it.status() == 200).count() + 1;
    assert!(answered.iter().flatten().all(|it| [200, 503].contains(&it.status().as_u16())));
    let store = database.open().await;
    let recorded = usize::try_from(store.position().await.unwrap()).unwrap();
    assert!(recorded >= accepted, "{recorded} of {accepted} acknowledged events are in the log");
    verify(&store).await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_others_to_end() {
    let options = ServiceOptions { connections_max: 1, ..ServiceOptions::default() };
    let service = run(|service| service.options(options)).await;
    let mut first = TcpStream::connect(service.address).await.unwrap();
    ask(&mut first).await;
    let mut second = TcpStream::connect(service.address).await.unwrap();
    second.write_all(REQUEST).await.unwrap();
    ask(&mut first).await;
    let mut nothing = [0];
    assert!(second.try_read(&mut nothing).is_err(), "the second waits to be accepted");
    drop(first);
    second.read_exact(&mut [0; 12]).await.unwrap();
}

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn ask(connection: &mut TcpStream) {
    connection.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        connection.read_buf(&mut answer).await.unwrap();
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}
