//! How documents differ from others, id by id.

use std::cmp::Ordering;

use flux_reducers::{Row, Schema, Value};

/// Rows of one schema, ordered by id.
pub(super) type Rows<'a> = (&'static Schema, &'a [Row]);

/// Goes through two lists of documents side by side, and tells those that differ: by what their
/// JSON would be, so that those of two schemas can be compared.
pub(super) fn differences(
    one: Rows<'_>,
    other: Rows<'_>,
    mut tell: impl FnMut(&Value, Option<serde_json::Value>, Option<serde_json::Value>),
) {
    let (mut left, mut right) = (one.1.iter().peekable(), other.1.iter().peekable());
    let is_same_schema = one.0 == other.0;
    loop {
        let (mine, theirs) = match (left.peek(), right.peek()) {
            (None, None) => return,
            (Some(mine), Some(theirs)) => match one.0.id_of(mine).cmp(other.0.id_of(theirs)) {
                Ordering::Less => (left.next(), None),
                Ordering::Equal => (left.next(), right.next()),
                Ordering::Greater => (None, right.next()),
            },
            (Some(_), None) => (left.next(), None),
            (None, Some(_)) => (None, right.next()),
        };
        if is_same_schema && mine == theirs {
            continue;
        }
        let id = mine.map(|row| one.0.id_of(row)).or(theirs.map(|row| other.0.id_of(row)));
        let (mine, theirs) = (json(one.0, mine), json(other.0, theirs));
        if let Some(id) = id.filter(|_| mine != theirs) {
            tell(id, mine, theirs);
        }
    }
}

fn json(schema: &'static Schema, row: Option<&Row>) -> Option<serde_json::Value> {
    serde_json::to_value(schema.named(row?)).ok()
}
