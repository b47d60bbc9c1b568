//! Servers that are killed or frozen in the middle of it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use crate::databases::{self, Database};
use crate::load::Load;
use crate::server::Server;
use crate::truth::{follow, verify};

/// Kills on each database, unless `DURABILITY_KILLS` says otherwise.
const KILLS: u32 = 20;

/// The most events that are acknowledged between a start and the kill, 1 being the fewest: a kill
/// comes in the middle of whatever the other callers' events are at.
const ANSWERS_MAX: usize = 400;

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

/// The longest that a test may take before something must have hung.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);

async fn killed_and_started_again(database: Database) {
    timeout(TEST_TIMEOUT, kill_and_start_again(database)).await.unwrap();
}

async fn frozen_and_woken(database: Database) {
    timeout(TEST_TIMEOUT, freeze_and_wake(database)).await.unwrap();
}

async fn kill_and_start_again(database: Database) {
    let kills = std::env::var("DURABILITY_KILLS").ok().and_then(|kills| kills.parse().ok());
    let mut server = Server::start(&database.url, "127.0.0.1:0").await;
    let address = server.address.clone();
    let load = Load::start(std::slice::from_ref(&address));
    let (tell, until) = watch::channel(None);
    let follower = tokio::spawn(follow(address.clone(), until));
    for _ in 0..kills.unwrap_or(KILLS) {
        load.answered(random(ANSWERS_MAX)).await;
        server.kill().await;
        server = Server::start(&database.url, &address).await;
    }
    let acknowledged = load.finish().await;
    assert!(!acknowledged.is_empty());
    let last = acknowledged.iter().filter_map(|event| event["position"].as_i64()).max();
    tell.send(last).unwrap();
    assert!(Some(follower.await.unwrap()) >= last);
    server.kill().await;
    verify(&database.url, &acknowledged).await;
}

async fn freeze_and_wake(database: Database) {
    let frozen = Server::start(&database.url, "127.0.0.1:0").await;
    let awake = Server::start(&database.url, "127.0.0.1:0").await;
    let load = Load::start(&[frozen.address.clone(), awake.address.clone()]);
    load.answered(random(ANSWERS_MAX)).await;
    frozen.signal("-STOP").await;
    // It may hold the head: the database takes it back, and the other server goes on.
    let only_awake = Load::start(std::slice::from_ref(&awake.address));
    let meanwhile = only_awake.finish().await;
    assert!(!meanwhile.is_empty());
    frozen.signal("-CONT").await;
    let mut acknowledged = load.finish().await;
    acknowledged.extend(meanwhile);
    frozen.kill().await;
    awake.kill().await;
    verify(&database.url, &acknowledged).await;
}

fn random(most: usize) -> usize {
    1 + Uuid::new_v4().as_u128() as usize % most
}
