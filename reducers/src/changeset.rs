//! What a reducer answers: an ordered list of operations, as data.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::database::{self, Table};
use crate::delta::Delta;
use crate::fields::Fields;
use crate::filter::Filter;
use crate::halt::Halt;
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
#[serde(from = "Vec<Operation>", into = "Vec<Operation>")]
pub struct Changeset {
    operations: Vec<Operation>,
    by_filter: ByFilter,
}

/// How an operation with a filter is applied: where there is none, a package of WebAssembly has no code
/// for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByFilter(pub(crate) Option<OperateByFilter>);

type OperateByFilter = fn(&mut Table, &Operation, Option<&mut Delta>) -> Result<(), Halt>;

/// It follows from the operations.
impl PartialEq for ByFilter {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ByFilter {}

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
        Self { operations: Vec::new(), by_filter: ByFilter(None) }
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
        if self.operations.is_empty() {
            return later;
        }
        self.operations.extend(later.operations);
        self.by_filter.0 = self.by_filter.0.or(later.by_filter.0);
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
        &self.operations
    }

    pub(crate) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }

    /// Creates a changeset of an operation without a filter.
    pub(crate) fn without_filter(operation: Operation) -> Self {
        Self { operations: alloc::vec![operation], by_filter: ByFilter(None) }
    }

    pub(crate) const fn by_filter(&self) -> ByFilter {
        self.by_filter
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
        Self::from(alloc::vec![operation])
    }
}

impl From<Vec<Operation>> for Changeset {
    fn from(operations: Vec<Operation>) -> Self {
        Self { operations, by_filter: ByFilter(Some(database::operate_by_filter)) }
    }
}

impl From<Changeset> for Vec<Operation> {
    fn from(changeset: Changeset) -> Self {
        changeset.operations
    }
}

/// Combines them in order.
impl FromIterator<Self> for Changeset {
    fn from_iter<I: IntoIterator<Item = Self>>(changesets: I) -> Self {
        changesets.into_iter().fold(Self::no_change(), Self::combine)
    }
}
