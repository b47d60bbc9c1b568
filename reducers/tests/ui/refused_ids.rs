//! Ids and indexes of kinds that can't be one, each refused at the field.
use flux_reducers::{Document, Json};

#[derive(Document)]
#[document(collection = "options")]
struct OptionalId {
    id: Option<i64>,
}

#[derive(Document)]
#[document(collection = "doubles")]
struct DoubleId {
    #[document(id)]
    weight: f64,
}

#[derive(Document)]
#[document(collection = "indexes")]
struct IndexedJson {
    id: i64,
    #[document(index)]
    data: Json,
    #[document(unique)]
    more: Option<Json>,
}

fn main() {}
