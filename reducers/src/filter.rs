//! Which documents: conditions as data, with the same meaning in memory and in SQL.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::rejection::{Rejection, code};
use crate::schema::{Field, Kind, Row, Schema};
use crate::value::Value;

mod spans;

pub use spans::{Span, after_all_with};

/// A condition on the fields of a document.
///
/// It is always true or false, never unknown: a null field equals null, differs from everything
/// else, and fulfils no `lt`, `le`, `gt`, `ge`, `startsWith` or `contains`. Text compares by code
/// point and case-sensitively.
///
/// ```
/// use flux_reducers::Filter;
///
/// let filter = Filter::eq("done", false) & Filter::starts_with("title", "M");
/// let json = r#"{"and":[{"eq":["done",false]},{"startsWith":["title","M"]}]}"#;
/// assert_eq!(serde_json::to_string(&filter)?, json);
/// assert_eq!(serde_json::from_str::<Filter>(json)?, filter);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Filter {
    /// The field has this value.
    Eq(String, Value),
    /// The field has another value than this, or none.
    Ne(String, Value),
    /// The field's value is less.
    Lt(String, Value),
    /// The field's value is less or equal.
    Le(String, Value),
    /// The field's value is greater.
    Gt(String, Value),
    /// The field's value is greater or equal.
    Ge(String, Value),
    /// The field has one of these values.
    In(String, Vec<Value>),
    /// The field is null.
    IsNull(String),
    /// The field's text starts with this text.
    StartsWith(String, String),
    /// The field's text contains this text.
    Contains(String, String),
    /// All of these hold; of none, all documents.
    And(Vec<Self>),
    /// At least one of these holds; of none, no document.
    Or(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

macro_rules! comparison {
    ($($function:ident $variant:ident $text:literal;)*) => {$(
        #[doc = concat!("Creates the condition that the field's value is ", $text, ".")]
        ///
        /// ```
        /// use flux_reducers::Filter;
        ///
        #[doc = concat!("let filter = Filter::", stringify!($function), "(\"size\", 7);")]
        #[doc = concat!("assert!(matches!(filter, Filter::", stringify!($variant), "(..)));")]
        /// ```
        pub fn $function(field: impl Into<String>, value: impl Into<Value>) -> Self {
            Self::$variant(field.into(), value.into())
        }
    )*};
}

/// The most parts that a filter has, each value of an `in` counted: SQLite takes 32,766 parameters
/// in one statement, and some parts need two.
pub const FILTER_PARTS_MAX: usize = 8192;

/// How deep the parts of a filter may be within each other.
pub const FILTER_DEPTH_MAX: usize = 64;

impl Filter {
    /// Creates the condition that every document fulfils.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let row = |done: Option<bool>| Note::SCHEMA.row([1.into(), "Milk".into(), done.into()]);
    /// # let holds = |filter: Filter, done| -> Result<bool, Rejection> {
    /// #     Ok(filter.condition(Note::SCHEMA)?.matches(&row(done)?))
    /// # };
    /// assert!(holds(Filter::all(), None)?);
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    comparison! {
        eq Eq "this one";
        ne Ne "another one, or null";
        lt Lt "less";
        le Le "less or equal";
        gt Gt "greater";
        ge Ge "greater or equal";
    }

    /// Creates the condition that the field has one of these values.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let row = |done: Option<bool>| Note::SCHEMA.row([1.into(), "Milk".into(), done.into()]);
    /// # let holds = |filter: Filter, done| -> Result<bool, Rejection> {
    /// #     Ok(filter.condition(Note::SCHEMA)?.matches(&row(done)?))
    /// # };
    /// assert!(holds(Filter::is_in("title", ["Milk", "Oats"]), None)?);
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn is_in<V: Into<Value>>(
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::In(field.into(), values.into_iter().map(Into::into).collect())
    }

    /// Creates the condition that the field is null.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let row = |done: Option<bool>| Note::SCHEMA.row([1.into(), "Milk".into(), done.into()]);
    /// # let holds = |filter: Filter, done| -> Result<bool, Rejection> {
    /// #     Ok(filter.condition(Note::SCHEMA)?.matches(&row(done)?))
    /// # };
    /// assert!(holds(Filter::is_null("done"), None)?);
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn is_null(field: impl Into<String>) -> Self {
        Self::IsNull(field.into())
    }

    /// Creates the condition that the field's text starts with this text.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let row = |done: Option<bool>| Note::SCHEMA.row([1.into(), "Milk".into(), done.into()]);
    /// # let holds = |filter: Filter, done| -> Result<bool, Rejection> {
    /// #     Ok(filter.condition(Note::SCHEMA)?.matches(&row(done)?))
    /// # };
    /// assert!(holds(Filter::starts_with("title", "Mi"), None)?);
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn starts_with(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::StartsWith(field.into(), text.into())
    }

    /// Creates the condition that the field's text contains this text.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let row = |done: Option<bool>| Note::SCHEMA.row([1.into(), "Milk".into(), done.into()]);
    /// # let holds = |filter: Filter, done| -> Result<bool, Rejection> {
    /// #     Ok(filter.condition(Note::SCHEMA)?.matches(&row(done)?))
    /// # };
    /// assert!(holds(Filter::contains("title", "il"), None)?);
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn contains(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Contains(field.into(), text.into())
    }

    /// Checks the filter against a schema: names become positions, values get their field's kind.
    ///
    /// # Errors
    /// A rejection `unknown_field` or `invalid_filter` that names the field.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert!(Filter::eq("title", "Milk").condition(Note::SCHEMA).is_ok());
    /// let rejection = Filter::eq("color", "red").condition(Note::SCHEMA).unwrap_err();
    /// assert_eq!(rejection.code(), code::UNKNOWN_FIELD);
    /// ```
    pub fn condition(&self, schema: &Schema) -> Result<Condition, Rejection> {
        self.check_size(1, &mut 0)?;
        self.resolve(schema)
    }

    /// Makes sure that it is no larger than what every database can take.
    fn check_size(&self, depth: usize, parts: &mut usize) -> Result<(), Rejection> {
        let inner = match self {
            Self::And(filters) | Self::Or(filters) => filters.as_slice(),
            Self::Not(filter) => core::slice::from_ref(&**filter),
            _ => &[],
        };
        *parts += if let Self::In(_, values) = self { values.len() } else { 1 };
        if *parts > FILTER_PARTS_MAX || depth > FILTER_DEPTH_MAX {
            return Err(Rejection::new(
                code::INVALID_FILTER,
                alloc::format!(
                    "a filter has at most {FILTER_PARTS_MAX} parts and values, and at most \
                     {FILTER_DEPTH_MAX} within each other: ask in several queries"
                ),
            ));
        }
        inner.iter().try_for_each(|filter| filter.check_size(depth + 1, parts))
    }

    fn resolve(&self, schema: &Schema) -> Result<Condition, Rejection> {
        let compare = |name: &str, comparison, value: &Value| {
            let (field, declared) = declared(schema, name)?;
            if value.is_null() {
                return Err(misuse(name, "null has no order: use `isNull`"));
            }
            if matches!(declared.kind, Kind::Json) {
                return Err(misuse(name, "JSON has no order: use `eq`, `ne`, `in`, `isNull`"));
            }
            let value = operand(declared, value)?;
            Ok(Condition::Compare { field, comparison, value })
        };
        let text = |name: &str, text: &str| {
            let (field, declared) = declared(schema, name)?;
            if !matches!(declared.kind, Kind::Text | Kind::Enumeration(_)) {
                return Err(misuse(
                    name,
                    "`startsWith` and `contains` are for text, and this field is not",
                ));
            }
            operand(&Field { kind: Kind::Text, ..*declared }, &Value::from(text))?;
            Ok((field, Arc::from(text)))
        };
        Ok(match self {
            Self::Eq(name, value) => equal(schema, name, value)?,
            Self::Ne(name, value) => Condition::Not(Box::new(equal(schema, name, value)?)),
            Self::Lt(name, value) => compare(name, Comparison::Lt, value)?,
            Self::Le(name, value) => compare(name, Comparison::Le, value)?,
            Self::Gt(name, value) => compare(name, Comparison::Gt, value)?,
            Self::Ge(name, value) => compare(name, Comparison::Ge, value)?,
            Self::In(name, values) => {
                declared(schema, name)?;
                let all: Result<_, _> = values.iter().map(|it| equal(schema, name, it)).collect();
                Condition::Or(all?)
            }
            Self::IsNull(name) => Condition::IsNull { field: schema.position(name)? },
            Self::StartsWith(name, prefix) => {
                let (field, text) = text(name, prefix)?;
                Condition::StartsWith { field, text }
            }
            Self::Contains(name, part) => {
                let (field, text) = text(name, part)?;
                Condition::Contains { field, text }
            }
            Self::And(filters) => Condition::And(conditions(filters, schema)?),
            Self::Or(filters) => Condition::Or(conditions(filters, schema)?),
            Self::Not(filter) => Condition::Not(Box::new(filter.resolve(schema)?)),
        })
    }
}

impl core::ops::BitAnd for Filter {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match self {
            Self::And(mut filters) => {
                filters.push(other);
                Self::And(filters)
            }
            filter => Self::And(alloc::vec![filter, other]),
        }
    }
}

impl core::ops::BitOr for Filter {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        match self {
            Self::Or(mut filters) => {
                filters.push(other);
                Self::Or(filters)
            }
            filter => Self::Or(alloc::vec![filter, other]),
        }
    }
}

impl core::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// A [`Filter`] checked against a schema: fields by position, values of the field's kind, no null.
///
/// This is what is matched in memory and what a database's SQL is made from.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let condition = Filter::is_null("done").condition(Note::SCHEMA)?;
/// assert_eq!(condition, Condition::IsNull { field: 2 });
/// # Ok::<(), Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// A comparison with a value that is not null. A null field fulfils none.
    Compare {
        /// The field's position.
        field: usize,
        /// How they compare.
        comparison: Comparison,
        /// The value on the right.
        value: Value,
    },
    /// The field is null.
    IsNull {
        /// The field's position.
        field: usize,
    },
    /// The field's text starts with this text.
    StartsWith {
        /// The field's position.
        field: usize,
        /// The text.
        text: Arc<str>,
    },
    /// The field's text contains this text.
    Contains {
        /// The field's position.
        field: usize,
        /// The text.
        text: Arc<str>,
    },
    /// All hold.
    And(Vec<Self>),
    /// One holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
}

/// How a field's value and an operand compare.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let condition = Filter::lt("id", 7).condition(Note::SCHEMA)?;
/// assert!(matches!(condition, Condition::Compare { comparison: Comparison::Lt, .. }));
/// # Ok::<(), Rejection>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

impl Condition {
    /// Returns the condition that every document fulfils.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// assert_eq!(Filter::all().condition(Note::SCHEMA)?, Condition::all());
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    /// Returns the condition that a field has this value, which is not null.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let condition = Filter::eq("id", 7).condition(Note::SCHEMA)?;
    /// assert_eq!(condition, Condition::equal(0, Value::from(7)));
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub const fn equal(field: usize, value: Value) -> Self {
        Self::Compare { field, comparison: Comparison::Eq, value }
    }

    /// Returns whether a row fulfils it.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
    /// let condition = Filter::ne("done", true).condition(Note::SCHEMA)?;
    /// assert!(condition.matches(&row), "null is not true");
    /// # Ok::<(), Rejection>(())
    /// ```
    #[must_use]
    pub fn matches(&self, row: &Row) -> bool {
        match self {
            Self::Compare { field, comparison, value } => {
                !row[*field].is_null() && comparison.holds(row[*field].cmp(value))
            }
            Self::IsNull { field } => row[*field].is_null(),
            Self::StartsWith { field, text } => {
                row[*field].as_text().is_some_and(|value| value.starts_with(&**text))
            }
            Self::Contains { field, text } => {
                row[*field].as_text().is_some_and(|value| value.contains(&**text))
            }
            Self::And(all) => all.iter().all(|condition| condition.matches(row)),
            Self::Or(any) => any.iter().any(|condition| condition.matches(row)),
            Self::Not(condition) => !condition.matches(row),
        }
    }
}

impl Comparison {
    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}

pub(crate) fn declared<'a>(
    schema: &'a Schema,
    name: &str,
) -> Result<(usize, &'a Field), Rejection> {
    let position = schema.position(name)?;
    Ok((position, &schema.fields[position]))
}

fn operand(field: &Field, value: &Value) -> Result<Value, Rejection> {
    value.clone().into_kind(&field.kind).map_err(|error| misuse(field.name, error))
}

fn equal(schema: &Schema, name: &str, value: &Value) -> Result<Condition, Rejection> {
    let (field, declared) = declared(schema, name)?;
    Ok(match operand(declared, value)? {
        Value::Null => Condition::IsNull { field },
        value => Condition::Compare { field, comparison: Comparison::Eq, value },
    })
}

fn conditions(filters: &[Filter], schema: &Schema) -> Result<Vec<Condition>, Rejection> {
    filters.iter().map(|filter| filter.resolve(schema)).collect()
}

pub(crate) fn misuse(field: &str, reason: impl core::fmt::Display) -> Rejection {
    Rejection::new(code::INVALID_FILTER, alloc::format!("filter on field `{field}`: {reason}"))
        .with_field(field)
}
