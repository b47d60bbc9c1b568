//! Documents that no database could hold, each refused at its own place.
use flux_reducers::{Document, Json};

#[derive(Document)]
struct NoCollection {
    id: i64,
}

#[derive(Document)]
#[document(collection = "no_ids")]
struct NoId {
    name: String,
}

#[derive(Document)]
#[document(collection = "two_ids")]
struct TwoIds {
    #[document(id)]
    one: i64,
    #[document(id)]
    two: i64,
}

#[derive(Document)]
#[document(collection = "tuples")]
struct Tuple(i64, String);

#[derive(Document)]
#[document(collection = "units")]
struct Unit;

#[derive(Document)]
#[document(collection = "enums")]
enum Enum {
    One { id: i64 },
}

#[derive(Document)]
#[document(collection = "generics")]
struct Generic<T> {
    id: i64,
    value: T,
}

#[derive(Document)]
#[document(collection = "borrows")]
struct Borrowed<'a> {
    id: i64,
    text: &'a str,
}

#[derive(Document)]
#[document(collection = "Capital")]
struct BadCollection {
    id: i64,
}

#[derive(Document)]
#[document(collection = "Flux_own")]
struct CapitalFlux {
    id: i64,
}

#[derive(Document)]
#[document(collection = "fLUX_own")]
struct StoresOwn {
    id: i64,
}

#[derive(Document)]
#[document(collection = "kebabs")]
#[serde(rename_all = "kebab-case")]
struct BadField {
    id: i64,
    two_words: String,
}

#[derive(Document)]
#[document(collection = "renames")]
struct BadRename {
    id: i64,
    #[serde(rename = "Title")]
    title: String,
}

#[derive(Document)]
#[document(table = "notes")]
struct WrongKey {
    id: i64,
}

#[derive(Document)]
#[document(collection = "flags")]
struct WrongFlag {
    id: i64,
    #[document(indexed)]
    title: String,
}

#[derive(Document)]
#[document(collection = "flats")]
struct Flattened {
    id: i64,
    #[serde(flatten)]
    rest: Json,
}

#[derive(Document)]
#[document(collection = "skips")]
struct Skipped {
    id: i64,
    #[serde(skip)]
    cache: String,
}

#[derive(Document)]
#[document(collection = "rules")]
#[serde(rename_all = "camelcase")]
struct WrongRule {
    id: i64,
}

#[derive(Document)]
#[document(collection = "same_names")]
struct SameNames {
    id: i64,
    #[serde(rename = "title")]
    name: String,
    title: String,
}

fn main() {}
