//! Dispatches per second of the store, beside what one would write by hand.
//!
//! `cargo bench -p flux-server --features mysql,postgres --bench dispatch`; SQLite always, PostgreSQL and
//! MySQL where `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` are set (`cargo xtask databases`). After
//! `--`, `only=postgres` measures one database, `log=0` only an empty log, `callers=1,64` only
//! these, `seconds=10` each for longer.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flux_server::Store;
use flux_server::reducers::{Action, Event as _, Query, Uuid, lift};
use tokio::task::JoinSet;

use arguments::{DATABASES, given, numbers};
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
}

impl Options {
    fn of_arguments() -> Self {
        Self {
            only: given("only"),
            logs: numbers("log", "0,1000000"),
            callers: numbers("callers", "1,8,64,512"),
            measured: Duration::from_secs(numbers("seconds", "3")[0] as u64),
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
    runtime.block_on(async {
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
                measure(&options, name, &urls, *log).await;
            }
        }
    });
}

/// Measures one database with one length of the log.
async fn measure(options: &Options, database: &str, urls: &[String; 2], log: usize) {
    let namespace = format!("b{}", &Uuid::now_v7().simple().to_string()[21..]);
    let tables = Tables::new(&namespace);
    let each = Subject::Each(Each::open(&urls[0], &tables).await);
    let group = Subject::Group(Group::open(&urls[0], &tables).await);
    let store = Store::builder(lift(notes), &urls[1]).namespace(&namespace).open().await;
    let store = Subject::Store(store.unwrap());
    let hot = Uuid::now_v7();
    for subject in [&group, &store] {
        subject.fill(log).await;
        subject.record(added(hot, true).to_action().unwrap()).await;
    }
    let title = |workload: Workload, callers: usize| {
        format!("{database:<9} {log:>8} {:<6} {callers:>7}", workload.name())
    };
    for callers in &options.callers {
        let mut rates = Vec::new();
        for subject in [&each, &group, &store] {
            let title = title(Workload::Mixed, *callers);
            rates.push(run(options, &title, subject, Workload::Mixed, *callers, &rates).await);
        }
    }
    let mut rates = Vec::new();
    for subject in [&each, &group, &store] {
        let readers = Readers::start(&store);
        let title = format!("{database:<9} {log:>8} {:<6} {:>7}", "read", 64);
        rates.push(run(options, &title, subject, Workload::Mixed, 64, &rates).await);
        println!("{:>34} {:.0} pages/s are read meanwhile", "", readers.stop().await);
    }
    // Against itself: the callers of one note with callers of their own notes.
    let mixed = run_quietly(options, &store, Workload::Mixed, 64).await;
    let workload = Workload::Hot(hot);
    let rate = run(options, &title(workload, 64), &store, workload, 64, &[]).await;
    println!("{:>34} {:.2} of 64 callers with notes of their own", "", rate / mixed);
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

async fn run_quietly(
    options: &Options,
    subject: &Subject,
    workload: Workload,
    callers: usize,
) -> f64 {
    figures(options, subject, workload, callers).await.rate
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
