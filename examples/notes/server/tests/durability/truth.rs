//! What must hold after any failure: the log, the documents and the followers agree.

use std::collections::HashMap;

use flux_server::Store;
use flux_server::reducers::{Document as _, Query, RecordedEvent, lift};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// Asserts that every acknowledged event is in the log once and as acknowledged, that positions
/// have no gap and time does not go back, and that the documents are those of a replay, whoever
/// else writes meanwhile.
pub(crate) async fn verify(url: &str, acknowledged: &[Value]) {
    let reducer = lift(notes_reducers::notes);
    let store = Store::open(reducer.clone(), url).await.unwrap();
    let read = store.read(&[("events", Query::all()), ("notes", Query::all())]).await.unwrap();
    let [log, notes] = <[_; 2]>::try_from(read.documents).unwrap();
    let event = |row| RecordedEvent::from_row(row).unwrap();
    let mut log: Vec<RecordedEvent> = log.iter().map(event).collect();
    log.sort_unstable_by_key(|event| event.position);
    let mut database = reducer.database().unwrap();
    let mut by_id = HashMap::new();
    for (position, event) in (1..).zip(&log) {
        assert_eq!(event.position, position, "positions have no gap");
        assert!(
            by_id.insert(event.id.to_string(), event).is_none(),
            "an event is in the log twice"
        );
        reducer.run(&mut database, &event.clone().into()).unwrap();
    }
    assert!(log.is_sorted_by_key(|event| event.timestamp), "time does not go back");
    for event in acknowledged {
        let id = event["id"].as_str().unwrap();
        let recorded = by_id.get(id).unwrap_or_else(|| panic!("acknowledged and lost: {event}"));
        assert_eq!(serde_json::to_value(recorded).unwrap(), *event, "as acknowledged");
    }
    let replayed = database.rows("notes", &Query::all()).unwrap();
    assert_eq!(notes, replayed, "the documents are those of a replay");
    store.close().await;
}

/// Follows a server over all that happens to it.
pub(crate) struct Follower {
    until: watch::Sender<Option<i64>>,
    follows: JoinHandle<i64>,
}

impl Follower {
    /// Starts with the first event of the log.
    pub(crate) fn start(address: &str) -> Self {
        let until = watch::Sender::new(None);
        let follows = tokio::spawn(follow(address.to_owned(), until.subscribe()));
        Self { until, follows }
    }

    /// Asserts that it sees all of these events, each once and in order, and ends it.
    pub(crate) async fn sees(self, acknowledged: &[Value]) {
        let last = acknowledged.iter().filter_map(|event| event["position"].as_i64()).max();
        assert!(last.is_some(), "something was acknowledged");
        self.until.send(last).unwrap();
        assert!(Some(self.follows.await.unwrap()) >= last);
    }
}

/// Follows until it has seen the position that is sent to it.
async fn follow(address: String, mut until: watch::Receiver<Option<i64>>) -> i64 {
    let mut position = 0;
    loop {
        if until.borrow_and_update().is_some_and(|until| position >= until) {
            return position;
        }
        let url = format!("ws://{address}/api/websocket?after={position}");
        let Ok((mut socket, _)) = connect_async(url).await else {
            tokio::task::yield_now().await;
            continue;
        };
        loop {
            let message = tokio::select! {
                message = socket.next() => message,
                _ = until.changed() => break,
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    let events: Vec<RecordedEvent> = serde_json::from_str(&text).unwrap();
                    for event in events {
                        assert_eq!(event.position, position + 1, "missed or seen twice");
                        position = event.position;
                    }
                }
                Some(Ok(_)) => {}
                _ => break,
            }
            if until.borrow().is_some_and(|until| position >= until) {
                return position;
            }
        }
    }
}
