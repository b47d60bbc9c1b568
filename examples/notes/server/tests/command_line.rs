//! The server as its user starts it: options, environment, log.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Output, Stdio};

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

fn server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notes-server"));
    command.arg("serve").env("NO_COLOR", "1").stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a server that is expected to end by itself.
async fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().await.unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn database_and_address_come_from_the_environment_and_each_request_and_dispatch_has_a_span() {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("notes.db");
    let mut process = server()
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .env("LISTEN", "127.0.0.1:0")
        .env("RUST_LOG", "debug,sqlx=off")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut next = async |wanted: &str| loop {
        let line = lines.next_line().await.unwrap().expect(wanted);
        if line.contains(wanted) {
            return line;
        }
    };
    let line = next("notes are at http://").await;
    let (_, address) = line.split_once("http://").unwrap();
    let url = format!("http://{}/api/commands/addNote", address.trim());
    let body = json!({ "payload": { "title": "Milk", "text": "" }, "meta": { "user": "Ann" } });
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(database.exists());
    let recorded = next("recorded").await;
    assert!(recorded.contains("request{method=POST uri=/commands/addNote"), "{recorded}");
    assert!(recorded.contains("dispatch{events=1}"), "{recorded}");
}

#[tokio::test]
async fn a_server_whose_tables_were_rebuilt_says_that_it_is_to_be_started_again() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    let start = ["--listen", "127.0.0.1:0", "--database-url", &url];
    let mut process = server().args(start).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut next = async |wanted: &str| {
        while !lines.next_line().await.unwrap().expect(wanted).contains(wanted) {}
    };
    next("notes are at http://").await;
    let mut rebuild = Command::new(env!("CARGO_BIN_EXE_notes-server"));
    rebuild.args(["rebuild", "--database-url", &url]).stdout(Stdio::null());
    assert!(rebuild.status().await.unwrap().success());
    next("ERROR flux_server::watcher: the tables were rebuilt").await;
}

#[tokio::test]
async fn an_address_beyond_this_machine_is_refused_without_leave() {
    let memory = ["--database-url", "sqlite::memory:"];
    let said = refused(server().args(memory).args(["--listen", "0.0.0.0:0"])).await;
    assert!(said.contains("--allow-anonymous"), "{said}");
}

#[tokio::test]
async fn a_database_that_can_not_be_made_is_told_with_the_cure() {
    let said = refused(server().args(["--database-url", "sqlite:///no/such/notes.db"])).await;
    assert!(said.contains("the folder `/no/such` does not exist: create it"), "{said}");
    let said = refused(server().args(["--database-url", "notes.db"])).await;
    assert!(said.contains("a URL is `sqlite://notes.db`"), "{said}");
}

#[tokio::test]
async fn a_page_that_is_not_there_is_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    let start = async || {
        let mut process = server()
            .args(["--database-url", "sqlite::memory:", "--listen", "127.0.0.1:0", "--web"])
            .arg(folder.path())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains("notes are at http://") {
            said.push_str(&lines.next_line().await.unwrap().expect("it starts"));
        }
        said
    };
    let said = start().await;
    assert!(said.contains("WARN"), "{said}");
    assert!(said.contains(&folder.path().join("index.html").display().to_string()), "{said}");

    std::fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
    let said = start().await;
    assert!(!said.contains("WARN"), "{said}");
}
