//! A rebuild of the whole log beside callers and readers: what they feel of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flux_server::reducers::Query;
use flux_server::{Error, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::workload::{Caller, Note, Workload};
use crate::{Options, Place, memory};

const CALLERS: usize = 64;
const READERS: usize = 4;

/// What callers and readers are about.
struct Users {
    tasks: JoinSet<Vec<Answered>>,
    store: watch::Sender<Store>,
    is_over: Arc<AtomicBool>,
}

/// How long one waited for an answer, and whether it was to ask the new store.
struct Answered {
    at: Instant,
    took: Duration,
    is_superseded: bool,
}

pub(crate) async fn beside_callers(options: &Options, place: &Place) {
    let store = place.open().await;
    let users = Users::start(&store);
    tokio::time::sleep(options.measured).await;
    let began = Instant::now();
    let users_peak = memory::peak_mib().unwrap_or_default();
    memory::forget_peak();
    let mut last = None;
    let rebuilt = place.builder(1).rebuild(|progress| last = Some((Instant::now(), progress)));
    let rebuilt = rebuilt.await.unwrap();
    let (swapped, progress) = last.unwrap();
    let peak = memory::peak_mib().unwrap_or_default();
    let opened = swapped.elapsed();
    users.store.send_replace(rebuilt.clone());
    tokio::time::sleep(options.measured / 4).await;
    let answered = users.stop().await;

    let of = |from: Instant, to: Instant| {
        let own = answered.iter().filter(|it| (from..to).contains(&it.at)).map(|it| it.took);
        let mut own: Vec<_> = own.collect();
        own.sort_unstable();
        own
    };
    let before = of(began - options.measured, began);
    let during = of(began, swapped);
    let held = answered.iter().filter(|it| it.is_superseded).map(|it| it.took).max();
    let most = |took: &[Duration]| took.last().map_or(0.0, |most| most.as_secs_f64() * 1e3);
    let p99 = |took: &[Duration]| took[(took.len() - 1) * 99 / 100].as_secs_f64() * 1e3;
    println!(
        "rebuild: {} events in {:.1} s, {:.0} events/s; peak {peak} MiB, {users_peak} before it",
        progress.position,
        swapped.duration_since(began).as_secs_f64(),
        progress.rate,
    );
    println!(
        "{CALLERS} callers: {:.0} events/s, p99 {:.1} ms, at most {:.0} ms without; {:.0} events/s, p99 {:.1} ms \
         ({:.2} times), at most {:.0} ms beside it; at the swap they were held for {:.0} ms at most, and the new store was open {:.0} ms later",
        before.len() as f64 / options.measured.as_secs_f64(),
        p99(&before),
        most(&before),
        during.len() as f64 / swapped.duration_since(began).as_secs_f64(),
        p99(&during),
        p99(&during) / p99(&before),
        most(&during),
        held.unwrap_or_default().as_secs_f64() * 1e3,
        opened.as_secs_f64() * 1e3,
    );
    rebuilt.close().await;
}

impl Users {
    fn start(store: &Store) -> Self {
        let (store, _) = watch::channel(store.clone());
        let is_over = Arc::new(AtomicBool::new(false));
        let mut users = Self { tasks: JoinSet::new(), store, is_over };
        for _ in 0..CALLERS {
            users.call();
        }
        for _ in 0..READERS {
            users.read();
        }
        users
    }

    fn call(&mut self) {
        let mut store = self.store.subscribe();
        let is_over = Arc::clone(&self.is_over);
        self.tasks.spawn(async move {
            let (mut caller, mut answered) = (Caller::new(Workload::Mixed), Vec::new());
            while !is_over.load(Ordering::Relaxed) {
                let action = caller.next();
                loop {
                    let current = store.borrow_and_update().clone();
                    let at = Instant::now();
                    let answer = current.dispatch(&action).await;
                    let is_superseded = matches!(answer, Err(Error::Superseded));
                    answered.push(Answered { at, took: at.elapsed(), is_superseded });
                    match answer {
                        Ok(_) => break,
                        // As one who is sent to another server.
                        Err(Error::Superseded) => store.changed().await.unwrap(),
                        Err(error) => panic!("a dispatch failed: {error}"),
                    }
                }
            }
            answered
        });
    }

    fn read(&mut self) {
        let mut store = self.store.subscribe();
        let is_over = Arc::clone(&self.is_over);
        self.tasks.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let current = store.borrow_and_update().clone();
                match current.find_all::<Note>(Query::all().limit(100)).await {
                    Ok(_) => {}
                    Err(Error::Superseded) => store.changed().await.unwrap(),
                    Err(error) => panic!("a query failed: {error}"),
                }
            }
            Vec::new()
        });
    }

    async fn stop(self) -> Vec<Answered> {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}
