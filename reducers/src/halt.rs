//! Why a reducer stopped: it was refused, or it read what is not loaded.

use crate::filter::{Condition, Span};
use crate::rejection::Rejection;
use crate::schema::{Row, Schema};
use crate::value::Value;

/// Why a reducer did not answer with a changeset.
///
/// ```
/// # use flux_reducers::*;
/// let halt = Halt::from(Rejection::new("too_late", "it is too late"));
/// assert_eq!(halt.to_string(), "it is too late");
/// ```
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
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let partial = Database::partial([Note::SCHEMA])?;
/// let Err(Halt::Fault(fault)) = partial.row("notes", &Value::from(1)) else {
///     panic!("a partial database knows nothing yet");
/// };
/// assert_eq!(fault.collection(), "notes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of collection `{}` is not loaded", .schema.collection)]
pub struct Fault {
    schema: &'static Schema,
    wanted: Wanted,
    is_to_be_created: bool,
    matches: Matches,
}

/// Tells by which field an index can look up what is wanted, and where.
type LookUp = fn(&Wanted, &Schema, &mut dyn FnMut(&Span)) -> Option<usize>;

/// How a condition is matched: where there are none, a package has no code for it.
#[derive(Clone, Copy, Debug)]
struct Matches {
    row: fn(&Wanted, &Row) -> bool,
    looked_up: LookUp,
}

impl Matches {
    const ALL: Self = Self { row: |_, _| true, looked_up: |_, _, _| None };
}

/// It follows from what is wanted.
impl PartialEq for Matches {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Matches {}

/// The documents that a [`Fault`] asks for.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let partial = Database::partial([Note::SCHEMA])?;
/// let Err(Halt::Fault(fault)) = partial.row("notes", &Value::from(1)) else {
///     panic!("a partial database knows nothing yet");
/// };
/// assert_eq!(fault.wanted(), &Wanted::Document(Value::from(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// The document with this id, or that there is none.
    Document(Value),
    /// All documents that fulfil this condition.
    Matching(Condition),
}

impl Fault {
    pub(crate) const fn new(schema: &'static Schema, wanted: Wanted) -> Self {
        Self { schema, wanted, is_to_be_created: false, matches: Matches::ALL }
    }

    /// Creates one that asks for the documents that fulfil a condition.
    pub(crate) fn matching(schema: &'static Schema, condition: Condition) -> Self {
        let matches = Matches {
            row: |wanted, row| match wanted {
                Wanted::Matching(condition) => condition.matches(row),
                Wanted::Document(_) => true,
            },
            looked_up: |wanted, schema, each| match wanted {
                Wanted::Matching(condition) => {
                    let (field, spans) = condition.looked_up(schema.indexed())?;
                    spans.iter().for_each(each);
                    Some(field)
                }
                Wanted::Document(_) => None,
            },
        };
        Self { matches, ..Self::new(schema, Wanted::Matching(condition)) }
    }

    /// Returns whether it asks for this row, if it asks for all that fulfil a condition.
    #[doc(hidden)]
    #[must_use]
    pub fn wants(&self, row: &Row) -> bool {
        (self.matches.row)(&self.wanted, row)
    }

    /// Returns the field by which an index can look up the rows that it asks for, where there is one,
    /// and calls a function with each span in one of which that field's value is.
    #[doc(hidden)]
    #[must_use]
    pub fn looked_up(&self, each: &mut dyn FnMut(&Span)) -> Option<usize> {
        (self.matches.looked_up)(&self.wanted, self.schema, each)
    }

    pub(crate) fn for_creation(self) -> Self {
        Self { is_to_be_created: true, ..self }
    }

    /// Returns whether the document is asked for because it is to be created. Whoever can tell
    /// later that it was there may assume that it is not.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let mut partial = Database::partial([Note::SCHEMA])?;
    /// let notes = partial.collection::<Note>()?;
    /// let created = notes.create(Note { id: 1, title: "Milk".into(), done: None });
    /// let Err(Halt::Fault(fault)) = partial.apply(&created) else {
    ///     panic!("a partial database does not know whether note 1 is there");
    /// };
    /// assert!(fault.is_to_be_created());
    /// partial.load(&fault, [])?;
    /// assert!(partial.apply(&created).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_to_be_created(&self) -> bool {
        self.is_to_be_created
    }

    /// Returns the collection's name.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let partial = Database::partial([Note::SCHEMA])?;
    /// # let Err(Halt::Fault(fault)) = partial.row("notes", &Value::from(1)) else {
    /// #     panic!("a partial database knows nothing yet");
    /// # };
    /// assert_eq!(fault.collection(), "notes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn collection(&self) -> &'static str {
        self.schema.collection
    }

    /// Returns the collection's schema.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let partial = Database::partial([Note::SCHEMA])?;
    /// # let Err(Halt::Fault(fault)) = partial.row("notes", &Value::from(1)) else {
    /// #     panic!("a partial database knows nothing yet");
    /// # };
    /// assert_eq!(fault.schema(), Note::SCHEMA);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Returns the documents asked for.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let partial = Database::partial([Note::SCHEMA])?;
    /// # let Err(Halt::Fault(fault)) = partial.row("notes", &Value::from(1)) else {
    /// #     panic!("a partial database knows nothing yet");
    /// # };
    /// assert!(matches!(fault.wanted(), Wanted::Document(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }
}
