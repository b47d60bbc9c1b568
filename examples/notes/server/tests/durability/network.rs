//! A network between server and database that is slow, refuses, cuts and falls silent.

use std::time::Duration;

use crate::databases::{self, Database};
use crate::kills;
use crate::load::{Load, some};
use crate::proxy::{Network, Proxy};
use crate::server::Server;
use crate::truth::{Follower, verify};
use crate::within;

/// Connections that are cut, unless `DURABILITY_KILLS` says otherwise.
const CUTS: u32 = 10;

/// What is carried at most before a connection is cut: a few batches.
const CUT_BYTES_MAX: usize = 64 * 1024;

/// Each way: a batch takes a second or two.
const DELAY: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_found_again_whatever_the_network_does() {
    within(kills(CUTS), suffered(databases::postgres().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_is_found_again_whatever_the_network_does() {
    within(kills(CUTS), suffered(databases::mysql().await)).await;
}

/// One of two servers is behind the network. The other, beside it, goes on all the time, and what
/// it records reaches the followers of the first.
async fn suffered(database: Database) {
    let proxy = Proxy::start(&database.url).await;
    let behind = Server::start(&proxy.url, "127.0.0.1:0").await;
    let beside = Server::start(&database.url, "127.0.0.1:0").await;
    let follower = Follower::start(&behind.address);
    let others = Load::start(std::slice::from_ref(&beside.address));
    let load = Load::start(std::slice::from_ref(&behind.address));
    load.answered(some()).await;

    proxy.becomes(Network::Slow(DELAY));
    load.answered(16).await;

    proxy.becomes(Network::Refusing);
    load.refused().await;
    proxy.becomes(Network::Well);
    load.answered(some()).await;

    proxy.becomes(Network::Cutting(CUT_BYTES_MAX));
    proxy.cut(kills(CUTS) as usize).await;
    proxy.becomes(Network::Well);
    load.answered(some()).await;

    proxy.becomes(Network::Silent);
    load.refused().await;
    others.answered(some()).await;
    proxy.becomes(Network::Well);
    load.answered(some()).await;

    let mut acknowledged = load.finish().await;
    acknowledged.extend(others.finish().await);
    follower.sees(&acknowledged).await;
    behind.kill().await;
    beside.kill().await;
    verify(&database.url, &acknowledged).await;
}
