//! Callers that dispatch until they are told to stop, and retry until they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

const CALLERS: usize = 16;

/// The most events that are acknowledged between two failures.
const ANSWERS_MAX: usize = 400;

/// A server that runs answers within 30 s, whatever its database does; a little for the way.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(35);

/// How a server refuses what may be tried again.
const RETRYABLE: &[&str] = &["busy", "database_failed", SUPERSEDED, "unanswered"];

/// How one refuses whose tables were replaced.
const SUPERSEDED: &str = "superseded";

/// Callers at work.
pub(crate) struct Load {
    callers: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    told: Told,
}

/// What the callers were told so far.
#[derive(Clone, Default)]
struct Told {
    /// The acknowledged events.
    answers: watch::Sender<Vec<Value>>,
    refusals: watch::Sender<usize>,
    /// How many refusals were of a server whose tables were replaced.
    superseded: watch::Sender<usize>,
}

impl Load {
    /// Starts the callers; each asks the servers in turn.
    pub(crate) fn start(addresses: &[String]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Told::default();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (is_over, told) = (Arc::clone(&is_over), told.clone());
            let addresses = addresses.to_vec();
            callers.spawn(async move { call(&addresses, caller, &is_over, &told).await });
        }
        Self { callers, is_over, told }
    }

    /// Waits until that many more events are acknowledged.
    pub(crate) async fn answered(&self, more: usize) {
        let mut answers = self.told.answers.subscribe();
        let until = answers.borrow_and_update().len() + more;
        answers.wait_for(|answers| answers.len() >= until).await.unwrap();
    }

    /// Returns the events that are acknowledged so far.
    pub(crate) fn acknowledged(&self) -> Vec<Value> {
        self.told.answers.borrow().clone()
    }

    /// Waits until every caller may have been refused, with an error that says to try again.
    pub(crate) async fn refused(&self) {
        let mut refusals = self.told.refusals.subscribe();
        let until = *refusals.borrow_and_update() + CALLERS;
        refusals.wait_for(|refusals| *refusals >= until).await.unwrap();
    }

    /// Waits until a server refuses whose tables were replaced.
    pub(crate) async fn superseded(&self) {
        self.told.superseded.subscribe().changed().await.unwrap();
    }

    /// Waits until every caller's last event is answered; returns the acknowledged events.
    pub(crate) async fn finish(self) -> Vec<Value> {
        self.is_over.store(true, Ordering::Relaxed);
        self.callers.join_all().await;
        self.told.answers.send_replace(Vec::new())
    }
}

/// A random number of answers to wait for before something fails: it comes in the middle of
/// whatever the other callers' events are at.
pub(crate) fn some() -> usize {
    1 + Uuid::new_v4().as_u128() as usize % ANSWERS_MAX
}

async fn call(addresses: &[String], caller: usize, is_over: &AtomicBool, told: &Told) {
    let client = Client::builder().timeout(ANSWER_TIMEOUT).build().unwrap();
    let mut note = Uuid::new_v4();
    for round in 0_usize.. {
        if round > 0 && is_over.load(Ordering::Relaxed) {
            break;
        }
        let address = &addresses[(caller + round) % addresses.len()];
        let (event_type, payload) = match round % 4 {
            0 => {
                note = Uuid::new_v4();
                let created = "2026-01-01T00:00:00.000Z";
                let payload = json!({ "id": note, "title": "t", "text": "x".repeat(150), "createdAt": created });
                ("noteAdded", payload)
            }
            1 => ("noteTitleEdited", json!({ "id": note, "title": format!("round {round}") })),
            2 => ("noteContentEdited", json!({ "id": note, "text": "edited" })),
            _ if caller.is_multiple_of(2) => ("noteRemoved", json!({ "id": note })),
            _ => ("noteTitleEdited", json!({ "id": note, "title": "kept" })),
        };
        let action = json!({ "id": Uuid::new_v4(), "type": event_type, "payload": payload });
        let acknowledged = dispatch(&client, address, &action, told).await;
        told.answers.send_modify(|answers| answers.push(acknowledged));
    }
}

/// Asks until it is answered: by the same id, an event is recorded once however often it is sent.
async fn dispatch(client: &Client, address: &str, action: &Value, told: &Told) -> Value {
    loop {
        let request = client.post(format!("http://{address}/api/events")).json(action);
        match request.send().await {
            Ok(response) => {
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                // A server that is killed answers by halves.
                let Ok(answer) = response.json::<Value>().await else { continue };
                if status == 200 {
                    return answer["events"][0].clone();
                }
                let code = answer["code"].as_str().unwrap_or_default();
                assert!(status == 503 && RETRYABLE.contains(&code), "{status} {answer}");
                assert!(headers.contains_key("retry-after"), "{headers:?}");
                told.refusals.send_modify(|refusals| *refusals += 1);
                if code == SUPERSEDED {
                    told.superseded.send_modify(|superseded| *superseded += 1);
                }
            }
            Err(error) => assert!(!error.is_timeout(), "no answer in bounded time: {error}"),
        }
        // Not a wait for anything: it keeps the callers from spinning while nobody listens.
        tokio::task::yield_now().await;
    }
}
