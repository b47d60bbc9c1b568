//! The commands, on a database of a store that others serve.

use clap::Parser;
use flux_server::command_line::{Command, CommandError, Outcome};
use flux_server::reducers::{Action, Rejection};
use flux_server::{Dispatch, DispatchService, Error, OnChange, StoreBuilder};
use tower::ServiceExt as _;
use tower::layer::layer_fn;

use crate::databases::Database;
use crate::tasks::*;

#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// Runs a command on a database.
async fn run(
    database: &Database,
    builder: impl FnOnce(StoreBuilder) -> StoreBuilder,
    version: u32,
    arguments: &[&str],
) -> Result<Outcome, CommandError> {
    let url = ["--database-url", database.url()];
    let arguments = ["tasks"].into_iter().chain(arguments.iter().copied()).chain(url);
    let command = CommandLine::parse_from(arguments).command;
    command.run(|_| builder(database.builder(reducer().with_version(version)))).await
}

fn plain(builder: StoreBuilder) -> StoreBuilder {
    builder
}

#[tokio::test]
async fn a_command_of_newer_reducers_begins_no_rebuild() {
    let database = Database::sqlite();
    let store = database.open().await;
    let rebuilding = |builder: StoreBuilder| builder.on_change(OnChange::Rebuild);
    let refused = run(&database, rebuilding, 2, &["verify"]).await.unwrap_err();
    assert!(matches!(refused, CommandError::Store(Error::VersionChanged { .. })), "{refused}");
    store.dispatch(&added(1)).await.unwrap();
}

#[tokio::test]
async fn an_older_program_rebuilds_only_when_told() {
    let database = Database::sqlite();
    database.open().await.dispatch(&added(1)).await.unwrap();
    run(&database, plain, 2, &["rebuild"]).await.unwrap();
    let refused = run(&database, plain, 1, &["rebuild", "--drop-previous"]).await.unwrap_err();
    assert!(refused.to_string().contains("--downgrade"), "{refused}");
    let told = ["rebuild", "--drop-previous", "--downgrade"];
    assert_eq!(run(&database, plain, 1, &told).await.unwrap(), Outcome::Done);
    assert_eq!(run(&database, plain, 1, &["verify"]).await.unwrap(), Outcome::Done);
}

#[tokio::test]
async fn the_log_is_read_whatever_reducers_made_the_tables() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    for arguments in [&["log"][..], &["export", "--file", file.to_str().unwrap()]] {
        assert_eq!(run(&database, plain, 2, arguments).await.unwrap(), Outcome::Done);
    }
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 1);
    store.dispatch(&added(2)).await.unwrap();
}

#[tokio::test]
async fn of_two_exports_to_one_file_the_second_is_refused() {
    let database = Database::sqlite();
    database.open().await.dispatch(&added(1)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    let first = std::fs::File::create(file.with_extension("jsonl.part")).unwrap();
    first.lock().unwrap();
    let arguments = ["export", "--file", file.to_str().unwrap()];
    let refused = run(&database, plain, 0, &arguments).await.unwrap_err().to_string();
    assert!(refused.contains("log.jsonl.part") && !file.exists(), "{refused}");
    drop(first);
    run(&database, plain, 0, &arguments).await.unwrap();
    assert!(file.exists());
}

#[tokio::test]
async fn a_rebuild_that_can_not_lock_names_the_file() {
    let database = Database::sqlite();
    database.open().await.dispatch(&added(1)).await.unwrap();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    std::fs::create_dir(format!("{path}-{}", database.table("flux_rebuild"))).unwrap();
    let refused = run(&database, plain, 1, &["rebuild"]).await.unwrap_err().to_string();
    assert!(refused.contains("test.db-"), "{refused}");
}

/// The lines of a log that has so many tasks.
async fn exported(tasks: i64) -> Vec<String> {
    let database = Database::sqlite();
    let store = database.open().await;
    store.dispatch_all(&(0..tasks).map(added).collect::<Vec<_>>()).await.unwrap();
    store.close().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    run(&database, plain, 0, &["export", "--file", file.to_str().unwrap()]).await.unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Imports lines; returns why that ended.
async fn import(
    database: &Database,
    builder: impl FnOnce(StoreBuilder) -> StoreBuilder,
    lines: &[String],
) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let imported = run(database, builder, 0, &["import", "--file", file.to_str().unwrap()]).await;
    imported.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_import_that_ended_midway_goes_on() {
    let lines = exported(700).await;
    let database = Database::sqlite();
    let mut broken = lines[..650].to_vec();
    broken.push("{".to_owned());
    let error = import(&database, plain, &broken).await.unwrap_err();
    assert!(error.starts_with("line 651 of the log: EOF"), "{error}");
    let mut ended = lines.clone();
    ended.push(String::new());
    ended[0].insert(0, '\u{feff}');
    import(&database, plain, &ended).await.unwrap();
    let store = database.open().await;
    assert_eq!(store.position().await.unwrap(), 700);
    verify(&store).await;
    store.close().await;

    let error = import(&database, plain, &exported(3).await).await.unwrap_err();
    assert!(
        error.contains("line 1 of the log: the log has another event at position 1"),
        "{error}"
    );
}

#[tokio::test]
async fn lines_that_would_be_recorded_otherwise_are_not_recorded() {
    let mut lines = exported(5).await;
    let mut event: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    event["timestamp"] = "2000-01-01T00:00:00.000Z".into();
    lines[3] = event.to_string();
    let database = Database::sqlite();
    let error = import(&database, plain, &lines).await.unwrap_err();
    assert!(error.starts_with("line 4 of the log: its time is 2000-"), "{error}");
    assert_eq!(database.open().await.position().await.unwrap(), 0);
}

#[tokio::test]
async fn an_id_that_comes_twice_is_told_before_anything_beside_it_is_recorded() {
    for (repeated, recorded) in [(3, 0), (600, 500)] {
        let mut lines = exported(700).await;
        let event = |line: usize| serde_json::from_str::<serde_json::Value>(&lines[line]).unwrap();
        let (of, mut into) = (event(0), event(repeated));
        into["id"] = of["id"].clone();
        lines[repeated] = into.to_string();
        let database = Database::sqlite();
        let error = import(&database, plain, &lines).await.unwrap_err();
        let told = format!("line {} of the log: it has the id of the event at", repeated + 1);
        let midway = ". The log ends at 500 now: an import of the whole goes on there";
        assert_eq!(error, told + " position 1" + if recorded > 0 { midway } else { "" });
        assert_eq!(database.open().await.position().await.unwrap(), recorded);
    }
}

#[tokio::test]
async fn snapshots_of_the_past_are_taken_by_the_command() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.dispatch_all(&(0..25).map(added).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(
        run(&database, plain, 0, &["snapshot", "--every", "10"]).await.unwrap(),
        Outcome::Done
    );
    let taken = store.snapshots().await.unwrap();
    assert_eq!(taken.iter().map(|it| it.position).collect::<Vec<_>>(), [10, 20, 25]);
    assert!(store.verify().await.unwrap().is_sound());
    run(&database, plain, 0, &["snapshot", "--remove", "20"]).await.unwrap();
    assert_eq!(store.snapshots().await.unwrap().len(), 2);
    let refused = run(&database, plain, 0, &["snapshot", "--remove", "20"]).await.unwrap_err();
    assert!(refused.to_string().contains("no snapshot of position 20"), "{refused}");
}

#[tokio::test]
async fn a_command_that_looks_into_no_store_makes_none() {
    for database in [Database::sqlite(), Database::postgres(), Database::mysql()] {
        database.run(format!("CREATE TABLE {} (id INTEGER)", database.table("other"))).await;
        for arguments in [
            &["log"][..],
            &["history", "tasks", "1"],
            &["at", "0", "tasks"],
            &["rebuild"],
            &["rebuild", "--dry-run"],
            &["snapshot"],
            &["verify"],
            &["export"],
        ] {
            let error = run(&database, plain, 7, arguments).await.unwrap_err();
            assert!(error.to_string().contains("the database has no store"), "{error}");
        }
        assert!(!database.has_table("flux_head").await);
        assert!(!database.has_table("tasks").await);
    }
}

#[tokio::test]
async fn what_was_recorded_once_is_imported_whatever_a_middleware_thinks_of_it() {
    let lines = exported(3).await;
    let database = Database::sqlite();
    let refusing = |builder: StoreBuilder| {
        builder.layer(layer_fn(|inner: DispatchService| {
            inner.filter(|_: Dispatch| {
                Err::<Dispatch, _>(Error::from(Rejection::new("no", "never")))
            })
        }))
    };
    import(&database, refusing, &lines).await.unwrap();
    assert_eq!(database.open().await.position().await.unwrap(), 3);
}

#[tokio::test]
async fn a_line_that_is_refused_is_named() {
    let mut lines = exported(3).await;
    lines[2] = lines[2].replace("task 2", "task 1");
    let database = Database::sqlite();
    let error = import(&database, plain, &lines).await.unwrap_err();
    assert!(error.starts_with("line 3 of the log: "), "{error}");
    // A log has whatever was recorded, of types that no reducer knows too.
    let store = database.open().await;
    store.dispatch(&Action::new("other")).await.unwrap();
}

#[tokio::test]
async fn a_log_with_a_gap_is_not_exported() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    store.close().await;
    database.run(format!("DELETE FROM {} WHERE position = 2", database.table("events"))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    let exported = run(&database, plain, 0, &["export", "--file", file.to_str().unwrap()]).await;
    assert!(exported.unwrap_err().to_string().contains("no event at position 2"));
    assert!(!file.exists(), "what is not whole does not have its name");
}
