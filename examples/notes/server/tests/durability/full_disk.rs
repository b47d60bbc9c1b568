//! Databases whose disk is full, until there is room again.

use flux_test_databases::Kind;

use crate::disk::SmallDisk;
use crate::load::{Load, some};
use crate::server::Server;
use crate::truth::{Follower, verify};
use crate::within;

/// Room that is left on a disk: enough for some batches.
const ROOM: usize = 512 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_goes_on_once_a_full_disk_has_room_again() {
    let disk = SmallDisk::mount(64);
    let url = format!("sqlite://{}", disk.path().join("notes.db").display());
    within(1, filled_and_emptied(&disk, &url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_goes_on_once_a_full_disk_has_room_again() {
    on_a_small_disk(Kind::Postgres, 256).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_goes_on_once_a_full_disk_has_room_again() {
    on_a_small_disk(Kind::MariaDb, 384).await;
}

async fn on_a_small_disk(kind: Kind, megabytes: u32) {
    let disk = SmallDisk::mount(megabytes);
    let started = flux_test_databases::Server::start_within(kind, disk.path());
    let mut database = started.unwrap_or_else(|error| panic!("{error:?}"));
    let url = database.url().to_owned();
    within(1, filled_and_emptied(&disk, &url)).await;
    assert!(database.is_running().unwrap());
}

/// Nobody starts our server or the database again: they recover by themselves.
async fn filled_and_emptied(disk: &SmallDisk, url: &str) {
    let server = Server::start(url, "127.0.0.1:0").await;
    let load = Load::start(std::slice::from_ref(&server.address));
    let follower = Follower::start(&server.address);
    load.answered(some()).await;
    disk.fill(ROOM);
    load.refused().await;
    disk.make_room();
    load.answered(some()).await;
    let acknowledged = load.finish().await;
    follower.sees(&acknowledged).await;
    server.kill().await;
    verify(url, &acknowledged).await;
}
