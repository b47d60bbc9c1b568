//! Enumerations that are not the names of their variants.
use flux_reducers::Enumeration;

#[derive(Enumeration)]
enum WithData {
    Small,
    Custom(u32),
}

#[derive(Enumeration)]
enum WithFields {
    Custom { size: u32 },
}

#[derive(Enumeration)]
struct Struct;

#[derive(Enumeration)]
enum Generic<T> {
    One,
    Many(T),
}

#[derive(Enumeration)]
enum Aliased {
    #[serde(alias = "tiny")]
    Small,
}

#[derive(Enumeration)]
enum Empty {}

#[derive(Enumeration)]
enum Twice {
    #[serde(rename = "one")]
    Two,
    #[serde(rename = "one")]
    One,
}

fn main() {}
