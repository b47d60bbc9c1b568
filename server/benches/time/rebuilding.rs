//! A rebuild of the whole log beside callers and readers: what they feel of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    tasks: JoinSet<Vec<(Instant, Duration)>>,
    store: watch::Sender<Store>,
    is_over: Arc<AtomicBool>,
    superseded: Arc<AtomicUsize>,
}

pub(crate) async fn beside_callers(options: &Options, place: &Place, store: Store) {
    let users = Users::start(&store);
    tokio::time::sleep(options.measured).await;
    let began = Instant::now();
    memory::forget_peak();
    let mut last = None;
    let rebuilt = place.builder(1).rebuild(|progress| last = Some((Instant::now(), progress)));
    let rebuilt = rebuilt.await.unwrap();
    let (swapped, progress) = last.unwrap();
    let peak = memory::peak_mib().unwrap_or_default();
    users.store.send_replace(rebuilt.clone());
    tokio::time::sleep(options.measured / 4).await;
    let superseded = users.superseded.load(Ordering::Relaxed);
    let took = users.stop().await;

    let of = |from: Instant, to: Instant| {
        let own = took.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, took)| *took);
        let mut own: Vec<_> = own.collect();
        own.sort_unstable();
        own
    };
    let before = of(began - options.measured, began);
    let during = of(began, swapped);
    let at_the_swap =
        of(swapped - Duration::from_millis(500), swapped + Duration::from_millis(500));
    let p99 = |took: &[Duration]| took[(took.len() - 1) * 99 / 100].as_secs_f64() * 1e3;
    let most = |took: &[Duration]| took[took.len() - 1].as_secs_f64() * 1e3;
    println!(
        "rebuild: {} events in {:.1} s, {:.0} events/s; peak {peak} MiB",
        progress.position,
        swapped.duration_since(began).as_secs_f64(),
        progress.rate,
    );
    println!(
        "{CALLERS} callers: {:.0} events/s, p99 {:.1} ms without; {:.0} events/s, p99 {:.1} ms ({:.2} times) \
         beside it; the longest {:.0} ms, {:.0} ms in the second of the swap, {superseded} moved to the \
         new store",
        before.len() as f64 / options.measured.as_secs_f64(),
        p99(&before),
        during.len() as f64 / swapped.duration_since(began).as_secs_f64(),
        p99(&during),
        p99(&during) / p99(&before),
        most(&during),
        most(&at_the_swap),
    );
    rebuilt.close().await;
}

impl Users {
    fn start(store: &Store) -> Self {
        let (store, _) = watch::channel(store.clone());
        let (is_over, superseded) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut users = Self { tasks: JoinSet::new(), store, is_over, superseded };
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
        let (is_over, superseded) = (Arc::clone(&self.is_over), Arc::clone(&self.superseded));
        self.tasks.spawn(async move {
            let (mut caller, mut took) = (Caller::new(Workload::Mixed), Vec::new());
            while !is_over.load(Ordering::Relaxed) {
                let action = caller.next();
                let asked = Instant::now();
                loop {
                    let current = store.borrow_and_update().clone();
                    match current.dispatch(&action).await {
                        Ok(_) => break,
                        // As one who is sent to another server.
                        Err(Error::Superseded) => {
                            superseded.fetch_add(1, Ordering::Relaxed);
                            store.changed().await.unwrap();
                        }
                        Err(error) => panic!("a dispatch failed: {error}"),
                    }
                }
                took.push((asked, asked.elapsed()));
            }
            took
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

    async fn stop(self) -> Vec<(Instant, Duration)> {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}
