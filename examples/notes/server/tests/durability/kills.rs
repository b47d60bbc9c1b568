//! Servers that are killed or frozen in the middle of it.

use std::time::{Duration, Instant};

use crate::databases::{self, Database};
use crate::load::{Load, some};
use crate::server::Server;
use crate::truth::{Follower, verify};
use crate::{kills, within};

/// Kills on each database, unless `DURABILITY_KILLS` says otherwise.
const KILLS: u32 = 10;

/// How often one of two servers is frozen at least, unless it says otherwise.
const FREEZES: u32 = 3;

/// After how long without an answer the other one waits for what the frozen one holds.
const HELD_AFTER: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_nothing_when_the_server_is_killed() {
    killed_and_started_again(databases::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_loses_nothing_when_the_server_is_killed() {
    killed_and_started_again(databases::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_loses_nothing_when_the_server_is_killed() {
    killed_and_started_again(databases::mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_goes_on_while_one_of_two_servers_is_frozen() {
    frozen_and_woken(databases::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_goes_on_while_one_of_two_servers_is_frozen() {
    frozen_and_woken(databases::mysql().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_goes_on_once_a_frozen_server_is_woken() {
    frozen_and_woken(databases::sqlite()).await;
}

async fn killed_and_started_again(database: Database) {
    within(kills(KILLS), kill_and_start_again(database)).await;
}

async fn frozen_and_woken(database: Database) {
    within(4 * kills(FREEZES), freeze_and_wake(database)).await;
}

async fn kill_and_start_again(database: Database) {
    let mut server = Server::start(&database.url, "127.0.0.1:0").await;
    let address = server.address.clone();
    let load = Load::start(std::slice::from_ref(&address));
    let follower = Follower::start(&address);
    for _ in 0..kills(KILLS) {
        load.answered(some()).await;
        server.kill().await;
        verify(&database.url, &load.acknowledged()).await;
        server = Server::start(&database.url, &address).await;
    }
    let acknowledged = load.finish().await;
    follower.sees(&acknowledged).await;
    server.kill().await;
    verify(&database.url, &acknowledged).await;
}

async fn freeze_and_wake(database: Database) {
    let is_file = database.url.starts_with("sqlite:");
    let frozen = Server::start(&database.url, "127.0.0.1:0").await;
    let awake = Server::start(&database.url, "127.0.0.1:0").await;
    let load = Load::start(&[frozen.address.clone(), awake.address.clone()]);
    let others = Load::start(std::slice::from_ref(&awake.address));
    let follower = Follower::start(&awake.address);
    let mut freezes = 0;
    let mut has_held = false;
    // Until it was frozen in the middle of a batch, while it held the head.
    while freezes < kills(FREEZES) || !has_held {
        freezes += 1;
        load.answered(some()).await;
        let asked = Instant::now();
        frozen.signal("-STOP").await;
        // A database server takes the head back, and the other server goes on. Nobody can take it
        // from who locked a file: until that one is woken, the other tells to try again.
        tokio::select! {
            () = others.answered(1) => {}
            () = others.refused(), if is_file => {}
        }
        let holds = asked.elapsed() > HELD_AFTER;
        has_held |= holds;
        if !is_file {
            others.answered(some()).await;
        }
        frozen.signal("-CONT").await;
        // Those that are tried only until one is in the middle of a batch are seen at the end: a log
        // that is verified after each of them keeps them from ending on a busy machine.
        if holds || freezes <= kills(FREEZES) {
            verify(&database.url, &acknowledged_by([&load, &others])).await;
        }
    }
    let mut acknowledged = load.finish().await;
    acknowledged.extend(others.finish().await);
    follower.sees(&acknowledged).await;
    frozen.kill().await;
    awake.kill().await;
    verify(&database.url, &acknowledged).await;
}

fn acknowledged_by(loads: [&Load; 2]) -> Vec<serde_json::Value> {
    loads.iter().flat_map(|load| load.acknowledged()).collect()
}
