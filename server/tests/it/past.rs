//! The past over HTTP: collections as they were, and the history of a document.

use serde_json::{Value, json};

use crate::service::{run, run_on};
use crate::tasks::*;

#[tokio::test]
async fn collections_are_read_as_they_were() {
    let running = run(|service| service).await;
    let first = running.store.dispatch(&added(1)).await.unwrap();
    running.store.dispatch_all(&[added(2), TaskDone { id: 1 }]).await.unwrap();

    let (status, past) = running.get("/collections/tasks?at=1").await;
    assert_eq!((status, &past["position"]), (200, &json!(1)));
    assert_eq!(past["eventId"], json!(first.id));
    assert_eq!(past["documents"].as_array().unwrap().len(), 1);
    assert_eq!(past["documents"][0]["done"], json!(false));

    let (_, one) = running.get("/collections/tasks/1?at=2").await;
    assert_eq!((&one["position"], &one["document"]["done"]), (&json!(2), &json!(false)));
    let (_, now) = running.get("/collections/tasks/1").await;
    assert_eq!(now["document"]["done"], json!(true));

    let (_, all) = running.get("/collections?names=events,tasks&at=2").await;
    assert_eq!(all["collections"]["events"].as_array().unwrap().len(), 2);
    assert_eq!(all["collections"]["tasks"].as_array().unwrap().len(), 2);

    let (_, by_time) = running.get(&format!("/collections/tasks?at={}", first.timestamp)).await;
    assert!(by_time["position"].as_i64().unwrap() >= 1);
    let (_, before) = running.get("/collections/tasks?at=2016-09-26T20:32:46.588Z").await;
    assert_eq!((&before["position"], &before["eventId"]), (&json!(0), &Value::Null));
    running.stop().await;
}

#[tokio::test]
async fn moments_that_are_none_are_told() {
    let running = run(|service| service).await;
    for (at, status, code) in [
        ("yesterday", 400, "invalid_parameter"),
        ("-1", 400, "invalid_parameter"),
        ("7", 409, "position_ahead"),
    ] {
        let (found, problem) = running.get(&format!("/collections/tasks?at={at}")).await;
        assert_eq!((found, problem["code"].as_str().unwrap()), (status, code), "{at}");
    }
    let (status, problem) = running.get("/events?at=0").await;
    assert_eq!((status, &problem["field"]), (400, &json!("at")));
    running.stop().await;
}

#[tokio::test]
async fn the_history_of_a_document_is_told() {
    let store = builder("sqlite::memory:").keep_history().open().await.unwrap();
    let running = run_on(store, |service| service).await;
    let ann = action(&TaskDone { id: 1 }).with_meta("user", "ann");
    running.store.dispatch_all(&[action(&added(1)), ann]).await.unwrap();
    let (status, history) = running.get("/history/tasks/1").await;
    assert_eq!(status, 200);
    let changes = history["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[0]["before"]), (2, &Value::Null));
    assert_eq!(changes[1]["event"]["meta"]["user"], json!("ann"));
    assert_eq!(changes[1]["before"]["done"], json!(false));
    assert_eq!(changes[1]["after"]["done"], json!(true));

    let (_, page) = running.get("/history/tasks/1?before=2&limit=1").await;
    assert_eq!(page["changes"], json!([changes[0]]));
    let (status, problem) = running.get("/history/tasks/1?limit=10001").await;
    assert_eq!((status, &problem["field"]), (400, &json!("limit")));

    assert_eq!(
        running.get("/history/tasks/2").await.1,
        json!({ "changes": [], "hasEarlier": false })
    );
    assert_eq!(running.get("/history/tasks/x").await.1["code"], json!("invalid_id"));
    assert_eq!(running.get("/history/none/1").await.1["code"], json!("unknown_collection"));
    running.stop().await;
}

#[tokio::test]
async fn a_history_of_many_bytes_is_answered_in_parts() {
    let store = builder("sqlite::memory:").keep_history().open().await.unwrap();
    let running = run_on(store, |service| service).await;
    running.store.dispatch(&added(1)).await.unwrap();
    let remark = "x".repeat(500_000);
    for edit in 0..40 {
        let renamed = action(&TaskRenamed { id: 1, title: edit.to_string() });
        running.store.dispatch(&renamed.with_meta("remark", remark.as_str())).await.unwrap();
    }
    let (mut before, mut answers, mut found) = (42, 0, Vec::new());
    let mut has_earlier = true;
    while has_earlier {
        let path = format!("/history/tasks/1?limit=1000&before={before}");
        let (status, history) = running.get(&path).await;
        assert_eq!(status, 200);
        let changes = history["changes"].as_array().unwrap();
        let positions = changes.iter().map(|it| it["event"]["position"].as_i64().unwrap());
        found.splice(0..0, positions);
        (before, answers) = (found[0], answers + 1);
        has_earlier = history["hasEarlier"].as_bool().unwrap();
    }
    assert_eq!(found, (1..=41).collect::<Vec<_>>());
    assert_eq!(answers, 2);
    running.stop().await;
}

#[tokio::test]
async fn a_store_without_a_history_says_so() {
    let running = run(|service| service).await;
    let (status, problem) = running.get("/history/tasks/1").await;
    assert_eq!((status, &problem["code"]), (404, &json!("history_not_kept")));
    running.stop().await;
}

#[tokio::test]
async fn a_snapshot_of_a_database_in_memory_keeps_nobody_waiting() {
    let store = builder("sqlite::memory:").open().await.unwrap();
    for first in 0..8 {
        let title = |id: i64| format!("{id} {}", "x".repeat(300));
        let tasks: Vec<_> = (first * 500..(first + 1) * 500)
            .map(|id| TaskAdded { id, title: title(id), list: None })
            .collect();
        store.dispatch_all(&tasks).await.unwrap();
    }
    let next = added(9_000);
    let (taken, dispatched) = tokio::join!(store.take_snapshot(), store.dispatch(&next));
    assert!(taken.unwrap() >= 4_000);
    dispatched.unwrap();
    assert!(store.verify().await.unwrap().is_sound());
}
