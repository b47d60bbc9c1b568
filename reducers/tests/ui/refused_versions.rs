//! Versions that are none, or not of a variant.
use flux_reducers::Event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Zero {
    #[event(version = 0)]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Negative {
    #[event(version = -1)]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Text {
    #[event(version = "2")]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum TooLarge {
    #[event(version = 4294967296)]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum WithoutNumber {
    #[event(version)]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum Twice {
    #[event(version = 2, version = 3)]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum OtherName {
    #[event(versions = 2)]
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[event(version = 2)]
enum OfEnum {
    Added,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum OfField {
    Added {
        #[event(version = 2)]
        id: i64,
    },
}

fn main() {}
