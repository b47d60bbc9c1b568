//! Dispatches per second of the store, beside what one would write by hand.
//!
//! `cargo xtask bench dispatch` starts PostgreSQL and MariaDB, where no variable names one. After `--`,
//! `only=postgres` measures one database, `log=0` only an empty log, `callers=1,64` only
//! these, `seconds=10` each for longer.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flux_server::Store;
use flux_server::reducers::{Action, Event as _, Query, Uuid, lift};
use tokio::task::JoinSet;

use arguments::{DATABASES, given, numbers, run_part};
use each::{Each, Tables};
use group::Group;
use workload::{Caller, Note, Workload, added, notes};

mod arguments;
mod each;
mod group;
mod memory;
mod workload;

/// Events in one dispatch, and callers, while a log is filled.
const FILL_EVENTS: usize = 500;
const FILL_CALLERS: usize = 8;

/// Readers beside the callers, where there are some, and how many notes each reads at a time.
const READERS: usize = 16;
const READ_AT_ONCE: u64 = 100;

/// What is measured.
struct Options {
    only: Option<String>,
    logs: Vec<usize>,
    callers: Vec<usize>,
    measured: Duration,
    /// What this process is to do of it.
    part: Option<Part>,
}

/// Logs are filled, and each is measured, by a process of its own.
enum Part {
    Fill(Place),
    Measure(Place),
}

/// The databases that are written, and what the names of their tables begin with.
struct Place {
    database: String,
    urls: [String; 2],
    namespace: String,
}

impl Options {
    fn of_arguments() -> Self {
        let place = || Place {
            database: given("database").unwrap(),
            urls: [given("by-hand").unwrap(), given("store").unwrap()],
            namespace: given("namespace").unwrap(),
        };
        let part = given("part").map(|part| match part.as_str() {
            "fill" => Part::Fill(place()),
            _ => Part::Measure(place()),
        });
        Self {
            only: given("only"),
            logs: numbers("log", "0,1000000"),
            callers: numbers("callers", "1,8,64,512"),
            measured: Duration::from_secs(numbers("seconds", "3")[0] as u64),
            part,
        }
    }
}

/// Something that records events.
#[derive(Clone)]
enum Subject {
    Each(Each),
    Group(Group),
    Store(Store),
}

impl Subject {
    const fn name(&self) -> &'static str {
        match self {
            Self::Each(_) => "by hand, each",
            Self::Group(_) => "by hand, group",
            Self::Store(_) => "store",
        }
    }

    async fn record(&self, action: Action) {
        match self {
            Self::Each(each) => each.record(&action).await,
            Self::Group(group) => group.record(action).await,
            Self::Store(store) => drop(store.dispatch(&action).await.unwrap()),
        }
    }

    /// Fills the log, as fast as it goes.
    async fn fill(&self, events: usize) {
        let mut callers = JoinSet::new();
        for _ in 0..FILL_CALLERS {
            let subject = self.clone();
            callers.spawn(async move {
                for _ in 0..events / FILL_CALLERS / FILL_EVENTS {
                    let events = (0..FILL_EVENTS).map(|_| filling());
                    if let Self::Store(store) = &subject {
                        store.dispatch_all(&events.collect::<Vec<_>>()).await.unwrap();
                        continue;
                    }
                    let mut waiting = JoinSet::new();
                    for event in events {
                        let subject = subject.clone();
                        waiting.spawn(async move { subject.record(event).await });
                    }
                    waiting.join_all().await;
                }
            });
        }
        callers.join_all().await;
    }
}

fn filling() -> Action {
    added(Uuid::now_v7(), false).to_action().unwrap()
}

fn main() {
    let options = Options::of_arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match &options.part {
        None => measure_all(&options),
        Some(Part::Fill(place)) => runtime.block_on(fill(place, options.logs[0])),
        Some(Part::Measure(place)) => runtime.block_on(measure(&options, place, options.logs[0])),
    }
}

/// Measures one database after the other, with one length of the log after the other.
fn measure_all(options: &Options) {
    println!(
        "{:<9} {:>8} {:<6} {:>7} {:<15} {:>9} {:>9} {:>9} {:>8} {:>7} {:>8}",
        "database",
        "log",
        "what",
        "callers",
        "by",
        "events/s",
        "p50 µs",
        "p99 µs",
        "peak MiB",
        "of each",
        "of group"
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, variable) in DATABASES {
        if options.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for log in &options.logs {
            let file = |of: &str| format!("sqlite://{}/{of}{log}.db", folder.path().display());
            let urls = match variable.map(std::env::var) {
                None => [file("by-hand"), file("store")],
                Some(Ok(url)) => [url.clone(), url],
                Some(Err(_)) => {
                    println!("{name:<9} not measured: {} is not set", variable.unwrap());
                    break;
                }
            };
            let namespace = format!("b{}", &Uuid::now_v7().simple().to_string()[21..]);
            let place = Place { database: name.to_owned(), urls, namespace };
            for part in ["fill", "measure"] {
                place.run(part, *log);
            }
        }
    }
}

impl Place {
    fn run(&self, part: &str, log: usize) {
        let Self { database, urls: [by_hand, store], namespace } = self;
        let log = log.to_string();
        let of = [("log", &log), ("database", database), ("namespace", namespace)];
        let of = of.into_iter().chain([("by-hand", by_hand), ("store", store)]);
        run_part(part, &of.map(|(name, value)| (name, value.as_str())).collect::<Vec<_>>());
    }

    /// Opens what is compared: each event by itself, group commit by hand, the store.
    async fn open(&self) -> [Subject; 3] {
        let (tables, [by_hand, store]) = (Tables::new(&self.namespace), &self.urls);
        let each = Subject::Each(Each::open(by_hand, &tables).await);
        let group = Subject::Group(Group::open(by_hand, &tables).await);
        let store = Store::builder(lift(notes), store).namespace(&self.namespace).open().await;
        [each, group, Subject::Store(store.unwrap())]
    }
}

/// Fills the logs of both.
async fn fill(place: &Place, log: usize) {
    let [_, group, store] = place.open().await;
    for subject in [group, store] {
        subject.fill(log).await;
    }
}

/// Measures one database with one length of the log.
async fn measure(options: &Options, place: &Place, log: usize) {
    let subjects = place.open().await;
    let store = &subjects[2];
    let title = |what: &str, callers: usize| {
        format!("{:<9} {log:>8} {what:<6} {callers:>7}", place.database)
    };
    for callers in &options.callers {
        let mut rates = Vec::new();
        for subject in &subjects {
            let title = title("mixed", *callers);
            rates.push(run(options, &title, subject, Workload::Mixed, *callers, &rates).await);
        }
    }
    let mut rates = Vec::new();
    for subject in &subjects {
        let readers = Readers::start(store);
        let title = title("read", 64);
        rates.push(run(options, &title, subject, Workload::Mixed, 64, &rates).await);
        println!("{:>34} {:.0} pages/s are read meanwhile", "", readers.stop().await);
    }
    let hot = Uuid::now_v7();
    store.record(added(hot, true).to_action().unwrap()).await;
    let own = run(options, &title("own", 64), store, Workload::Own, 64, &[]).await;
    let rate = run(options, &title("hot", 64), store, Workload::Hot(hot), 64, &[]).await;
    println!("{:>34} {:.2} of 64 callers who update notes of their own", "", rate / own);
}

/// Readers of the store, who ask for one page after the other, whoever is measured.
struct Readers {
    tasks: JoinSet<()>,
    pages: Arc<AtomicUsize>,
    begun: Instant,
}

impl Readers {
    fn start(store: &Subject) -> Self {
        let (mut tasks, pages) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..READERS {
            let Subject::Store(store) = store.clone() else { continue };
            let pages = Arc::clone(&pages);
            tasks.spawn(async move {
                loop {
                    let page = Query::all().limit(READ_AT_ONCE);
                    store.find_all::<Note>(page).await.unwrap();
                    pages.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { tasks, pages, begun: Instant::now() }
    }

    /// Returns how many pages were read in a second.
    async fn stop(mut self) -> f64 {
        let rate = self.pages.load(Ordering::Relaxed) as f64 / self.begun.elapsed().as_secs_f64();
        self.tasks.shutdown().await;
        rate
    }
}

/// What one run gave.
struct Figures {
    rate: f64,
    took: Vec<Duration>,
}

async fn run(
    options: &Options,
    title: &str,
    subject: &Subject,
    workload: Workload,
    callers: usize,
    baselines: &[f64],
) -> f64 {
    memory::forget_peak();
    let Figures { rate, took } = figures(options, subject, workload, callers).await;
    let peak = memory::peak_mib().map_or_else(|| "?".to_owned(), |peak| peak.to_string());
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_micros();
    let ratios: Vec<_> = baselines.iter().map(|it| format!("{:.2}", rate / it)).collect();
    let ratio = |baseline: usize| ratios.get(baseline).map_or("", String::as_str);
    println!(
        "{title} {:<15} {rate:>9.0} {:>9} {:>9} {peak:>8} {:>7} {:>8}",
        subject.name(),
        at(50),
        at(99),
        ratio(0),
        ratio(1),
    );
    rate
}

async fn figures(
    options: &Options,
    subject: &Subject,
    workload: Workload,
    callers: usize,
) -> Figures {
    let (begun, measured) = (Instant::now(), options.measured);
    let subject = Arc::new(subject.clone());
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let subject = Arc::clone(&subject);
        tasks.spawn(async move {
            let (mut caller, mut took) = (Caller::new(workload), Vec::new());
            while begun.elapsed() < measured {
                let action = caller.next();
                let asked = Instant::now();
                subject.record(action).await;
                took.push(asked.elapsed());
            }
            took
        });
    }
    let mut took: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    Figures { rate, took }
}
