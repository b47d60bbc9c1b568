//! A changeset resolved against a collection: which documents are now what, and which are gone.

use alloc::vec::Vec;

use crate::map::Changes;
use crate::schema::Row;
use crate::value::Value;

/// The net change of the documents of a database: for each, what it was and what it is.
///
/// Ordered by collection and id. A document that ends as it began is not in it.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// # let mut database = Database::new([Note::SCHEMA])?;
/// # let milk = Note { id: 1, title: "Milk".into(), done: None };
/// # let create = Changeset::from(Operation::Create {
/// #     collection: "notes".into(),
/// #     document: milk.to_fields(),
/// # });
/// let delta = database.apply(&create)?;
/// let change = &delta.collection("notes").unwrap()[&Value::from(1)];
/// assert!(change.before.is_none() && change.after.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta(Vec<(&'static str, Changes)>);

/// What became of one document.
///
/// ```
/// # use flux_reducers::*;
/// let change = Change { before: None, after: None };
/// assert_eq!(change, change.clone());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document before, if it was there.
    pub before: Option<Row>,
    /// The document after, if it is there.
    pub after: Option<Row>,
}

impl Delta {
    /// Returns whether nothing changed.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(Delta::default().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the collections that changed.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let delta = database.apply(&create)?;
    /// let names: Vec<_> = delta.collections().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["notes"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collections(&self) -> impl Iterator<Item = (&'static str, &Changes)> {
        self.0.iter().map(|(collection, changes)| (*collection, changes))
    }

    /// Returns the changes of one collection by id.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let delta = database.apply(&create)?;
    /// assert_eq!(delta.collection("notes").map(|changes| changes.len()), Some(1));
    /// assert!(delta.collection("tags").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn collection(&self, collection: &str) -> Option<&Changes> {
        self.0.iter().find(|(name, _)| *name == collection).map(|(_, changes)| changes)
    }

    /// Adds what came after it. The later delta must begin where this one ends.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let mut delta = database.apply(&create)?;
    /// delta.merge(delta.inverse());
    /// assert!(delta.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge(&mut self, later: Self) {
        for (collection, changes) in later.0 {
            for (id, change) in changes {
                self.record(collection, id, change);
            }
        }
    }

    /// Returns the delta that undoes this one.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let before = database.rows("notes", &Query::all())?;
    /// let delta = database.apply(&create)?;
    /// database.apply_delta(&delta.inverse())?;
    /// assert_eq!(database.rows("notes", &Query::all())?, before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn inverse(&self) -> Self {
        let undo =
            |change: &Change| Change { before: change.after.clone(), after: change.before.clone() };
        let undo_all = |changes: &Changes| {
            let mut undone = Changes::new();
            for (id, change) in changes.iter() {
                undone.insert(id.clone(), undo(change));
            }
            undone
        };
        Self(self.0.iter().map(|(collection, changes)| (*collection, undo_all(changes))).collect())
    }

    pub(crate) fn record(&mut self, collection: &'static str, id: Value, mut change: Change) {
        if change.before == change.after {
            return;
        }
        let position = self.0.partition_point(|(name, _)| *name < collection);
        if self.0.get(position).is_none_or(|(name, _)| *name != collection) {
            self.0.insert(position, (collection, Changes::new()));
        }
        let Some((_, changes)) = self.0.get_mut(position) else {
            return;
        };
        if let Some(earlier) = changes.get(&id) {
            change.before.clone_from(&earlier.before);
        }
        if change.before == change.after {
            changes.remove(&id);
            if changes.is_empty() {
                self.0.remove(position);
            }
        } else {
            changes.insert(id, change);
        }
    }
}
