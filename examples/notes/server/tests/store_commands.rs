//! The subcommands on the store: what people type, and what programs read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use flux_server::Store;
use flux_server::reducers::{Action, Event as _, Timestamp, Uuid, lift};
use notes_reducers::NoteEvent::{self, NoteAdded, NoteRemoved, NoteTitleEdited};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;

struct Notes {
    folder: TempDir,
}

impl Notes {
    /// A database with three notes, of which one is removed.
    async fn new() -> Self {
        let notes = Self { folder: TempDir::new().unwrap() };
        let builder = Store::builder(lift(notes_reducers::notes), notes.url("notes.db"));
        let store = builder.keep_history().open().await.unwrap();
        for number in 1..=3 {
            store.dispatch(&action(&added(number))).await.unwrap();
        }
        let edited = NoteTitleEdited { id: id(1), title: "edited".into() };
        store.dispatch(&action(&edited).with_meta("user", "ann")).await.unwrap();
        store.dispatch(&action(&NoteRemoved { id: id(2) })).await.unwrap();
        store.close().await;
        notes
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.path(name).display())
    }

    /// Writes past the store.
    async fn meddle(&self, sql: &'static str) {
        let mut connection = sqlx::SqliteConnection::connect(&self.url("notes.db")).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run_on(&self.url("notes.db"), arguments)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        command_on(&self.url("notes.db"), arguments)
    }

    /// What a command writes with `--json`, line by line.
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{output:?}");
        lines(&output)
    }
}

fn run_on(url: &str, arguments: &[&str]) -> Output {
    command_on(url, arguments).output().unwrap()
}

fn command_on(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notes-server"));
    command.args(arguments).env("DATABASE_URL", url).env("NO_COLOR", "1").env("RUST_LOG", "warn");
    command.stdin(Stdio::null());
    command
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn added(number: u128) -> NoteEvent {
    let created_at = Timestamp::from_milliseconds(0).unwrap();
    NoteAdded { id: id(number), title: format!("note {number}"), text: String::new(), created_at }
}

fn action(event: &NoteEvent) -> Action {
    event.to_action().unwrap()
}

#[tokio::test]
async fn the_log_is_shown_and_filtered() {
    let notes = Notes::new().await;
    let all = notes.json(&["log"]);
    assert_eq!(all.iter().map(|it| &it["position"]).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(notes.json(&["log", "--after", "2", "--type", "noteAdded"]).len(), 1);
    assert_eq!(notes.json(&["log", "--limit", "2"]).len(), 2);
    let people = String::from_utf8(notes.run(&["log"]).stdout).unwrap();
    assert!(people.contains("noteTitleEdited") && people.contains(r#"{"user":"ann"}"#), "{people}");
    let beyond = notes.run(&["log", "--after", "9"]);
    assert_eq!(beyond.status.code(), Some(1));
}

#[tokio::test]
async fn who_has_read_enough_of_the_log_is_told_no_error() {
    let notes = Notes::new().await;
    let mut command = notes.command(&["log"]);
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // As `head` does.
    drop(running.stdout.take());
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[tokio::test]
async fn a_log_that_is_followed_tells_of_each_event_to_come() {
    let notes = Notes::new().await;
    let mut command = notes.command(&["log", "--after", "4", "--follow", "--json"]);
    let mut following = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&told.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["position"], 5);
    let builder = Store::builder(lift(notes_reducers::notes), notes.url("notes.db"));
    let store = builder.open().await.unwrap();
    for position in 6..9 {
        store.dispatch(&action(&added(position))).await.unwrap();
        assert_eq!(next()["position"], json!(position as u64));
    }
    following.kill().unwrap();
    following.wait().unwrap();
}

#[tokio::test]
async fn a_note_has_its_history_and_every_moment_its_notes() {
    let notes = Notes::new().await;
    let first = id(1).to_string();
    let changes = notes.json(&["history", "notes", &first]);
    assert_eq!(changes.len(), 2);
    let created = notes.json(&["history", "notes", &first, "--before", "4", "--limit", "5"]);
    assert_eq!(created, changes[..1]);
    assert_eq!(changes[1]["before"]["title"], "note 1");
    assert_eq!(changes[1]["after"]["title"], "edited");
    assert_eq!(changes[1]["event"]["meta"]["user"], "ann");

    assert_eq!(notes.json(&["at", "2", "notes"]).len(), 2);
    assert_eq!(notes.json(&["at", "5", "notes"])[0]["title"], "edited");
    let place = notes.run(&["at", "5", "notes", "--json"]).stderr;
    assert_eq!(serde_json::from_slice::<Value>(&place).unwrap(), json!({ "position": 5 }));
    let filter = r#"{"startsWith":["title","note"]}"#;
    assert_eq!(notes.json(&["at", "3", "notes", "--filter", filter, "--limit", "2"]).len(), 2);
    assert!(notes.json(&["at", "2016-09-26T20:32:46.588Z", "notes"]).is_empty());
    let wrong = notes.run(&["at", "yesterday", "notes"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("expected a position, or a time"));
}

#[cfg(unix)]
#[tokio::test]
async fn an_export_writes_through_links_and_pipes() {
    let notes = Notes::new().await;
    let exported = notes.run(&["export"]).stdout;
    let (target, link) = (notes.path("target.jsonl"), notes.path("link.jsonl"));
    std::fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(notes.run(&["export", "--file", link.to_str().unwrap()]).status.success());
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read(&target).unwrap(), exported);

    let piped = notes.run(&["export", "--file", "/dev/stdout"]);
    assert_eq!(piped.stdout, exported, "{piped:?}");
    let folder = notes.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let refused = notes.run(&["export", "--file", folder.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!notes.path("folder.part").exists());
}

#[tokio::test]
async fn what_is_shown_to_people_has_no_control_characters() {
    let notes = Notes::new().await;
    let builder = Store::builder(lift(notes_reducers::notes), notes.url("notes.db"));
    let store = builder.keep_history().open().await.unwrap();
    let event = Action::new("a\u{1b}[31m\nline\u{9b}").with_payload("\u{9b}31m");
    store.dispatch(&event).await.unwrap();
    store.close().await;
    let shown = String::from_utf8(notes.run(&["log", "--after", "5"]).stdout).unwrap();
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.lines().all(|line| !line.contains(char::is_control)), "{shown}");
}

#[tokio::test]
async fn a_long_history_is_told_from_the_first_change_on() {
    let notes = Notes::new().await;
    let builder = Store::builder(lift(notes_reducers::notes), notes.url("notes.db"));
    let store = builder.keep_history().open().await.unwrap();
    let edited = (6..=300).map(|edit| NoteTitleEdited { id: id(1), title: edit.to_string() });
    store.dispatch_all(&edited.collect::<Vec<_>>()).await.unwrap();
    store.close().await;
    let told = |arguments: &[&str]| -> Vec<i64> {
        let first = id(1).to_string();
        let changes = notes.json(&[&["history", "notes", &first], arguments].concat());
        for two in changes.windows(2) {
            assert_eq!(two[0]["after"], two[1]["before"]);
        }
        changes.iter().map(|change| change["event"]["position"].as_i64().unwrap()).collect()
    };
    let all: Vec<i64> = [1, 4].into_iter().chain(6..=300).collect();
    assert_eq!(told(&[]), all);
    assert!(told(&["--limit", "0"]).is_empty());
    assert_eq!(told(&["--limit", "200"]), all[97..]);
    assert_eq!(told(&["--before", "206"]), all[..202]);
    assert_eq!(told(&["--before", "206", "--limit", "201"]), all[1..202]);
    assert_eq!(told(&["--before", "9000", "--limit", "297"]), all);
}

#[test]
fn a_mistyped_path_is_no_empty_store() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nots.db");
    let url = format!("sqlite://{}", path.display());
    let escaped = url.replace("nots", "no%20ts");
    assert!(String::from_utf8(run_on(&escaped, &["log"]).stderr).unwrap().contains("no ts.db"));
    assert!(!folder.path().join("no ts.db").exists());
    for arguments in [&["log"][..], &["verify"], &["export"], &["rebuild"], &["at", "0", "notes"]] {
        let refused = run_on(&url, arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8(refused.stderr).unwrap().contains("there is no file"));
        assert!(!path.exists(), "{arguments:?} makes none");
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_a_rebuild_would_change() {
    let notes = Notes::new().await;
    let sound = notes.json(&["rebuild", "--dry-run"]);
    assert_eq!(sound[0]["collection"], "notes");
    assert_eq!((&sound[0]["documents"], &sound[0]["changed"]), (&json!(2), &json!(0)));

    let edit = "UPDATE notes SET title = 'by hand' WHERE title = 'note 3'";
    notes.meddle(edit).await;
    let differs = notes.run(&["rebuild", "--dry-run", "--json"]);
    assert_eq!(differs.status.code(), Some(3));
    let told = lines(&differs);
    assert_eq!(told[0]["before"]["title"], "by hand");
    assert_eq!(told[0]["after"]["title"], "note 3");
    assert_eq!((&told[1]["changed"], &told[1]["fields"]), (&json!(1), &json!([])));
    let people = String::from_utf8(notes.run(&["rebuild", "--dry-run"]).stdout).unwrap();
    assert!(people.contains("notes: of 2 documents 1 change, 0 go, 0 come"), "{people}");
    // Nothing is changed by it, and it comes to the same where nobody reads it to its end.
    for arguments in [&["verify"][..], &["rebuild", "--dry-run"]] {
        let mut command = notes.command(arguments);
        let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        assert_eq!(running.wait().unwrap().code(), Some(3));
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_found_and_mended_by_a_rebuild() {
    let notes = Notes::new().await;
    let taken = notes.json(&["snapshot"]);
    assert_eq!((&taken[0]["position"], &taken[0]["documents"]), (&json!(5), &json!(2)));
    assert_eq!(notes.json(&["snapshot", "--list"]).len(), 1);
    let sound = notes.json(&["verify"]);
    assert_eq!((&sound[0]["differences"], &sound[0]["snapshots"]), (&json!(0), &json!(1)));

    let meddle = "UPDATE notes SET title = 'other' WHERE title = 'edited'";
    notes.meddle(meddle).await;
    let found = notes.run(&["verify", "--json"]);
    assert_eq!(found.status.code(), Some(3));
    let difference = &lines(&found)[0];
    assert_eq!(difference["compared"], "documents");
    assert_eq!(difference["expected"]["title"], "edited");
    assert_eq!(difference["found"]["title"], "other");
    let people = String::from_utf8(notes.run(&["verify"]).stdout).unwrap();
    assert!(people.contains("`rebuild` writes documents"), "{people}");
    assert!(!people.contains("--remove"), "the snapshot is sound: {people}");

    let people = String::from_utf8(notes.run(&["rebuild"]).stdout).unwrap();
    assert!(people.contains("rebuilt from 5 events"), "{people}");
    assert!(people.contains("start them again"), "{people}");
    assert_eq!(notes.run(&["verify"]).status.code(), Some(0));
    let refused = notes.run(&["rebuild"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--drop-unused"));
    for is_kept in [true, false] {
        assert_eq!(notes.json(&["rebuild", "--drop-unused"])[0]["dropped"], is_kept);
    }
    assert_eq!(notes.json(&["rebuild", "--drop-previous"])[0]["position"], 5);
    assert_eq!(notes.json(&["rebuild", "--drop-unused"])[0]["dropped"], false);
    assert_eq!(notes.json(&["history", "notes", &id(2).to_string()]).len(), 2);
}

#[tokio::test]
async fn more_differences_than_are_shown_are_counted() {
    let notes = Notes::new().await;
    let many = "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM \
                numbers WHERE number < 130) INSERT INTO notes SELECT randomblob(16), title, text, \
                createdAt FROM notes, numbers WHERE title = 'edited'";
    notes.meddle(many).await;
    for arguments in [&["verify"][..], &["rebuild", "--dry-run"]] {
        let people = String::from_utf8(notes.run(arguments).stdout).unwrap();
        assert!(people.contains("\nand 30 more\n"), "{people}");
    }
}

#[tokio::test]
async fn documents_that_cannot_be_read_are_a_difference_that_a_rebuild_mends() {
    let notes = Notes::new().await;
    notes.run(&["snapshot"]);
    notes.meddle("UPDATE notes SET id = x'07' WHERE title = 'edited'").await;
    let found = notes.run(&["verify", "--json"]);
    assert_eq!(found.status.code(), Some(3), "{found:?}");
    let [broken, all] = &lines(&found)[..] else { panic!("{found:?}") };
    assert_eq!((&broken["compared"], &broken["position"]), (&json!("documents"), &json!(5)));
    assert!(broken["broken"].as_str().unwrap().contains("notes"), "{broken}");
    assert_eq!((&all["snapshots"], &all["broken"]), (&json!(1), &json!(1)));
    let people = String::from_utf8(notes.run(&["verify"]).stdout).unwrap();
    assert!(people.contains("`rebuild` writes documents"), "{people}");
    assert!(!people.contains("--remove"), "the snapshot is sound: {people}");
    assert!(notes.run(&["rebuild"]).status.success());
    assert_eq!(notes.run(&["verify"]).status.code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_exported_again_stays_as_private_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let notes = Notes::new().await;
    let file = notes.path("log.jsonl");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(notes.run(&["export", "--file", file.to_str().unwrap()]).status.success());
    let written = std::fs::metadata(&file).unwrap();
    assert!(written.len() > 0);
    assert_eq!(written.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_by_every_command() {
    let notes = Notes::new().await;
    let broken = "UPDATE events SET payload = '{bad' WHERE position = 4";
    notes.meddle(broken).await;
    for arguments in [
        &["log"][..],
        &["export"],
        &["at", "4", "notes"],
        &["verify"],
        &["rebuild"],
        &["rebuild", "--dry-run"],
        &["snapshot", "--every", "1"],
    ] {
        let told = notes.run(arguments);
        assert_eq!(told.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8(told.stderr).unwrap();
        assert!(told.contains("position 4"), "{arguments:?}: {told}");
        assert!(told.contains("restore it from a backup"), "{arguments:?}: {told}");
    }
    assert_eq!(lines(&notes.run(&["export"])).len(), 3, "those before it are told");
}

#[tokio::test]
async fn an_exported_log_is_imported_as_it_was() {
    let notes = Notes::new().await;
    let file = notes.path("log.jsonl");
    let file = file.to_str().unwrap();
    assert!(notes.run(&["export", "--file", file]).status.success());
    let copy = notes.url("copy.db");
    let imported = run_on(&copy, &["import", "--file", file, "--json"]);
    assert_eq!(lines(&imported), [json!({ "events": 5, "position": 5 })], "{imported:?}");
    let again = run_on(&copy, &["export"]);
    assert_eq!(again.stdout, std::fs::read(file).unwrap());
    assert_eq!(run_on(&copy, &["verify"]).status.code(), Some(0));

    // It goes on where the log ends.
    let twice = run_on(&copy, &["import", "--file", file, "--json"]);
    assert_eq!(lines(&twice), [json!({ "events": 0, "position": 5 })], "{twice:?}");
    for (wrong, told) in [
        (&b"{\"position\": 6}\n"[..], "line 1 of the log: missing field"),
        (
            b"{\"position\": 6, \"position\": 7}\n",
            "line 1 of the log: the name `position` is given twice",
        ),
        (b"\n{\"position\": 6", "line 2 of the log: EOF while parsing an object at column 14"),
        (b"\n\n\xff\xfe\n", "wrong.jsonl, line 3: stream did not contain valid UTF-8"),
    ] {
        let file = notes.path("wrong.jsonl");
        std::fs::write(&file, wrong).unwrap();
        let refused = run_on(&copy, &["import", "--file", file.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1));
        let reason = String::from_utf8(refused.stderr).unwrap();
        assert!(reason.contains(told), "{reason}");
    }
    assert_eq!(run_on(&copy, &["export"]).stdout, again.stdout);
}

#[tokio::test]
async fn an_import_tells_who_else_writes() {
    let notes = Notes::new().await;
    let lift = || lift(notes_reducers::notes);
    let store = Store::open(lift(), notes.url("from.db")).await.unwrap();
    store.dispatch_all(&(1..=600).map(added).collect::<Vec<_>>()).await.unwrap();
    store.close().await;
    let log = run_on(&notes.url("from.db"), &["export"]).stdout;
    let lines: Vec<_> = log.split_inclusive(|byte| *byte == b'\n').collect();

    // Somebody's own event, and that of another import of the same log.
    let same: Action = serde_json::from_slice(lines[500]).unwrap();
    for (name, other) in [("to.db", action(&added(1000))), ("twice.db", same)] {
        let builder = Store::builder(lift(), notes.url(name)).keep_history();
        let store = builder.open().await.unwrap();
        let mut recorded = store.subscribe().unwrap();
        let mut command = command_on(&notes.url(name), &["import"]);
        let mut importing = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = importing.stdin.take().unwrap();
        input.write_all(&lines[..500].concat()).unwrap();
        while recorded.position() < 500 {
            recorded.next().await.unwrap();
        }
        store.dispatch(&other).await.unwrap();
        input.write_all(&lines[500..].concat()).unwrap();
        drop(input);
        let ended = importing.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(told.contains("line 501 of the log: something else has recorded"), "{told}");
        assert!(told.contains("The log ends at 501 now"), "{told}");
        assert_eq!(store.position().await.unwrap(), 501);
    }
}
