//! The store's own tables that are written beside the batches.

use flux_reducers::{Bytes, Document, Enumeration, Position, Schema, Timestamp, Uuid};
use serde::{Deserialize, Serialize};

/// The sets of tables.
pub(crate) const GENERATIONS: &Schema = &schema("flux_generations", Generation::SCHEMA);

/// The snapshots that are whole.
pub(crate) const SNAPSHOTS: &Schema = &schema("flux_snapshots", StoredSnapshot::SCHEMA);

/// Which there are, however much of their records can be read.
pub(crate) const SNAPSHOT_KEYS: &Schema = &schema("flux_snapshots", SnapshotKey::SCHEMA);

/// What is in them.
pub(crate) const SNAPSHOT_PARTS: &Schema = &schema("flux_snapshot_parts", SnapshotPart::SCHEMA);

/// Returns the schema under a name that no user's collection can have.
pub(super) const fn schema(collection: &'static str, of: &Schema) -> Schema {
    Schema { collection, fields: of.fields, id: of.id }
}

/// A snapshot that is whole: it is recorded once all its parts are there.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "snapshots")]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredSnapshot {
    pub(crate) id: String,
    /// The tables that it is of.
    pub(crate) generation: i64,
    /// It has what the first events changed, up to this one.
    pub(crate) position: Position,
    pub(crate) taken_at: Timestamp,
    pub(crate) parts: i64,
    pub(crate) documents: i64,
    pub(crate) bytes: i64,
}

/// By which a snapshot is found.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "snapshots")]
pub(crate) struct SnapshotKey {
    id: String,
    generation: i64,
}

/// Some rows of a snapshot.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "snapshot_parts")]
pub(crate) struct SnapshotPart {
    /// That of the snapshot, and a number from 0.
    pub(crate) id: String,
    #[document(index)]
    pub(crate) snapshot: String,
    pub(crate) bytes: Bytes,
}

/// A set of tables that one version of the reducers and schemas made of the log.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "generations")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Generation {
    pub(crate) id: i64,
    pub(crate) version: u32,
    pub(crate) state: GenerationState,
    /// As far as it was built; of the live one the head tells it.
    pub(crate) position: Position,
    /// Who builds it.
    pub(crate) owner: Option<Uuid>,
    /// When that one was last seen, for people: nothing is decided by it.
    pub(crate) seen_at: Option<Timestamp>,
    /// The program that builds it: what one began no other goes on with, whose reducers may be
    /// others under the same version.
    pub(crate) program: Option<Uuid>,
}

/// What becomes of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Enumeration)]
#[serde(rename_all = "camelCase")]
pub(crate) enum GenerationState {
    /// Not all its tables are there yet.
    Begun,
    /// Made of the log, and not yet in use.
    Building,
    /// The one that the head names.
    Live,
    /// The one before, until it is dropped.
    Kept,
    /// To be dropped; some of its tables may be gone already.
    Dropped,
}
