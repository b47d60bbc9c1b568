//! Everything that the derives accept, in a crate that denies warnings.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]

use std::sync::Arc;

use flux_reducers::{
    Bytes, Describe, Document, Enumeration, Event, Json, Stamped, Timestamp, Uuid,
};
use serde::{Deserialize, Serialize};

/// All kinds.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "all_kinds")]
#[serde(rename_all = "camelCase")]
pub struct AllKinds {
    /// The id.
    pub id: Uuid,
    is_bool: bool,
    #[document(index)]
    small_number: i32,
    #[document(unique)]
    big_number: i64,
    #[document(unique, index)]
    positive: u32,
    double: f64,
    #[document(index)]
    text: String,
    shared_text: Arc<str>,
    time: Timestamp,
    bytes: Bytes,
    json: Json,
    size: Size,
    no_bool: Option<bool>,
    #[document(index)]
    no_number: Option<i32>,
    #[document(unique)]
    no_text: Option<String>,
    no_shared_text: Option<Arc<str>>,
    no_time: Option<Timestamp>,
    no_bytes: Option<Bytes>,
    no_json: Option<Json>,
    #[document(index)]
    no_size: Option<Size>,
    r#type: String,
    #[serde(rename = "renamedField")]
    field: String,
}

/// Another field is the id, and fields are named as what the derive uses.
#[derive(Debug, Document)]
#[document(collection = "tags")]
struct Tag {
    #[document(id)]
    name: String,
    id: Option<i64>,
    row: i32,
    patch: i32,
    value: i32,
    with: i32,
    found: i32,
    fields: i32,
    clone: i32,
    into: i32,
}

#[derive(Debug, Document)]
#[document(collection = "only_ids")]
struct OnlyId {
    id: i32,
}

/// Names of variants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Enumeration)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Size {
    /// One.
    Small,
    /// Two.
    VeryLarge,
    /// Three.
    #[serde(rename = "no size at all")]
    None,
}

/// Events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[serde(rename_all = "snake_case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum AnyEvent {
    /// Without a payload.
    #[event(version = 2)]
    Nothing,
    /// With fields.
    Fields {
        /// The id.
        id: Uuid,
        /// In lists.
        parts: Vec<Option<Part>>,
        #[allow(missing_docs)]
        #[serde(default)]
        size: Option<Size>,
        #[allow(missing_docs)]
        name: Arc<str>,
    },
    /// With a struct.
    #[event(version = 1)]
    OnePart(Part),
    /// With a list.
    Parts(Vec<Part>),
    /// Renamed.
    #[serde(rename = "cart/cleared")]
    Cleared {},
}

/// Part of a payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Describe)]
#[serde(rename_all = "UPPERCASE")]
pub struct Part {
    r#type: String,
    data: Json,
}

fn reads<T: Document, E: Event>() -> usize {
    T::SCHEMA.fields.len() + E::VARIANTS.unwrap_or_default().len()
}

fn main() {
    let fields = reads::<AllKinds, AnyEvent>();
    assert_eq!(fields + reads::<Tag, Stamped<AnyEvent>>() + reads::<OnlyId, AnyEvent>(), 48);
    let patch = AllKinds::patch().is_bool(true).shared_text("a").no_size(Size::Small).r#type("a").field("b");
    let _ = (patch, Tag::patch().with(1).into(2).clone(3), OnlyId::patch());
    let names: Vec<_> = AllKinds::SCHEMA.fields.iter().map(|field| field.name).collect();
    assert!(names.ends_with(&["noSize", "type", "renamedField"]), "{names:?}");
}
