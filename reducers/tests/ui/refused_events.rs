//! Events that are no Flux Standard Actions.
use flux_reducers::{Describe, Event};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Event)]
enum Untagged {
    Added { id: i64 },
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type")]
enum WithoutContent {
    Added { id: i64 },
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "kind", content = "payload")]
enum OtherTag {
    Added { id: i64 },
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum TwoFields {
    Added(i64, String),
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Generic<T> {
    Added(T),
}

#[derive(Event)]
struct Struct {
    id: i64,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Other {
    Added { id: i64 },
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Skipped {
    Added {
        #[serde(skip)]
        id: i64,
    },
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Twice {
    Added,
    #[serde(rename = "Added")]
    Removed,
}

#[derive(Serialize, Deserialize, Describe)]
struct Tuple(i64);

fn main() {}
