//! Laws of changesets, deltas and databases, for random documents and operations.

use std::collections::BTreeMap;

use flux_reducers::{
    Action, Change, Changeset, Database, Delta, Halt, Operation, Position, RecordedEvent, Reducer,
    Timestamp, Uuid, Value, aggregate_reducers, event_log_reducer, root_reducer,
};
use proptest::prelude::*;

use crate::generate::{SCHEMAS, cases, changeset, contents, database};
use crate::oracle::{self, Model};

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn combination_is_associative_and_no_change_is_its_unit(
        one in changeset(3),
        two in changeset(3),
        three in changeset(3),
    ) {
        prop_assert_eq!(
            one.clone().combine(two.clone()).combine(three.clone()),
            one.clone().combine(two.combine(three))
        );
        prop_assert_eq!(&one.clone().combine(Changeset::no_change()), &one);
        prop_assert_eq!(&Changeset::no_change().combine(one.clone()), &one);
    }

    #[test]
    fn a_whole_changeset_does_what_its_operations_do_one_by_one(
        before in database(),
        changeset in changeset(6),
    ) {
        let mut at_once = before.clone();
        let mut by_steps = before.clone();
        let whole = at_once.apply(&changeset);
        match apply_by_steps(&mut by_steps, &changeset) {
            Ok(delta) => {
                prop_assert_eq!(whole.unwrap(), delta);
                prop_assert_eq!(contents(&at_once), contents(&by_steps));
            }
            Err(halt) => {
                prop_assert_eq!(whole.unwrap_err(), halt);
                prop_assert_eq!(contents(&at_once), contents(&before));
            }
        }
    }

    #[test]
    fn a_database_does_what_a_plain_map_of_documents_does(
        before in database(),
        changesets in prop::collection::vec(changeset(1), 1..8),
    ) {
        let mut database = before;
        let mut model = model(&database);
        for operation in changesets.iter().flat_map(Changeset::operations) {
            let mut next = model.clone();
            match (database.apply(&operation.clone().into()), oracle::apply(&mut next, operation)) {
                (Ok(_), Ok(())) => model = next,
                (Err(Halt::Rejected(found)), Err(code)) => prop_assert_eq!(found.code(), code),
                (found, expected) => {
                    prop_assert!(false, "{:?}: {:?}, {:?}", operation, found, expected);
                }
            }
            prop_assert_eq!(&self::model(&database), &model);
        }
    }

    #[test]
    fn an_old_version_does_not_see_what_later_ones_do(
        first in database(),
        changesets in prop::collection::vec(changeset(3), 1..8),
    ) {
        let mut database = first.clone();
        let mut versions = vec![(first.clone(), contents(&first))];
        for changeset in &changesets {
            // Refused or not, the versions before stay as they were.
            let _ = database.apply(changeset);
            versions.push((database.clone(), contents(&database)));
        }
        for (version, then) in versions {
            prop_assert_eq!(contents(&version), then);
        }
    }

    #[test]
    fn a_delta_is_the_difference_and_its_inverse_undoes_it(
        before in database(),
        changesets in prop::collection::vec(changeset(3), 1..6),
    ) {
        let mut after = before.clone();
        let mut delta = Delta::default();
        for changeset in &changesets {
            if let Ok(later) = after.apply(changeset) {
                delta.merge(later);
            }
        }
        prop_assert_eq!(by_id(&delta), difference(&before, &after));

        let mut again = before.clone();
        again.apply_delta(&delta).unwrap();
        prop_assert_eq!(contents(&again), contents(&after));
        again.apply_delta(&delta.inverse()).unwrap();
        prop_assert_eq!(contents(&again), contents(&before));
        prop_assert_eq!(delta.inverse().inverse(), delta.clone());

        let mut both = delta.clone();
        both.merge(delta.inverse());
        prop_assert!(both.is_empty(), "there and back: {:?}", both);
    }

    #[test]
    fn merging_deltas_is_associative(
        before in database(),
        one in changeset(3),
        two in changeset(3),
        three in changeset(3),
    ) {
        let mut after = before;
        let mut delta = |changeset| after.apply(&changeset).unwrap_or_default();
        let (one, two, three) = (delta(one), delta(two), delta(three));
        let merged = |one: &Delta, two: &Delta| {
            let mut merged = one.clone();
            merged.merge(two.clone());
            merged
        };
        prop_assert_eq!(merged(&merged(&one, &two), &three), merged(&one, &merged(&two, &three)));
    }

    #[test]
    fn the_same_events_give_the_same_database(
        changesets in prop::collection::vec(changeset(3), 0..8),
    ) {
        let reducer = reducer_of_changesets();
        let (mut first, mut second) = (reducer.database().unwrap(), reducer.database().unwrap());
        let mut log = Vec::new();
        for changeset in &changesets {
            let action = recorded(i64::try_from(log.len()).unwrap() + 1, changeset);
            if reducer.run(&mut first, &action.clone().into()).is_ok() {
                log.push(serde_json::to_string(&action).unwrap());
            }
        }
        for event in &log {
            let event: RecordedEvent = serde_json::from_str(event).unwrap();
            reducer.run(&mut second, &event.into()).unwrap();
        }
        prop_assert_eq!(contents(&first), contents(&second));
    }
}

fn apply_by_steps(database: &mut Database, changeset: &Changeset) -> Result<Delta, Halt> {
    let mut delta = Delta::default();
    for operation in changeset.operations() {
        delta.merge(database.apply(&operation.clone().into())?);
    }
    Ok(delta)
}

fn model(database: &Database) -> Model {
    let rows = |(name, rows): (&'static str, Vec<_>)| {
        let schema = database.schema(name).expect("a schema");
        rows.into_iter().map(move |row| ((name.to_owned(), schema.id_of(&row).clone()), row))
    };
    contents(database).into_iter().flat_map(rows).collect()
}

type ById = BTreeMap<(String, Value), Change>;

fn by_id(delta: &Delta) -> ById {
    let changes = delta.collections().flat_map(|(name, changes)| {
        changes.iter().map(move |(id, change)| ((name.to_owned(), id.clone()), change.clone()))
    });
    changes.collect()
}

fn difference(before: &Database, after: &Database) -> ById {
    let (before, after) = (model(before), model(after));
    let change = |key: &(String, Value)| Change {
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    };
    let all = before.keys().chain(after.keys()).map(|key| (key.clone(), change(key)));
    all.filter(|(_, change)| change.before != change.after).collect()
}

/// A reducer whose events carry the changeset itself, and the log.
fn reducer_of_changesets() -> Reducer {
    let changes = root_reducer(SCHEMAS, |_, action: &Action| {
        let payload = action.payload.clone().unwrap_or_default();
        Ok(payload.read::<Vec<Operation>>("changed")?.into_iter().map(Changeset::from).collect())
    });
    aggregate_reducers([changes, event_log_reducer()])
}

fn recorded(position: Position, changeset: &Changeset) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::from_u128(u128::try_from(position).expect("positive")),
        timestamp: Timestamp::from_milliseconds(position).expect("in range"),
        event_type: "changed".into(),
        payload: Some(serde_json::to_value(changeset).expect("JSON").into()),
        meta: None,
        error: None,
        position,
    }
}
