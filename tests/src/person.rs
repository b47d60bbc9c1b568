//! People: events that had another name and other shapes before.

use flux_reducers::{Action, Collection, Document, Event, Json, Reduction, Rejection, Upcasts};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "people")]
pub struct Person {
    pub id: i64,
    pub first: String,
    pub last: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub enum PersonEvent {
    #[event(version = 3)]
    PersonAdded {
        id: i64,
        first: String,
        last: String,
    },
    PersonRemoved {
        id: i64,
    },
}

pub fn people(people: &Collection<Person>, event: &PersonEvent) -> Reduction {
    Ok(match event.clone() {
        PersonEvent::PersonAdded { id, first, last } => people.create(Person { id, first, last }),
        PersonEvent::PersonRemoved { id } => people.destroy_by_id(id),
    })
}

/// A person was created once; had one name in version 1; the last name first in version 2.
#[must_use]
pub fn upcasts() -> Upcasts {
    Upcasts::default()
        .from_version("personCreated", 1, |action| {
            Ok(Action { event_type: "personAdded".into(), ..action })
        })
        .from_version("personAdded", 1, |action| {
            with_payload(action, |old| {
                let (first, last) = old["name"].as_str()?.split_once(' ')?;
                Some(json!({ "id": old["id"], "names": [last, first] }))
            })
        })
        .from_version("personAdded", 2, |action| {
            with_payload(action, |old| {
                let names = old["names"].as_array()?;
                let [last, first] = names.as_slice() else { return None };
                Some(json!({ "id": old["id"], "first": first, "last": last }))
            })
        })
}

fn with_payload(
    action: Action,
    read: impl FnOnce(&Value) -> Option<Value>,
) -> Result<Action, Rejection> {
    let payload = action.payload.as_ref().and_then(|payload| read(payload.as_value()));
    match payload {
        Some(payload) => Ok(Action { payload: Some(Json::new(payload)), ..action }),
        None => Err(Rejection::new("no_name", "a person has two names").with_field("payload")),
    }
}
