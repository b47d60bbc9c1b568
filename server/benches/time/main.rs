//! What it costs to go back and to build anew: replay, the time machine, a rebuild beside callers.
//!
//! `cargo xtask bench time` starts PostgreSQL and MariaDB, where no variable names one. After `--`,
//! `only=postgres` measures one database, `log=100000` another length of the log, `seconds=20`
//! the callers for longer.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::time::{Duration, Instant};

use flux_server::reducers::{Query, Uuid, lift};
use flux_server::{Store, StoreBuilder};
use tokio::task::JoinSet;

use arguments::{DATABASES, given, numbers, run_part};
use workload::{Caller, Workload, notes};

#[path = "../dispatch/arguments.rs"]
mod arguments;
#[path = "../dispatch/memory.rs"]
mod memory;
mod rebuilding;
mod replaying;
mod reverting;
mod settling;
#[path = "../dispatch/workload.rs"]
#[allow(dead_code, reason = "callers who only update are measured with the dispatches")]
mod workload;

/// Events from one snapshot to the next.
const SNAPSHOT_EVERY: usize = 50_000;

/// Events in one dispatch, and callers, while a log is filled.
const FILL_EVENTS: usize = 500;
const FILL_CALLERS: usize = 4;

/// Positions at which the time machine is asked.
const MOMENTS: usize = 20;

/// What is measured.
struct Options {
    only: Option<String>,
    log: usize,
    measured: Duration,
    /// What this process is to do of it, and where.
    part: Option<(String, Place)>,
}

impl Options {
    fn of_arguments() -> Self {
        Self {
            only: given("only"),
            log: numbers("log", "1000000")[0],
            measured: Duration::from_secs(numbers("seconds", "10")[0] as u64),
            part: given("part").map(|part| {
                let (url, namespace) = (given("url").unwrap(), given("namespace").unwrap());
                (part, Place { url, namespace })
            }),
        }
    }
}

fn main() {
    let options = Options::of_arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let log = options.log;
    match &options.part {
        None => measure_all(&options),
        Some((part, place)) => runtime.block_on(async {
            match part.as_str() {
                "fill" => {
                    fill(&place.open().await, log).await;
                    settling::settle(place).await;
                }
                "at" => at(&place.open().await, log).await,
                "revert" => reverting::beside_replays(place, log).await,
                "replay" => replaying::whole_log(place, log).await,
                _ => rebuilding::beside_callers(&options, place).await,
            }
        }),
    }
}

/// Measures one database after the other, each part of it in a process of its own.
fn measure_all(options: &Options) {
    let folder = tempfile::tempdir().unwrap();
    for (name, variable) in DATABASES {
        if options.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let url = match variable.map(std::env::var) {
            None => format!("sqlite://{}/notes.db", folder.path().display()),
            Some(Ok(url)) => url,
            Some(Err(_)) => {
                println!("{name}: not measured, {} is not set", variable.unwrap());
                continue;
            }
        };
        println!("\n{name}, {} events", options.log);
        let namespace = format!("t{}", &Uuid::now_v7().simple().to_string()[21..]);
        for part in ["fill", "at", "replay", "rebuild", "revert"] {
            run_part(part, &[("url", &url), ("namespace", &namespace)]);
        }
    }
}

/// A database of the store's, and how its tables' names begin.
struct Place {
    url: String,
    namespace: String,
}

impl Place {
    fn builder(&self, version: u32) -> StoreBuilder {
        let reducer = lift(notes).with_version(version);
        Store::builder(reducer, &self.url).namespace(&self.namespace)
    }

    /// Returns which database it is, as the URL says it.
    fn scheme(&self) -> &str {
        self.url.split_once(':').unwrap().0
    }

    async fn open(&self) -> Store {
        self.builder(0).open().await.unwrap()
    }
}

/// Fills the log, and takes snapshots on the way.
async fn fill(store: &Store, events: usize) {
    let began = Instant::now();
    let mut filled = 0;
    let (mut pauses, mut bytes) = (Vec::new(), 0);
    while filled < events {
        let next = SNAPSHOT_EVERY.min(events - filled);
        let mut callers = JoinSet::new();
        for _ in 0..FILL_CALLERS {
            let store = store.clone();
            callers.spawn(async move {
                let mut caller = Caller::new(Workload::Mixed);
                for _ in 0..next / FILL_CALLERS / FILL_EVENTS {
                    let events: Vec<_> = (0..FILL_EVENTS).map(|_| caller.next()).collect();
                    store.dispatch_all(&events).await.unwrap();
                }
            });
        }
        callers.join_all().await;
        filled += next;
        let asked = Instant::now();
        store.take_snapshot().await.unwrap();
        pauses.push(asked.elapsed());
    }
    let snapshots = store.snapshots().await.unwrap();
    bytes += snapshots.iter().map(|it| it.bytes).sum::<u64>();
    let (position, documents) = snapshots.last().map_or((0, 0), |it| (it.position, it.documents));
    println!(
        "filled to {position} with {documents} documents in {:.1} s; {} snapshots of {} MiB in all, \
         the last one taken in {:.2} s",
        began.elapsed().as_secs_f64(),
        snapshots.len(),
        bytes / 1024 / 1024,
        pauses.last().map_or(0.0, Duration::as_secs_f64),
    );
}

/// Asks for moments all over the log, in no order, each far from the one before.
async fn at(store: &Store, log: usize) {
    memory::forget_peak();
    let mut took = Vec::new();
    for moment in 0..MOMENTS {
        // Far from each other, and in the middle between snapshots as well as near them.
        let position = (moment * 7_919 * 61 + 24_999) % log + 1;
        // The documents of the last moment may be nearer than a snapshot: so is it for a user.
        let asked = Instant::now();
        let past = store.at(position as i64).await.unwrap();
        let notes = past.read(&[("notes", Query::all().limit(100))]).await.unwrap();
        took.push((asked.elapsed(), position));
        assert!(!notes[0].is_empty());
    }
    took.sort_unstable();
    let (median, worst) = (took[took.len() / 2].0, took[took.len() - 1]);
    println!(
        "at: {MOMENTS} moments, median {:.2} s, the worst {:.2} s (at {}); peak {} MiB",
        median.as_secs_f64(),
        worst.0.as_secs_f64(),
        worst.1,
        memory::peak_mib().unwrap_or_default(),
    );
}
