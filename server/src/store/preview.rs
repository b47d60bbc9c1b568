//! What a rebuild would change, without any.

use std::collections::BTreeMap;

use flux_reducers::{Database, Position, Query, Reducer, Row, Schema, Value};

use super::differences::differences;
use crate::backend::{Backend, Settings};
use crate::error::Error;
use crate::schema_changes::schema_changes;
use crate::{backend, generations, reading, replay};

/// Changes that are told one by one; the others are counted.
const CHANGES_TOLD_MAX: usize = 100;

/// What a rebuild would change.
///
/// ```
/// use flux_server::RebuildPreview;
///
/// let told = |it: &RebuildPreview| format!("{} collections", it.collections.len());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildPreview {
    /// The last event of the log, as of which it is.
    pub position: Position,
    /// Whether newer reducers made the tables in use: the rebuild is to be told that it is
    /// [`downgrading`](crate::StoreBuilder::downgrading).
    pub needs_downgrading: bool,
    /// Whether the history would be kept, which is not.
    pub adds_history: bool,
    /// Each collection that there is, or would be.
    pub collections: Vec<CollectionPreview>,
    /// The first 100 documents that would change.
    pub first: Vec<PreviewedChange>,
}

/// What a rebuild would make of a collection.
///
/// ```
/// use flux_server::CollectionPreview;
///
/// let told = |it: &CollectionPreview| format!("{}: {} would change", it.collection, it.changed);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectionPreview {
    /// Its name.
    pub collection: String,
    /// How its fields change, field by field; empty where they stay as they are.
    pub fields: Vec<String>,
    /// How many documents it has.
    pub documents: u64,
    /// How many documents would be there that are not.
    pub added: u64,
    /// How many documents would be other ones.
    pub changed: u64,
    /// How many documents would not be there any more.
    pub removed: u64,
}

/// A document that a rebuild would change.
///
/// ```
/// use flux_server::PreviewedChange;
///
/// let told = |it: &PreviewedChange| format!("{} of {}", it.id, it.collection);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviewedChange {
    /// Its collection.
    pub collection: String,
    /// Its id.
    pub id: Value,
    /// What it is, as JSON; `None` where it is not there.
    pub before: Option<serde_json::Value>,
    /// What it would be.
    pub after: Option<serde_json::Value>,
}

impl RebuildPreview {
    /// Whether anything would change.
    ///
    /// ```
    /// # use flux_server::RebuildPreview;
    /// assert!(!RebuildPreview::default().changes_anything());
    /// ```
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        let changes = |it: &CollectionPreview| !it.fields.is_empty() || it.changes() > 0;
        self.adds_history || self.collections.iter().any(changes)
    }
}

impl CollectionPreview {
    /// Returns how many documents would be there, be other ones, or not be there any more.
    pub(crate) const fn changes(&self) -> u64 {
        self.added + self.changed + self.removed
    }
}

/// Replays the log in memory with these reducers, and compares what they make of it with what the
/// database has.
pub(super) async fn preview(
    url: &str,
    settings: &Settings,
    reducer: &Reducer,
) -> Result<RebuildPreview, Error> {
    let live = backend::open(url, &settings.of_existing(), None).await?;
    let compared = compare(&*live, reducer).await;
    let adds_history = settings.wants_history && !live.keeps_history();
    live.close().await;
    Ok(RebuildPreview { adds_history, ..compared? })
}

async fn compare(live: &dyn Backend, reducer: &Reducer) -> Result<RebuildPreview, Error> {
    let recorded = live.recorded_schemas().await?;
    let mut plans = Vec::new();
    for schema in &recorded {
        plans.push((*schema, Query::all().plan(schema).map_err(Error::Query)?));
    }
    let (rows, end) = reading::rows(live, &plans).await?;
    let replayed = Database::new(reducer.schemas())?;
    let replayed = replay::forwards(live, reducer, replayed, 0, end.position).await?;
    let (_, all) = generations::all(live).await?;
    let in_use = all.iter().find(|it| it.id == live.generation());
    let needs_downgrading = in_use.is_some_and(|it| it.version > reducer.version());
    let position = end.position;
    let mut preview = RebuildPreview { position, needs_downgrading, ..RebuildPreview::default() };
    let mut now: BTreeMap<_, (&'static Schema, Vec<Row>)> = BTreeMap::new();
    for (schema, rows) in recorded.into_iter().zip(rows) {
        now.insert(schema.collection, (schema, rows));
    }
    for schema in replayed.schemas().filter(|schema| !backend::is_log(schema)) {
        let then = super::rows(&replayed, schema.collection, &Query::all())?;
        match now.remove(schema.collection) {
            Some((old, rows)) => preview.add((old, &rows), (schema, &then)),
            None => {
                preview.add((schema, &[]), (schema, &then));
                preview.tell_of_last("the collection is new");
            }
        }
    }
    for (old, rows) in now.into_values() {
        preview.add((old, &rows), (old, &[]));
        preview.tell_of_last("the collection is gone");
    }
    Ok(preview)
}

impl RebuildPreview {
    fn tell_of_last(&mut self, change: &str) {
        if let Some(last) = self.collections.last_mut() {
            last.fields.push(change.to_owned());
        }
    }

    fn add(&mut self, now: (&'static Schema, &[Row]), then: (&'static Schema, &[Row])) {
        let collection = then.0.collection.to_owned();
        let mut of = CollectionPreview {
            collection: collection.clone(),
            fields: schema_changes(now.0, then.0),
            documents: now.1.len() as u64,
            ..CollectionPreview::default()
        };
        differences(now, then, |id, before, after| {
            match (&before, &after) {
                (None, _) => of.added += 1,
                (_, None) => of.removed += 1,
                _ => of.changed += 1,
            }
            if self.first.len() < CHANGES_TOLD_MAX {
                let (collection, id) = (collection.clone(), id.clone());
                self.first.push(PreviewedChange { collection, id, before, after });
            }
        });
        self.collections.push(of);
    }
}
