//! The inspector's routes: a page that loads nothing of others, and what only it asks for.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use flux_server::reducers::{Action, Timestamp};
use flux_server::{Authenticate, Authentication, Identity, Problem, Service};
use reqwest::redirect::Policy;
use serde_json::json;

use crate::databases::Database;
use crate::service::{Running, answer, run, run_on};
use crate::tasks::*;

const ROUTES: [&str; 8] = [
    "/inspector",
    "/inspector/",
    "/inspector/main.js",
    "/inspector/none.js",
    "/inspector/changed?position=1",
    "/inspector/collections",
    "/inspector/generations",
    "/inspector/rate",
];

async fn open() -> Running {
    run(Service::inspector).await
}

/// The files that the page is made of, by name.
fn files() -> BTreeMap<String, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/inspector");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    all.filter(|(name, _)| !name.ends_with(".json")).collect()
}

#[tokio::test]
async fn there_is_none_unless_it_is_asked_for() {
    let running = run(|service| service).await;
    for route in ROUTES {
        let (status, problem) = running.get(route).await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{route}");
    }
    running.stop().await;
}

#[tokio::test]
async fn the_page_and_all_its_files_are_served_and_load_only_each_other() {
    let running = open().await;
    let files = files();
    for (name, text) in &files {
        let path = if name == "page.html" { "inspector" } else { &format!("inspector/{name}") };
        let response = reqwest::get(format!("http://{}/{path}", running.address)).await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        let header = |name: header::HeaderName| response.headers()[name].to_str().unwrap();
        let kind = match name.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(header(header::CONTENT_TYPE), kind);
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        let policy = header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(response.text().await.unwrap() == *text, "{name} is another one");
        // The addresses are relative, so that it can be mounted anywhere.
        let quoted = text.split('"').skip(1).step_by(2);
        let named = quoted.filter_map(|it| it.strip_prefix("./").or(it.strip_prefix("inspector/")));
        for named in named.filter(|it| it.contains('.')) {
            assert!(files.contains_key(named), "{name} names {named}");
        }
        assert!(!text.replace("http://www.w3.org", "").contains("//www."), "{name}");
    }
    running.stop().await;
}

#[tokio::test]
async fn with_a_slash_at_its_end_it_is_the_same_page_also_below_a_prefix() {
    let running = run(|service| {
        service.inspector().mount(|api| axum::Router::new().nest("/tools/notes", api))
    })
    .await;
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let url = format!("http://{}/tools/notes/inspector/", running.address);
    let response = client.get(&url).send().await.unwrap();
    assert_eq!(response.headers()[header::LOCATION], "../inspector");
    let followed = reqwest::get(&url).await.unwrap();
    assert_eq!(followed.url().path(), "/tools/notes/inspector");
    assert_eq!(followed.status(), 200);
    running.stop().await;
}

/// Takes a name and a password as browsers send them, or a cookie.
struct Browser;

impl Authenticate for Browser {
    fn authenticate<'a>(&'a self, request: &'a Parts) -> Authentication<'a> {
        Box::pin(async {
            let given = |name| request.headers.get(name).and_then(|it| it.to_str().ok());
            let is_known = given(header::AUTHORIZATION) == Some("Basic YW5uOnNlY3JldA==")
                || given(header::COOKIE) == Some("session=ann");
            if is_known {
                return Ok(Identity { user: "ann".to_owned() });
            }
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first");
            Err(problem.with_challenge("Basic realm=\"tasks\""))
        })
    }
}

#[tokio::test]
async fn it_is_behind_the_authentication() {
    let running = run(|service| service.inspector().authentication(Browser)).await;
    let client = reqwest::Client::new();
    for route in ROUTES {
        let url = format!("http://{}{route}", running.address);
        let refused = client.get(&url).send().await.unwrap();
        assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Basic realm=\"tasks\"");
        assert_eq!(answer(refused).await.0, 401, "{route}");
        // There is no such file, and this store keeps no history.
        let is_missing = route.contains("none") || route.contains("changed");
        let expected = if is_missing { 404 } else { 200 };
        let with_cookie = client.get(&url).header("cookie", "session=ann").send().await.unwrap();
        assert_eq!(with_cookie.status(), expected, "{route}");
        let with_password =
            client.get(&url).basic_auth("ann", Some("secret")).send().await.unwrap();
        assert_eq!(with_password.status(), expected, "{route}");
    }
    running.stop().await;
}

#[tokio::test]
async fn the_collections_are_told_with_their_fields() {
    let running = open().await;
    let (status, told) = running.get("/inspector/collections").await;
    assert_eq!(status, 200);
    let collections = told["collections"].as_array().unwrap();
    let names: Vec<_> = collections.iter().map(|it| it["collection"].as_str().unwrap()).collect();
    assert_eq!(names, ["tasks", "events"]);
    assert_eq!(collections[0]["id"], json!(0));
    let title = json!({ "name": "title", "kind": "text", "nullable": false, "unique": true, "index": false });
    assert_eq!(collections[0]["fields"][1], title);
    running.stop().await;
}

#[tokio::test]
async fn the_documents_are_told_that_an_event_has_changed() {
    let store = builder("sqlite::memory:").keep_history().open().await.unwrap();
    let running = run_on(store, Service::inspector).await;
    running.store.dispatch_all(&[added(1), added(2), added(4)]).await.unwrap();
    running.store.dispatch(&ListCleared { list: 1 }).await.unwrap();
    let changed = async |position: &str| {
        let (_, told) = running.get(&format!("/inspector/changed?position={position}")).await;
        told.get("documents").cloned().unwrap_or_else(|| told["code"].clone())
    };
    let task = |id: i64| json!({ "collection": "tasks", "id": id });
    assert_eq!(changed("2").await, json!([task(2)]));
    assert_eq!(changed("4").await, json!([task(1), task(4)]));
    assert_eq!(changed("5").await, json!([]));
    assert_eq!(changed("").await, json!("invalid_parameter"));
    running.stop().await;
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_474_000_000_000 + milliseconds).unwrap()
}

#[tokio::test]
async fn the_rate_is_how_many_events_there_were_in_each_part_of_a_time() {
    for database in [Database::sqlite(), Database::postgres(), Database::mysql()] {
        the_rate_is_that_of_each_part(run_on(database.open().await, Service::inspector).await)
            .await;
    }
}

async fn the_rate_is_that_of_each_part(running: Running) {
    // Bursts, silences, and events of the same millisecond.
    let times: Vec<i64> = (0..300).map(|event| (event / 7) * (event % 5) / 3 + event * 2).collect();
    let mut sorted = times.clone();
    sorted.sort_unstable();
    let actions =
        sorted.iter().map(|time| Action { timestamp: Some(at(*time)), ..Action::new("x") });
    running.store.dispatch_all(&actions.collect::<Vec<_>>()).await.unwrap();
    let before = |time: i64| sorted.iter().filter(|it| **it < time).count();

    for (from, to, parts) in [(0, 700, 7), (-50, 900, 19), (5, 6, 1), (100, 103, 3), (300, 200, 4)]
    {
        let query = format!("from={}&to={}&parts={parts}", at(from), at(to));
        let (status, rate) = running.get(&format!("/inspector/rate?{query}")).await;
        let length = (to - from).max(0);
        let expected: Vec<_> =
            (0..=parts).map(|part| before(from + length * part / parts)).collect();
        assert_eq!((status, &rate["positions"]), (200, &json!(expected)), "{query}");
    }

    let (_, all) = running.get("/inspector/rate").await;
    let positions = all["positions"].as_array().unwrap();
    assert_eq!((positions.len(), &positions[0], &positions[60]), (61, &json!(0), &json!(300)));
    let (first, last) = (sorted[0], sorted[299]);
    assert_eq!((&all["from"], &all["to"]), (&json!(at(first)), &json!(at(last + 1))));
    let (_, until_now) = running.get(&format!("/inspector/rate?from={}&parts=1", at(last))).await;
    assert_eq!(until_now["positions"], json!([before(last), 300]));
    assert!(until_now["to"].as_str() > all["to"].as_str());
    running.stop().await;
}

#[tokio::test]
async fn a_rate_that_is_none_is_refused_and_one_of_nothing_is_nothing() {
    let running = open().await;
    let (_, none) = running.get("/inspector/rate?parts=2").await;
    assert_eq!(none["positions"], json!([0, 0, 0]));
    for query in ["parts=0", "parts=501", "parts=x", "from=yesterday", "until=now"] {
        let (status, problem) = running.get(&format!("/inspector/rate?{query}")).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_parameter")), "{query}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_another_process_is_told_while_it_runs_and_when_it_is_done() {
    let database = Database::sqlite();
    let running = run_on(database.open().await, Service::inspector).await;
    running.store.dispatch_all(&(0..300).map(added).collect::<Vec<_>>()).await.unwrap();
    let (_, before) = running.get("/inspector/generations").await;
    assert_eq!((&before["position"], &before["served"]), (&json!(300), &json!(0)));
    assert_eq!(before["generations"].as_array().unwrap().len(), 1);
    assert_eq!(before["generations"][0]["state"], json!("live"));

    let (asleep, sleeps) = std::sync::mpsc::channel();
    let (wake, awake) = std::sync::mpsc::channel::<()>();
    let builder = database.builder(reducer().with_version(2));
    let rebuild = tokio::spawn(async move {
        let rebuilt = builder.rebuild(move |progress| {
            if asleep.send(progress.position).is_ok() {
                tokio::task::block_in_place(|| awake.recv().ok());
            }
        });
        rebuilt.await.unwrap().close().await;
    });
    let reached = tokio::task::spawn_blocking(move || sleeps.recv()).await.unwrap().unwrap();
    let (_, during) = running.get("/inspector/generations").await;
    let building = &during["generations"][1];
    assert_eq!((&building["state"], &building["version"]), (&json!("building"), &json!(2)));
    assert_eq!(building["position"], json!(reached));
    assert!(building["silentMs"].as_i64().is_some());

    drop(wake);
    rebuild.await.unwrap();
    let (_, after) = running.get("/inspector/generations").await;
    let states = after["generations"].as_array().unwrap().iter().map(|it| it["state"].as_str());
    assert_eq!(states.collect::<Vec<_>>(), [Some("kept"), Some("live")]);
    assert_eq!((&after["served"], &after["generations"][1]["id"]), (&json!(0), &json!(1)));
    running.stop().await;
}
