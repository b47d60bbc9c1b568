//! What goes out as JSON comes back as it was, through text and through a tree of values.

use std::fmt::Debug;

use flux_reducers::{
    Action, Bytes, Fields, Json, Position, RecordedEvent, Rejection, Timestamp, Uuid, Value,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::generate::{cases, changeset, filter, operation, schema};
use crate::json::any_json;

#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    assert_eq!(&serde_json::from_slice::<T>(text.as_bytes()).unwrap(), value, "{text}");
    let tree = serde_json::to_value(value).unwrap();
    assert_eq!(&serde_json::from_value::<T>(tree.clone()).unwrap(), value, "{tree}");
    let payload = Json::new(tree);
    assert_eq!(&payload.read::<T>("value").unwrap(), value, "in a payload: {payload}");
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_milliseconds()..=Timestamp::MAX.as_milliseconds())
        .prop_map(|it| Timestamp::from_milliseconds(it).unwrap())
}

fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Value::from),
        (-9_i32..9).prop_map(|it| Value::from(f64::from(it))),
        any::<String>().prop_map(Value::from),
        any_uuid().prop_map(Value::from),
        any_timestamp().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(|it| Value::from(Bytes(it))),
        any_json().prop_map(|it| Value::from(Json::new(it))),
    ]
}

/// JSON that is there: null is the same as none.
fn some_json() -> impl Strategy<Value = Option<Json>> {
    any_json().prop_map(|it| Some(Json::new(it)).filter(|it| !it.as_value().is_null()))
}

fn some_meta() -> impl Strategy<Value = Option<Json>> {
    let members = prop::collection::vec((any::<String>(), any_json()), 0..3);
    prop::option::of(
        members.prop_map(|members| {
            Json::new(serde_json::Value::Object(members.into_iter().collect()))
        }),
    )
}

prop_compose! {
    fn any_event()(
        id in any_uuid(),
        timestamp in any_timestamp(),
        event_type in any::<String>(),
        payload in some_json(),
        meta in some_meta(),
        error in any::<Option<bool>>(),
        position in any::<Position>(),
    ) -> RecordedEvent {
        RecordedEvent { id, timestamp, event_type, payload, meta, error, position }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn values(value in any_value()) {
        check(&value);
        check(&vec![value]);
    }

    #[test]
    fn fields(fields in prop::collection::vec((any::<String>(), any_value()), 0..5)) {
        check(&fields.into_iter().collect::<Fields>());
    }

    #[test]
    fn filters(filter in schema().prop_flat_map(filter)) {
        check(&filter);
    }

    #[test]
    fn operations_and_changesets(operation in operation(), changeset in changeset(4)) {
        check(&operation);
        check(&changeset);
    }

    #[test]
    fn json(json in any_json()) {
        check(&Json::new(json));
    }

    #[test]
    fn timestamps_and_bytes(timestamp in any_timestamp(), bytes in any::<Vec<u8>>()) {
        check(&timestamp);
        check(&Bytes(bytes));
    }

    #[test]
    fn events_and_actions(event in any_event(), keep in any::<[bool; 3]>()) {
        check(&event);
        let action = Action::from(event.clone());
        check(&action);
        prop_assert_eq!(action.clone().into_recorded(), Some(event));
        let part = Action {
            id: action.id.filter(|_| keep[0]),
            timestamp: action.timestamp.filter(|_| keep[1]),
            position: action.position.filter(|_| keep[2]),
            ..action
        };
        check(&part);
        prop_assert_eq!(part.into_recorded().is_some(), keep == [true; 3]);
    }

    #[test]
    fn rejections(code in any::<String>(), message in any::<String>(), field in any::<Option<String>>()) {
        let rejection = Rejection::new(code, message);
        check(&match field {
            Some(field) => rejection.with_field(field),
            None => rejection,
        });
    }
}
