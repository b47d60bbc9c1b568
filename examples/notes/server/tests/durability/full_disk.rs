//! Databases whose disk is full, until there is room again.

use std::sync::Arc;
use std::time::Duration;

use flux_test_databases::Kind;
use tokio::time::interval;

use crate::disk::SmallDisk;
use crate::load::{Load, some};
use crate::server::Server;
use crate::truth::{Follower, verify};
use crate::within;

/// Room that is left on a disk: enough for some batches.
const ROOM: usize = 512 * 1024;

/// How often it is looked whether a database still runs.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_goes_on_once_a_full_disk_has_room_again() {
    let disk = Arc::new(SmallDisk::mount(64));
    let url = format!("sqlite://{}", disk.path().join("notes.db").display());
    within(1, filled_and_emptied(disk, url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_goes_on_once_a_full_disk_has_room_again() {
    on_a_small_disk(Kind::Postgres, 256).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_goes_on_once_a_full_disk_has_room_again() {
    on_a_small_disk(Kind::MariaDb, 384).await;
}

/// A database may not survive it, MariaDB does not every time: it is started again, as what looks after a server does.
async fn on_a_small_disk(kind: Kind, megabytes: u32) {
    let disk = Arc::new(SmallDisk::mount(megabytes));
    let started = flux_test_databases::Server::start_within(kind, disk.path());
    let mut database = started.unwrap_or_else(|error| panic!("{error:?}"));
    let url = database.url().to_owned();
    // Apart: a database that is started without room may hang until there is.
    let test = tokio::spawn(within(1, filled_and_emptied(Arc::clone(&disk), url)));
    tokio::select! {
        done = test => done.unwrap(),
        () = look_after(&mut database) => {}
    }
}

/// Starts a database again whenever it has ended. While there is no room that fails.
async fn look_after(database: &mut flux_test_databases::Server) {
    let mut looks = interval(LOOK_INTERVAL);
    loop {
        looks.tick().await;
        if !database.is_running().unwrap()
            && let Err(error) = database.start_again()
        {
            eprintln!("{error}");
        }
    }
}

/// Nobody starts our server again: it recovers by itself.
async fn filled_and_emptied(disk: Arc<SmallDisk>, url: String) {
    let server = Server::start(&url, "127.0.0.1:0").await;
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
    verify(&url, &acknowledged).await;
}
