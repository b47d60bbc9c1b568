//! What a reducer answers: an ordered list of operations, as data.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::filter::Filter;
use crate::value::Value;

/// An ordered list of operations on collections. Each one sees what those before it did.
///
/// Combination is associative, and the empty changeset is its unit.
///
/// ```
/// use flux_reducers::{Changeset, Operation, Value};
///
/// let destroy = Changeset::from(Operation::DestroyById {
///     collection: "notes".into(),
///     id: Value::Integer(1),
/// });
/// let json = r#"[{"destroyById":{"collection":"notes","id":1}}]"#;
/// assert_eq!(serde_json::to_string(&destroy)?, json);
/// assert_eq!(serde_json::from_str::<Changeset>(json)?, destroy);
/// assert_eq!(destroy.clone().combine(Changeset::no_change()), destroy);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changeset(Vec<Operation>);

/// One operation on one collection.
///
/// ```
/// # use flux_reducers::*;
/// let create = Operation::Create {
///     collection: "notes".into(),
///     document: Fields::new().with("id", 1).with("title", "Milk"),
/// };
/// let json = r#"{"create":{"collection":"notes","document":{"id":1,"title":"Milk"}}}"#;
/// assert_eq!(serde_json::to_string(&create)?, json);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// Adds a document; refused where its id exists.
    Create {
        /// The collection's name.
        collection: Cow<'static, str>,
        /// The document; nullable fields may be missing.
        document: Fields,
    },
    /// Adds a document or replaces the whole one that has its id.
    Upsert {
        /// The collection's name.
        collection: Cow<'static, str>,
        /// The document; nullable fields may be missing.
        document: Fields,
    },
    /// Changes fields of the document with this id, if there is one.
    UpdateById {
        /// The collection's name.
        collection: Cow<'static, str>,
        /// The document's id.
        id: Value,
        /// The fields that change.
        patch: Fields,
    },
    /// Removes the document with this id, if there is one.
    DestroyById {
        /// The collection's name.
        collection: Cow<'static, str>,
        /// The document's id.
        id: Value,
    },
    /// Changes fields of all documents that match.
    UpdateWhere {
        /// The collection's name.
        collection: Cow<'static, str>,
        /// Which documents.
        filter: Filter,
        /// The fields that change.
        patch: Fields,
    },
    /// Removes all documents that match.
    DestroyWhere {
        /// The collection's name.
        collection: Cow<'static, str>,
        /// Which documents.
        filter: Filter,
    },
}

impl Changeset {
    /// Creates the changeset that changes nothing.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(Changeset::no_change().operations().is_empty());
    /// ```
    #[must_use]
    pub const fn no_change() -> Self {
        Self(Vec::new())
    }

    /// Appends the operations of another changeset.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let destroy = |id: i64| {
    ///     Changeset::from(Operation::DestroyById { collection: "notes".into(), id: id.into() })
    /// };
    /// assert_eq!(destroy(1).combine(destroy(2)).operations().len(), 2);
    /// ```
    #[must_use]
    pub fn combine(mut self, later: Self) -> Self {
        if self.0.is_empty() {
            return later;
        }
        self.0.extend(later.0);
        self
    }

    /// Returns the operations in order.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let destroy = |id: i64| {
    ///     Changeset::from(Operation::DestroyById { collection: "notes".into(), id: id.into() })
    /// };
    /// assert_eq!(destroy(1).operations()[0].collection(), "notes");
    /// ```
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }
}

impl Operation {
    /// Returns the name of the collection it changes.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let destroy = |id: i64| {
    ///     Changeset::from(Operation::DestroyById { collection: "notes".into(), id: id.into() })
    /// };
    /// assert_eq!(destroy(1).operations()[0].collection(), "notes");
    /// ```
    #[must_use]
    pub fn collection(&self) -> &str {
        match self {
            Self::Create { collection, .. }
            | Self::Upsert { collection, .. }
            | Self::UpdateById { collection, .. }
            | Self::DestroyById { collection, .. }
            | Self::UpdateWhere { collection, .. }
            | Self::DestroyWhere { collection, .. } => collection,
        }
    }
}

impl From<Operation> for Changeset {
    fn from(operation: Operation) -> Self {
        Self(alloc::vec![operation])
    }
}

/// Combines them in order.
impl FromIterator<Self> for Changeset {
    fn from_iter<I: IntoIterator<Item = Self>>(changesets: I) -> Self {
        changesets.into_iter().fold(Self::no_change(), Self::combine)
    }
}
