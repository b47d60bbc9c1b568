//! Marks: integers as ids and events that change many documents at once.

use flux_reducers::{Changeset, Collection, Document, Event, Filter, Reduction};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "marks")]
pub struct Mark {
    pub id: i64,
    pub value: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub enum MarkEvent {
    /// The marks first, first + step, and so on.
    MarksPut {
        first: i64,
        step: i64,
        count: i64,
        value: i64,
    },
    MarksRemoved {
        first: i64,
        last: i64,
    },
    /// Reads each one by its id.
    MarksDoubled {
        ids: Vec<i64>,
    },
    MarksForgotten,
}

pub fn marks(marks: &Collection<Mark>, event: &MarkEvent) -> Reduction {
    match event {
        MarkEvent::MarksPut { first, step, count, value } => Ok((0..*count)
            .map(|nth| marks.upsert(Mark { id: first + nth * step, value: *value }))
            .collect()),
        MarkEvent::MarksRemoved { first, last } => {
            Ok(marks.destroy_where(Filter::ge("id", first) & Filter::le("id", last)))
        }
        MarkEvent::MarksDoubled { ids } => {
            let mut changes = Changeset::no_change();
            for id in ids {
                if let Some(mark) = marks.find_by_id(id)? {
                    let value = mark.value.wrapping_mul(2);
                    changes = changes.combine(marks.update_by_id(id, Mark::patch().value(value)));
                }
            }
            Ok(changes)
        }
        MarkEvent::MarksForgotten => Ok(marks.destroy_where(Filter::all())),
    }
}
