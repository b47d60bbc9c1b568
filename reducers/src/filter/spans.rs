//! Where in the order of a field's values the documents are that a condition may match: what an
//! index can look up.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Comparison, Condition};
use crate::map::sort;
use crate::value::Value;

/// The least value that is not null.
const LEAST: Value = Value::Bool(false);

/// Values that follow each other in the order of a field. Null stands alone.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    first: Value,
    /// `None` where it has no end.
    last: Option<Value>,
}

impl Span {
    /// Returns the first value that it may have; `None` for the least that is not null.
    #[doc(hidden)]
    #[must_use]
    pub fn first(&self) -> Option<&Value> {
        Some(&self.first).filter(|first| **first != LEAST)
    }

    /// Returns the last value that it may have; `None` where all that follow the first are of it.
    #[doc(hidden)]
    #[must_use]
    pub const fn last(&self) -> Option<&Value> {
        self.last.as_ref()
    }

    /// Returns whether it has no more than one value.
    fn is_one(&self) -> bool {
        self.last.as_ref() == Some(&self.first)
    }

    /// Returns where to look for the first.
    pub(crate) const fn start(&self) -> &Value {
        &self.first
    }

    /// Returns whether it goes as far as this value, or further.
    pub(crate) fn reaches(&self, value: &Value) -> bool {
        self.last.as_ref().is_none_or(|last| value <= last)
    }

    fn one(value: Value) -> Self {
        Self { last: Some(value.clone()), first: value }
    }

    fn intersection(self, other: &Self) -> Option<Self> {
        let first = self.first.max(other.first.clone());
        let last = match (self.last, other.last.clone()) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
        last.as_ref().is_none_or(|last| first <= *last).then_some(Self { first, last })
    }
}

impl Condition {
    /// Returns which of some fields is best looked up, and the spans in one of which its value must be,
    /// in order; `None` where the condition says so of none of them.
    pub(crate) fn looked_up(
        &self,
        fields: impl Iterator<Item = usize>,
    ) -> Option<(usize, Vec<Span>)> {
        let spans = fields.filter_map(|field| Some((field, self.spans_of(field)?)));
        spans.min_by_key(|(_, spans)| !spans.iter().all(Span::is_one))
    }

    /// Returns the spans in one of which the field's value must be, in order, where the condition
    /// says so.
    fn spans_of(&self, field: usize) -> Option<Vec<Span>> {
        match self {
            Self::Compare { field: this, comparison, value } if *this == field => {
                let value = value.clone();
                let span = match comparison {
                    Comparison::Eq => Span::one(value),
                    Comparison::Lt | Comparison::Le => Span { first: LEAST, last: Some(value) },
                    Comparison::Gt | Comparison::Ge => Span { first: value, last: None },
                };
                Some(alloc::vec![span])
            }
            Self::IsNull { field: this } if *this == field => {
                Some(alloc::vec![Span::one(Value::Null)])
            }
            Self::StartsWith { field: this, text } if *this == field => {
                let last = after_all_with(text).map(Value::from);
                Some(alloc::vec![Span { first: Value::Text(text.clone()), last }])
            }
            Self::Or(any) => {
                let mut spans = Vec::new();
                for condition in any {
                    spans.extend(condition.spans_of(field)?);
                }
                Some(joined(spans))
            }
            Self::And(all) => {
                all.iter().filter_map(|condition| condition.spans_of(field)).reduce(common)
            }
            _ => None,
        }
    }

    /// Returns the values of which the field must have one, where the condition says so; null is none.
    pub(crate) fn values_of(&self, field: usize) -> Option<Vec<Value>> {
        let one = |span: Span| (span.is_one() && !span.first.is_null()).then_some(span.first);
        self.spans_of(field)?.into_iter().map(one).collect()
    }
}

/// What is in both. Of two long lists it is enough to look up one.
fn common(left: Vec<Span>, right: Vec<Span>) -> Vec<Span> {
    let (many, few) = if right.len() == 1 { (left, right) } else { (right, left) };
    match &*few {
        [one] => many.into_iter().filter_map(|span| span.intersection(one)).collect(),
        _ => few,
    }
}

/// Orders them, and makes one of those that meet.
fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    sort(&mut spans);
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(before) if before.reaches(&span.first) => {
                if span.last.as_ref().is_none_or(|last| !before.reaches(last)) {
                    before.last = span.last;
                }
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// Returns the least text that follows all that start with this one, if there is one.
#[doc(hidden)]
#[must_use]
pub fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = String::from(prefix);
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn compare(comparison: Comparison, value: i64) -> Condition {
        Condition::Compare { field: 0, comparison, value: value.into() }
    }

    fn span(first: impl Into<Value>, last: impl Into<Option<i64>>) -> Span {
        Span { first: first.into(), last: last.into().map(Value::from) }
    }

    #[test]
    fn both_ends_of_a_range_are_one_span() {
        let range = Condition::And(vec![compare(Comparison::Ge, 3), compare(Comparison::Lt, 7)]);
        assert_eq!(range.spans_of(0), Some(vec![span(3, 7)]));
        let nowhere = Condition::And(vec![range, compare(Comparison::Gt, 8)]);
        assert_eq!(nowhere.spans_of(0), Some(vec![]));
    }

    #[test]
    fn spans_that_meet_are_one_and_null_stands_alone() {
        let any = Condition::Or(vec![
            compare(Comparison::Gt, 9),
            compare(Comparison::Le, 3),
            compare(Comparison::Eq, 2),
            compare(Comparison::Eq, 5),
            Condition::IsNull { field: 0 },
            compare(Comparison::Lt, 4),
        ]);
        let spans = [Span::one(Value::Null), span(false, 4), span(5, 5), span(9, None)];
        assert_eq!(any.spans_of(0).as_deref(), Some(&spans[..]));
        assert_eq!(any.values_of(0), None);
    }

    #[test]
    fn what_says_nothing_of_the_field_has_no_span() {
        let other = Condition::IsNull { field: 1 };
        assert_eq!(other.spans_of(0), None);
        assert_eq!(Condition::Or(vec![compare(Comparison::Eq, 1), other]).spans_of(0), None);
        assert_eq!(Condition::all().spans_of(0), None);
    }

    #[test]
    fn the_texts_with_a_prefix_end_before_the_next_text() {
        assert_eq!(after_all_with("ab").as_deref(), Some("ac"));
        assert_eq!(after_all_with("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_all_with("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{10ffff}"), None);
        assert_eq!(after_all_with(""), None);
    }
}
