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

/// How long a caller waits for an answer before it asks again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Callers at work.
pub(crate) struct Load {
    callers: JoinSet<Vec<Value>>,
    is_over: Arc<AtomicBool>,
    answers: watch::Sender<usize>,
}

impl Load {
    /// Starts the callers; each asks the servers in turn.
    pub(crate) fn start(addresses: &[String]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let answers = watch::Sender::new(0);
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (is_over, answers) = (Arc::clone(&is_over), answers.clone());
            let addresses = addresses.to_vec();
            callers.spawn(async move { call(&addresses, caller, &is_over, &answers).await });
        }
        Self { callers, is_over, answers }
    }

    /// Waits until that many more events are acknowledged.
    pub(crate) async fn answered(&self, more: usize) {
        let mut answers = self.answers.subscribe();
        let until = *answers.borrow_and_update() + more;
        answers.wait_for(|answers| *answers >= until).await.unwrap();
    }

    /// Waits until every caller's last event is answered; returns the acknowledged events.
    pub(crate) async fn finish(self) -> Vec<Value> {
        self.is_over.store(true, Ordering::Relaxed);
        self.callers.join_all().await.into_iter().flatten().collect()
    }
}

async fn call(
    addresses: &[String],
    caller: usize,
    is_over: &AtomicBool,
    answers: &watch::Sender<usize>,
) -> Vec<Value> {
    let client = Client::builder().timeout(ANSWER_TIMEOUT).build().unwrap();
    let mut acknowledged = Vec::new();
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
        acknowledged.push(dispatch(&client, address, &action).await);
        answers.send_modify(|answers| *answers += 1);
    }
    acknowledged
}

/// Asks until it is answered: by the same id, an event is recorded once however often it is sent.
async fn dispatch(client: &Client, address: &str, action: &Value) -> Value {
    loop {
        let request = client.post(format!("http://{address}/api/events")).json(action);
        if let Ok(response) = request.send().await {
            let status = response.status().as_u16();
            if status == 200
                && let Ok(answer) = response.json::<Value>().await
            {
                return answer["events"][0].clone();
            }
            assert!([200, 503].contains(&status), "a load of valid events is answered {status}");
        }
        // Not a wait for anything: it keeps the callers from spinning while nobody listens.
        tokio::task::yield_now().await;
    }
}
