//! Payloads whose JSON shape is not known, each refused at the field.
use flux_reducers::{Collection, Document, Event, Reduction, lift};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Point {
    x: f64,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
enum PointEvent {
    Moved { to: Point },
    Drawn(Vec<Point>),
}

struct Plain;

fn reducer(_: &Collection<Plain>, _: &Point) -> Reduction {
    unreachable!()
}

#[derive(Document)]
#[document(collection = "notes")]
struct Note {
    id: i64,
}

fn main() {
    lift(reducer);
    let _ = Note::patch().id(1);
}
