//! Database servers that are killed in the middle of it, and started again on what they wrote.

use flux_test_databases::Kind;

use crate::databases;
use crate::kills;
use crate::load::{Load, some};
use crate::server::Server;
use crate::truth::{Follower, verify};
use crate::within;

/// Kills of each database server, unless `DURABILITY_KILLS` says otherwise.
const KILLS: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_postgres_is_killed() {
    within(kills(KILLS), killed_and_started_again(Kind::Postgres)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_mariadb_is_killed() {
    within(kills(KILLS), killed_and_started_again(Kind::MariaDb)).await;
}

/// Nobody starts our server again: it recovers by itself.
async fn killed_and_started_again(kind: Kind) {
    let mut database = databases::own(kind);
    let server = Server::start(database.url(), "127.0.0.1:0").await;
    let load = Load::start(std::slice::from_ref(&server.address));
    let follower = Follower::start(&server.address);
    for _ in 0..kills(KILLS) {
        load.answered(some()).await;
        database.kill().unwrap();
        database.start_again().unwrap();
        verify(database.url(), &load.acknowledged()).await;
    }
    load.answered(some()).await;
    let acknowledged = load.finish().await;
    follower.sees(&acknowledged).await;
    server.kill().await;
    verify(database.url(), &acknowledged).await;
}
