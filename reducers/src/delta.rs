//! A changeset resolved against a collection: which documents are now what, and which are gone.

use alloc::collections::BTreeMap;

use crate::schema::Row;
use crate::value::Value;

/// The net change of the documents of a database: for each, what it was and what it is.
///
/// Ordered by collection and id. A document that ends as it began is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta(BTreeMap<&'static str, BTreeMap<Value, Change>>);

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document before, if it was there.
    pub before: Option<Row>,
    /// The document after, if it is there.
    pub after: Option<Row>,
}

impl Delta {
    /// Returns whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the collections that changed.
    pub fn collections(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<Value, Change>)> {
        self.0.iter().map(|(collection, changes)| (*collection, changes))
    }

    /// Returns the changes of one collection by id.
    #[must_use]
    pub fn collection(&self, collection: &str) -> Option<&BTreeMap<Value, Change>> {
        self.0.get(collection)
    }

    /// Adds what came after it. The later delta must begin where this one ends.
    pub fn merge(&mut self, later: Self) {
        for (collection, changes) in later.0 {
            for (id, change) in changes {
                self.record(collection, id, change);
            }
        }
    }

    /// Returns the delta that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let undo =
            |change: &Change| Change { before: change.after.clone(), after: change.before.clone() };
        let undo_all = |changes: &BTreeMap<Value, Change>| {
            changes.iter().map(|(id, change)| (id.clone(), undo(change))).collect()
        };
        Self(self.0.iter().map(|(collection, changes)| (*collection, undo_all(changes))).collect())
    }

    pub(crate) fn record(&mut self, collection: &'static str, id: Value, change: Change) {
        use alloc::collections::btree_map::Entry;
        if change.before == change.after {
            return;
        }
        let changes = self.0.entry(collection).or_default();
        match changes.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(change);
            }
            Entry::Occupied(mut entry) if entry.get().before != change.after => {
                entry.get_mut().after = change.after;
            }
            Entry::Occupied(entry) => {
                entry.remove();
            }
        }
        if changes.is_empty() {
            self.0.remove(collection);
        }
    }
}
