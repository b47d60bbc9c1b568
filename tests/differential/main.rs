//! One meaning: random schemas, documents and dispatches give the same in memory, from a partial
//! working set, on SQLite, PostgreSQL and MariaDB, and in WebAssembly under Node.js.
//!
//! `FLUX_DIFFERENTIAL_SEQUENCES` is how many sequences are run, `FLUX_DIFFERENTIAL_SEED` is the
//! first one; alone, it runs this one. See TESTING.md.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "in a test also outside of the test itself")]

mod model;
mod node;
mod partial;
mod run;
mod sequence;
mod shrink;
mod stores;
mod tally;
mod values;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::runtime::Runtime;

use crate::node::Node;
use crate::run::Everywhere;
use crate::sequence::{SEQUENCES_PER_SCHEMAS, Sequence, collections, sequence};
use crate::tally::Tally;

const SEED: &str = "FLUX_DIFFERENTIAL_SEED";
const SEQUENCES: &str = "FLUX_DIFFERENTIAL_SEQUENCES";

/// As many as run in a few seconds.
const SEQUENCES_DEFAULT: u64 = 100;

/// More than there are processors: most of the time the databases are waited for.
const WORKERS: usize = 8;

/// A sequence that is not the same everywhere.
struct Failure {
    seed: u64,
    /// The first sequence with these tables.
    first: u64,
    difference: String,
}

/// How far all workers are.
struct Progress {
    begun: Instant,
    sequences: AtomicU64,
}

#[test]
fn every_place_gives_the_same_collections_answers_and_rejections() {
    let seed = number(SEED);
    let count = number(SEQUENCES).unwrap_or(if seed.is_some() { 1 } else { SEQUENCES_DEFAULT });
    let first = seed.unwrap_or(0);
    let progress = Progress { begun: Instant::now(), sequences: AtomicU64::new(0) };
    let end = first + count;
    let next = AtomicU64::new(first);
    let (tally, failure) = (Mutex::new(Tally::default()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let mut node = Node::start();
                while failure.lock().unwrap().is_none()
                    && let Some((first, end)) = take(&next, end)
                {
                    match run_all(&runtime, &mut node, &progress, first, end) {
                        Ok(part) => tally.lock().unwrap().add(part),
                        Err(found) => {
                            failure.lock().unwrap().get_or_insert(found);
                        }
                    }
                }
            });
        }
    });
    let seconds = progress.begun.elapsed().as_secs_f64();
    match failure.into_inner().unwrap() {
        None => eprintln!("{} in {seconds:.1} s", tally.into_inner().unwrap()),
        Some(failure) => panic!("{}\nfound after {seconds:.1} s", explain(&failure)),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Takes the next sequences, those of one set of tables.
fn take(next: &AtomicU64, end: u64) -> Option<(u64, u64)> {
    let after =
        |seed: u64| u64::min(end, (seed / SEQUENCES_PER_SCHEMAS + 1) * SEQUENCES_PER_SCHEMAS);
    let taken = next
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |seed| (seed < end).then(|| after(seed)));
    taken.ok().map(|first| (first, after(first)))
}

fn run_all(
    runtime: &Runtime,
    node: &mut Node,
    progress: &Progress,
    first: u64,
    end: u64,
) -> Result<Tally, Failure> {
    let collections = collections(first / SEQUENCES_PER_SCHEMAS);
    let mut everywhere = Everywhere::open(runtime, node, &collections).map_err(|difference| {
        let schemas = serde_json::to_string(&collections).unwrap();
        Failure { seed: first, first, difference: format!("{difference}\n{schemas}") }
    })?;
    for seed in first..end {
        if let Err(difference) = everywhere.run(&sequence(seed, &collections)) {
            everywhere.close();
            let seconds = progress.begun.elapsed().as_secs_f64();
            let sequences = progress.sequences.load(Ordering::Relaxed);
            eprintln!("sequence {seed} differs after {seconds:.1} s and {sequences} sequences");
            return Err(smallest(runtime, node, Failure { seed, first, difference }));
        }
        everywhere.tally.count_sequence();
        progress.sequences.fetch_add(1, Ordering::Relaxed);
    }
    Ok(everywhere.close())
}

/// Makes the sequence smaller, each time with tables of its own.
fn smallest(runtime: &Runtime, node: &mut Node, failure: Failure) -> Failure {
    let collections = collections(failure.first / SEQUENCES_PER_SCHEMAS);
    let mut run = |sequence: &Sequence| {
        // What ran here may have thrown.
        *node = Node::start();
        let mut everywhere = Everywhere::open(runtime, node, &collections)?;
        let result = everywhere.run(sequence);
        everywhere.close();
        result
    };
    let sequence = sequence(failure.seed, &collections);
    let Err(difference) = run(&sequence) else {
        return failure;
    };
    let (sequence, difference) = shrink::shrink(sequence, difference, run);
    let difference = format!(
        "{difference}\n\nThe collections are\n{}\nand the sequence, made smaller, is\n{}",
        serde_json::to_string(&collections).unwrap(),
        serde_json::to_string_pretty(&sequence).unwrap(),
    );
    Failure { first: failure.seed, difference, ..failure }
}

fn explain(Failure { seed, first, difference }: &Failure) -> String {
    let count = seed - first + 1;
    format!(
        "not everywhere the same, {difference}\n\nTo run it again:\n  {SEED}={first} \
         {SEQUENCES}={count} cargo xtask test differential\n(the sequence is {seed})"
    )
}
