//! Which documents, in which order, and how many of them.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::filter::{Condition, Filter, declared, misuse};
use crate::rejection::Rejection;
use crate::schema::{Kind, ORDER_BYTES_MAX, ORDER_CHARACTERS_MAX, Row, Schema};
use crate::value::Value;

/// Which documents, in which order, and how many of them.
///
/// Documents are ordered as asked and then by id; nulls come first, in descending order last. Of a
/// text the first [`ORDER_CHARACTERS_MAX`] characters count, of bytes the first
/// [`ORDER_BYTES_MAX`].
///
/// ```
/// use flux_reducers::{Filter, Query};
///
/// let newest = Query::from(Filter::eq("done", false)).descending("createdAt").limit(10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Query {
    filter: Filter,
    order: Vec<(String, Direction)>,
    limit: Option<u64>,
    offset: u64,
}

/// Up or down.
///
/// ```
/// # use flux_reducers::*;
/// let query = Query::all().order_by("title", Direction::Descending);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

impl From<Filter> for Query {
    fn from(filter: Filter) -> Self {
        Self { filter, order: Vec::new(), limit: None, offset: 0 }
    }
}

impl Query {
    /// Creates the query for all documents, ordered by id.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let query = Query::all();
    /// ```
    pub const fn all() -> Self {
        Self { filter: Filter::all(), order: Vec::new(), limit: None, offset: 0 }
    }

    /// Asks only for those that fulfil another filter, too.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let query = Query::from(Filter::eq("done", false)).and(Filter::starts_with("title", "M"));
    /// ```
    pub fn and(mut self, filter: Filter) -> Self {
        self.filter = self.filter & filter;
        self
    }

    /// Orders by a field, the least first, after the orders already asked for.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let query = Query::all().ascending("title");
    /// ```
    pub fn ascending(self, field: impl Into<String>) -> Self {
        self.order_by(field, Direction::Ascending)
    }

    /// Orders by a field, the greatest first, after the orders already asked for.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let query = Query::all().descending("createdAt").ascending("title");
    /// ```
    pub fn descending(self, field: impl Into<String>) -> Self {
        self.order_by(field, Direction::Descending)
    }

    /// Orders by a field, after the orders already asked for.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let query = Query::all().order_by("title", Direction::Ascending);
    /// ```
    pub fn order_by(mut self, field: impl Into<String>, direction: Direction) -> Self {
        self.order.push((field.into(), direction));
        self
    }

    /// Orders by a field as it stands in a URL: with a minus in front, the greatest first.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Query::all().ordered("-title"), Query::all().descending("title"));
    /// ```
    pub fn ordered(self, field: &str) -> Self {
        match field.strip_prefix('-') {
            Some(field) => self.descending(field),
            None => self.ascending(field),
        }
    }

    /// Returns at most this many documents.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let first = Query::all().limit(1);
    /// ```
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out this many documents at the beginning.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let second_page = Query::all().offset(10).limit(10);
    /// ```
    pub const fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Checks the query against a schema.
    ///
    /// # Errors
    /// A rejection `unknown_field` or `invalid_filter` that names the field.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let plan = Query::all().descending("title").limit(5).plan(Note::SCHEMA)?;
    /// assert_eq!((plan.order, plan.limit), (vec![(1, Direction::Descending)], Some(5)));
    /// # Ok::<(), Rejection>(())
    /// ```
    pub fn plan(&self, schema: &Schema) -> Result<Plan, Rejection> {
        let condition = self.filter.condition(schema)?;
        let mut order = Vec::new();
        for (name, direction) in &self.order {
            let (field, declared) = declared(schema, name)?;
            if matches!(declared.kind, Kind::Json) {
                return Err(misuse(name, "JSON has no order: order by another field"));
            }
            order.push((field, *direction));
        }
        Ok(Plan { condition, order, limit: self.limit, offset: self.offset })
    }
}

/// A [`Query`] checked against a schema. The id as the last order is left to who runs it.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let plan = Query::all().plan(Note::SCHEMA)?;
/// assert_eq!((plan.condition, plan.offset), (Condition::all(), 0));
/// # Ok::<(), Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which documents.
    pub condition: Condition,
    /// By which fields they are ordered, before the id.
    pub order: Vec<(usize, Direction)>,
    /// At most how many.
    pub limit: Option<u64>,
    /// How many are left out at the beginning.
    pub offset: u64,
}

impl Plan {
    /// Orders rows that come ordered by id, and takes those asked for. Without another order no more
    /// of them are looked at.
    pub(crate) fn arrange(&self, rows: &mut dyn Iterator<Item = &Row>) -> Vec<Row> {
        if self.order.is_empty() {
            return self.part(rows);
        }
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|left, right| {
            let compared = self.order.iter().map(|(field, direction)| {
                let ordering = in_order(&left[*field], &right[*field]);
                match direction {
                    Direction::Ascending => ordering,
                    Direction::Descending => ordering.reverse(),
                }
            });
            compared.fold(Ordering::Equal, Ordering::then)
        });
        self.part(&mut rows.into_iter())
    }

    fn part(&self, rows: &mut dyn Iterator<Item = &Row>) -> Vec<Row> {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let limit = self.limit.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
        rows.skip(offset).take(limit).cloned().collect()
    }
}

/// Compares two values of one field, as far as they count.
fn in_order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => beginning(left).cmp(beginning(right)),
        (Value::Bytes(left), Value::Bytes(right)) => {
            let beginning = |bytes: &[u8]| bytes.len().min(ORDER_BYTES_MAX);
            left[..beginning(left)].cmp(&right[..beginning(right)])
        }
        _ => left.cmp(right),
    }
}

fn beginning(text: &str) -> &str {
    if text.len() <= ORDER_CHARACTERS_MAX {
        return text;
    }
    text.char_indices().nth(ORDER_CHARACTERS_MAX).map_or(text, |(end, _)| &text[..end])
}
