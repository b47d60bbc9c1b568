//! Every code of a rejection can be met.

use std::collections::BTreeSet;

use flux_reducers::{
    Action, Changeset, Database, Document, Event, Fields, Filter, Halt, Operation, RecordedEvent,
    code, root_reducer,
};
use serde::{Deserialize, Serialize};

use crate::generate::{SCHEMAS, Tag};

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum Versioned {
    #[event(version = 1)]
    Event,
}

fn create(document: Fields) -> Operation {
    Operation::Create { collection: "tags".into(), document }
}

fn tag(name: &str, place: i64) -> Fields {
    Fields::new().with("name", name.to_owned()).with("place", place)
}

/// Runs a reducer that answers with the operations, on a database with the tag `a` in place 1.
#[track_caller]
fn code_of(operations: impl IntoIterator<Item = Operation>, action: &Action) -> String {
    let mut database = Database::new(SCHEMAS.into_iter().chain([RecordedEvent::SCHEMA])).unwrap();
    database.apply(&create(tag("a", 1)).into()).unwrap();
    let changeset: Changeset = operations.into_iter().map(Changeset::from).collect();
    let reducer = root_reducer(SCHEMAS, move |_, action: &Action| {
        Versioned::from_action(action)?;
        if let Some(payload) = &action.payload {
            payload.read::<u32>("number")?;
        }
        Ok(changeset.clone())
    });
    match reducer.run(&mut database, action) {
        Err(Halt::Rejected(rejection)) => {
            assert!(!rejection.message().is_empty());
            rejection.code().to_owned()
        }
        other => panic!("expected a rejection, found {other:?}"),
    }
}

#[test]
fn each_code_is_reachable_and_there_are_no_others() {
    let event = Action::new("event");
    let patch = Operation::UpdateById {
        collection: "tags".into(),
        id: "a".into(),
        patch: Fields::new().with("name", "b"),
    };
    let order = Operation::DestroyWhere {
        collection: "tags".into(),
        filter: Filter::starts_with("place", "1"),
    };
    let elsewhere = Operation::DestroyById { collection: "lists".into(), id: 1.into() };
    let log = Operation::DestroyWhere { collection: "events".into(), filter: Filter::all() };
    let found = [
        code_of([create(tag("a", 2))], &event),
        code_of([create(tag("b", 1))], &event),
        code_of([], &Action::new("other").with_payload("one")),
        code_of([], &event.clone().with_meta("version", 2)),
        code_of([create(tag("b", -1))], &event),
        code_of([create(Fields::new().with("name", "b"))], &event),
        code_of([create(tag("b", 2).with("size", 1))], &event),
        code_of([elsewhere], &event),
        code_of([order], &event),
        code_of([patch], &event),
        code_of([log], &event),
    ];
    assert_eq!(found, code::ALL, "in the order in which they are listed");
    assert_eq!(code::ALL.iter().collect::<BTreeSet<_>>().len(), code::ALL.len());
    assert!(Tag::SCHEMA.check().is_ok());
}
