//! Going back some events from the end: by inverse deltas where the history is kept, and by a replay
//! from the first event on where it is not. Nobody has taken a snapshot.

use std::time::{Duration, Instant};

use flux_server::reducers::{Query, Uuid};
use flux_server::{Store, StoreBuilder};

use crate::workload::{Caller, Workload};
use crate::{FILL_EVENTS, Place};

/// Events of the log, at most.
const EVENTS_MAX: usize = 100_000;

/// How far it is gone back from the end, and then from there, again and again.
const BACK: i64 = 100;
const STEPS: usize = 20;

pub(crate) async fn beside_replays(place: &Place, log: usize) {
    let events = log.min(EVENTS_MAX);
    let mut took = Vec::new();
    for configure in [StoreBuilder::keep_history, |builder| builder] {
        let namespace = format!("t{}", &Uuid::now_v7().simple().to_string()[21..]);
        let place = Place { url: place.url.clone(), namespace };
        let store = configure(place.builder(0)).open().await.unwrap();
        let mut caller = Caller::new(Workload::Mixed);
        for _ in 0..events / FILL_EVENTS {
            let events: Vec<_> = (0..FILL_EVENTS).map(|_| caller.next()).collect();
            store.dispatch_all(&events).await.unwrap();
        }
        took.push(steps(&store).await);
        store.close().await;
    }
    let (back, replayed) = (&took[0], &took[1]);
    println!(
        "back {BACK} events of {events}: at first {:.3} s with the history, {:.3} s without, {:.1} \
         times as long; then {:.1} ms and {:.0} ms, {:.0} times",
        back.0.as_secs_f64(),
        replayed.0.as_secs_f64(),
        replayed.0.as_secs_f64() / back.0.as_secs_f64(),
        back.1.as_secs_f64() * 1e3,
        replayed.1.as_secs_f64() * 1e3,
        replayed.1.as_secs_f64() / back.1.as_secs_f64(),
    );
}

/// Returns how long the first step back took, and the median of those after it.
async fn steps(store: &Store) -> (Duration, Duration) {
    let mut position = store.position().await.unwrap();
    let mut took = Vec::new();
    for _ in 0..=STEPS {
        position -= BACK;
        let asked = Instant::now();
        let past = store.at(position).await.unwrap();
        let notes = past.read(&[("notes", Query::all().limit(100))]).await.unwrap();
        took.push(asked.elapsed());
        assert!(!notes[0].is_empty());
    }
    let first = took.remove(0);
    took.sort_unstable();
    (first, took[STEPS / 2])
}
