//! The store's own tables that are written beside the batches.

use flux_reducers::{Bytes, Document, Position, Schema, Timestamp};

/// The snapshots that are whole.
pub(crate) const SNAPSHOTS: &Schema = &schema("flux_snapshots", StoredSnapshot::SCHEMA);

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
    /// The version of the reducers and the schemas that it is of.
    pub(crate) made_by: String,
    /// It has what the first events changed, up to this one.
    pub(crate) position: Position,
    pub(crate) taken_at: Timestamp,
    pub(crate) parts: i64,
    pub(crate) documents: i64,
    pub(crate) bytes: i64,
}

/// Some rows of a snapshot.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "snapshot_parts")]
pub(crate) struct SnapshotPart {
    /// That of the snapshot, and a number from 0.
    pub(crate) id: String,
    pub(crate) bytes: Bytes,
}
