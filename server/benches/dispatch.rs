//! Dispatches per second of the store, beside hand-written SQL that commits each event by itself.
//!
//! `cargo bench -p flux-server --all-features --bench dispatch`; SQLite always, PostgreSQL and
//! MySQL where `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` are set (`cargo xtask databases`).

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_server::Store;
use flux_server::reducers::{Collection, Document, Event, Reduction, Uuid, lift};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

mod by_hand;

const CALLERS: &[usize] = &[1, 8, 64, 512];

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(3);

#[derive(Clone, Document)]
#[document(collection = "notes")]
struct Note {
    id: Uuid,
    title: String,
    text: String,
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[allow(clippy::enum_variant_names, reason = "the names of the events")]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum NoteEvent {
    NoteAdded { id: Uuid, title: String, text: String },
    NoteTitleEdited { id: Uuid, title: String },
    NoteRemoved { id: Uuid },
}

fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    Ok(match event.clone() {
        NoteEvent::NoteAdded { id, title, text } => notes.create(Note { id, title, text }),
        NoteEvent::NoteTitleEdited { id, title } => {
            notes.update_by_id(id, Note::patch().title(title))
        }
        NoteEvent::NoteRemoved { id } => notes.destroy_by_id(id),
    })
}

/// What the callers do: 70 % create, 20 % update, 10 % remove, of a caller's own notes.
struct Caller {
    round: u32,
    note: Uuid,
}

impl Caller {
    fn new() -> Self {
        Self { round: 0, note: Uuid::now_v7() }
    }

    fn next(&mut self) -> NoteEvent {
        self.round += 1;
        match self.round % 10 {
            8 | 9 => NoteEvent::NoteTitleEdited { id: self.note, title: "edited".into() },
            0 => NoteEvent::NoteRemoved { id: self.note },
            _ => {
                self.note = Uuid::now_v7();
                let (title, text) = ("a title".into(), "x".repeat(100));
                NoteEvent::NoteAdded { id: self.note, title, text }
            }
        }
    }
}

/// Something that records events.
enum Subject {
    Store(Store),
    ByHand(by_hand::ByHand),
}

impl Subject {
    async fn record(&self, event: &NoteEvent) {
        match self {
            Self::Store(store) => {
                store.dispatch(event).await.unwrap();
            }
            Self::ByHand(by_hand) => by_hand.record(&event.to_action().unwrap()).await,
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!(
            "{:<10} {:>7} {:<8} {:>9} {:>9} {:>9} {:>6}",
            "database", "callers", "what", "events/s", "p50 µs", "p99 µs", "ratio"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
        measure("sqlite", &file("store.db"), &file("by-hand.db")).await;
        for (name, variable) in [("postgres", "TEST_POSTGRES_URL"), ("mysql", "TEST_MYSQL_URL")] {
            match std::env::var(variable) {
                Ok(url) => measure(name, &url, &url).await,
                Err(_) => println!("{name:<10} not measured: {variable} is not set"),
            }
        }
    });
}

async fn measure(database: &str, store_url: &str, by_hand_url: &str) {
    for callers in CALLERS {
        let namespace = format!("b{}", &Uuid::now_v7().simple().to_string()[21..]);
        let store = Store::builder(lift(notes), store_url).namespace(&namespace).open().await;
        let store = store.unwrap();
        let by_hand = by_hand::ByHand::open(by_hand_url, &namespace).await;
        let baseline = run(database, *callers, "by hand", Subject::ByHand(by_hand), None).await;
        run(database, *callers, "store", Subject::Store(store), Some(baseline)).await;
    }
}

async fn run(
    database: &str,
    callers: usize,
    what: &str,
    subject: Subject,
    baseline: Option<f64>,
) -> f64 {
    let subject = Arc::new(subject);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let subject = Arc::clone(&subject);
        tasks.spawn(async move {
            let (mut caller, mut took) = (Caller::new(), Vec::new());
            while begun.elapsed() < MEASURED {
                let event = caller.next();
                let asked = Instant::now();
                subject.record(&event).await;
                took.push(asked.elapsed());
            }
            took
        });
    }
    let mut took: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_micros();
    let ratio = baseline.map(|baseline| format!("{:.2}", rate / baseline)).unwrap_or_default();
    println!(
        "{database:<10} {callers:>7} {what:<8} {rate:>9.0} {:>9} {:>9} {ratio:>6}",
        at(50),
        at(99)
    );
    rate
}
