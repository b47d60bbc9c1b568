//! Rebuilds and snapshots that are killed in the middle of it, beside a server under load.

use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::databases::{self, Database};
use crate::load::{Load, some};
use crate::server::Server;
use crate::truth::verify;
use crate::{kills, within};

/// Kills on each database, unless `DURABILITY_KILLS` says otherwise.
const KILLS: u32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_stays_whole_when_rebuilds_and_snapshots_are_killed() {
    killed(databases::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stays_whole_when_rebuilds_and_snapshots_are_killed() {
    killed(databases::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_stays_whole_when_rebuilds_and_snapshots_are_killed() {
    killed(databases::mysql().await).await;
}

async fn killed(database: Database) {
    within(kills(KILLS), kill_beside_load(database)).await;
}

async fn kill_beside_load(database: Database) {
    let mut server = Server::start(&database.url, "127.0.0.1:0").await;
    let address = server.address.clone();
    let load = Load::start(std::slice::from_ref(&address));
    for kill in 0..kills(KILLS) {
        load.answered(some()).await;
        let arguments: &[&str] =
            if kill % 2 == 0 { &["rebuild", "--drop-previous"] } else { &["snapshot"] };
        let mut task = start(&database.url, arguments);
        // In the middle of whatever it does, or when it is done.
        tokio::select! {
            _ = task.wait() => {}
            () = load.answered(some()) => task.kill().await.unwrap(),
            // The tables were swapped: nothing is answered any more.
            () = load.superseded() => task.kill().await.unwrap(),
        }
        verify(&database.url, &load.acknowledged()).await;
        // One whose tables were replaced only refuses.
        server.kill().await;
        server = Server::start(&database.url, &address).await;
    }
    // What was begun goes on, or is begun anew, and is not in anybody's way.
    let rebuilt = start(&database.url, &["rebuild", "--drop-previous"]).wait().await.unwrap();
    assert!(rebuilt.success());
    server.kill().await;
    let server = Server::start(&database.url, &address).await;
    let acknowledged = load.finish().await;
    server.kill().await;
    verify(&database.url, &acknowledged).await;
    for arguments in [&["snapshot"], &["verify"]] {
        assert!(start(&database.url, arguments).wait().await.unwrap().success(), "{arguments:?}");
    }
}

fn start(url: &str, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_notes-server"))
        .args(arguments)
        .env("DATABASE_URL", url)
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
