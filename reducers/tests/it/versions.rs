//! The versions of events: who says them, and who looks at them.

use flux_reducers::__private::EventText;
use flux_reducers::{Action, Event, Json, Stamped, Timestamp, Uuid, code};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum DoorEvent {
    #[event(version = 12)]
    DoorOpened {
        by: String,
    },
    #[event(version = 2)]
    DoorPainted(String),
    #[event(version = 3)]
    DoorShut,
    KeyLost,
}

/// No variant says a version: `meta.version` is the app's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum BellEvent {
    BellRung,
}

/// Left to serde.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase", deny_unknown_fields)]
enum StrictEvent {
    #[event(version = 2)]
    WindowOpened { by: String },
}

#[test]
fn an_action_has_the_version_of_its_variant() {
    let events = [
        DoorEvent::DoorOpened { by: "ann".into() },
        DoorEvent::DoorPainted("red".into()),
        DoorEvent::DoorShut,
        DoorEvent::KeyLost,
    ];
    let metas = [Some(json!(12)), Some(json!(2)), Some(json!(3)), None];
    let variants = DoorEvent::VARIANTS.unwrap();
    assert_eq!(variants.iter().map(|it| it.version).collect::<Vec<_>>(), [12, 2, 3, 1]);
    for (event, version) in events.into_iter().zip(metas) {
        let action = event.to_action().unwrap();
        assert_eq!(action.meta("version"), version.as_ref());
        assert_eq!(DoorEvent::from_action(&action), Ok(Some(event)));
    }
}

#[test]
fn an_older_version_is_read_as_it_is_and_a_newer_one_is_rejected() {
    let check = |version: Option<serde_json::Value>, is_read: bool| {
        let action = Action::new("doorPainted").with_payload("red");
        let action = match version {
            Some(version) => action.with_meta("version", Json::from(version)),
            None => action,
        };
        match DoorEvent::from_action(&action) {
            Ok(event) => assert!(is_read && event.is_some()),
            Err(rejection) => {
                assert!(!is_read);
                assert_eq!(rejection.code(), code::UNKNOWN_VERSION);
                assert!(rejection.message().starts_with("`doorPainted` is of version "));
            }
        }
    };
    check(None, true);
    check(Some(json!(1)), true);
    check(Some(json!(2)), true);
    check(Some(json!("no number")), true);
    check(Some(json!(3)), false);
    check(Some(json!(u64::MAX)), false);
    let unknown = Action::new("doorGone").with_meta("version", 9);
    assert_eq!(DoorEvent::from_action(&unknown), Ok(None));
    let unversioned = Action::new("bellRung").with_meta("version", 9);
    assert_eq!(BellEvent::from_action(&unversioned), Ok(Some(BellEvent::BellRung)));
}

#[test]
fn the_version_is_read_where_the_event_lies() {
    fn shut(meta: &str) -> EventText<'_> {
        EventText {
            id: Uuid::from_u128(1),
            timestamp: Timestamp::from_milliseconds(5).unwrap(),
            event_type: "doorShut",
            payload: None,
            meta: Some(meta),
            error: None,
            position: 3,
        }
    }
    let known = DoorEvent::from_incoming(&shut(r#"{"user":"ann","version":3}"#));
    assert_eq!(known, Ok(Some(DoorEvent::DoorShut)));
    let newer = DoorEvent::from_incoming(&shut(r#"{"user":"ann","version":4}"#));
    assert_eq!(newer.unwrap_err().code(), code::UNKNOWN_VERSION);
}

#[test]
fn a_stamped_event_of_an_older_version_becomes_an_action_of_the_newest() {
    let old = Action::new("doorShut").with_meta("version", 2).with_meta("user", "ann");
    let stamped = Stamped::<DoorEvent>::from_action(&old).unwrap().unwrap();
    let action = stamped.to_action().unwrap();
    assert_eq!(action.meta("version"), Some(&json!(3)));
    assert_eq!(action.meta("user"), Some(&json!("ann")));
}

#[test]
fn events_that_serde_reads_have_versions_too() {
    let event = StrictEvent::WindowOpened { by: "ann".into() };
    let action = event.to_action().unwrap();
    assert_eq!(action.meta("version"), Some(&json!(2)));
    assert_eq!(StrictEvent::from_action(&action), Ok(Some(event)));
    let rejection = StrictEvent::from_action(&action.with_meta("version", 3)).unwrap_err();
    assert_eq!(rejection.code(), code::UNKNOWN_VERSION);
}
