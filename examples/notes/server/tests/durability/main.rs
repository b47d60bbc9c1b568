//! What is acknowledged is not lost: servers and databases under load are killed, frozen, cut off
//! and left without room.
//!
//! `DURABILITY_KILLS` sets how often something is killed or cut off in each test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use tokio::time::timeout;

mod database_kills;
mod databases;
mod disk;
mod full_disk;
mod kills;
mod load;
mod maintenance_kills;
mod network;
mod proxy;
mod server;
mod truth;

/// The longest that a test may take before something must have hung.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// What each kill may add to that.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a test of so many kills, which fails where it hangs.
async fn within(kills: u32, test: impl Future<Output = ()>) {
    let limit = TEST_TIMEOUT + KILL_TIMEOUT * kills;
    timeout(limit, test).await.unwrap_or_else(|_| panic!("it takes more than {limit:?}"));
}

/// Returns how often something is killed, where the environment does not say otherwise.
fn kills(unless_told: u32) -> u32 {
    let told = std::env::var("DURABILITY_KILLS").ok();
    told.map_or(unless_told, |kills| kills.parse().expect("DURABILITY_KILLS is a number"))
}
