//! Why a reducer stopped: it was refused, or it read what is not loaded.

use crate::filter::Condition;
use crate::rejection::Rejection;
use crate::schema::Schema;
use crate::value::Value;

/// Why a reducer did not answer with a changeset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The event is refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Something it reads is not loaded: load it and run it again. A whole database has no faults.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a partial database is asked for and does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of collection `{}` is not loaded", .schema.collection)]
pub struct Fault {
    schema: &'static Schema,
    wanted: Wanted,
}

/// The documents that a [`Fault`] asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// The document with this id, or that there is none.
    Document(Value),
    /// All documents that fulfil this condition.
    Matching(Condition),
}

impl Fault {
    pub(crate) const fn new(schema: &'static Schema, wanted: Wanted) -> Self {
        Self { schema, wanted }
    }

    /// Returns the collection's name.
    #[must_use]
    pub const fn collection(&self) -> &'static str {
        self.schema.collection
    }

    /// Returns the collection's schema.
    #[must_use]
    pub const fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Returns the documents asked for.
    #[must_use]
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }
}
