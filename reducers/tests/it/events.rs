//! Typed events to and from actions.

use flux_reducers::__private::EventText;
use flux_reducers::{
    Action, Bytes, Describe, Event, Json, Kind, Property, RecordedEvent, Shape, Stamped, Timestamp,
    Uuid, Variant, code,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum OrderEvent {
    OrderPlaced {
        order_id: Uuid,
        lines: Vec<Line>,
        note: Option<String>,
    },
    OrderShipped(Shipment),
    AllCleared,
    #[serde(rename = "order/counted")]
    OrdersCounted {
        count: u32,
        is_exact: bool,
    },
    NoteSet(Option<String>),
}
use OrderEvent::{AllCleared, NoteSet, OrderPlaced, OrderShipped, OrdersCounted};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Describe)]
#[serde(rename_all = "camelCase")]
struct Line {
    item: String,
    unit_count: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Describe)]
struct Shipment {
    at: Timestamp,
    label: Bytes,
    extra: Json,
}

fn read(json: serde_json::Value) -> Result<Option<OrderEvent>, (String, Option<String>)> {
    let action: Action = serde_json::from_value(json).unwrap();
    OrderEvent::from_action(&action).map_err(|rejection| {
        assert_eq!(rejection.code(), code::INVALID_PAYLOAD);
        (rejection.message().to_owned(), rejection.field().map(ToOwned::to_owned))
    })
}

#[track_caller]
fn check(event: &OrderEvent, json: serde_json::Value) {
    let action = event.to_action().unwrap();
    assert_eq!(serde_json::to_value(&action).unwrap(), json);
    assert_eq!(OrderEvent::from_action(&action), Ok(Some(event.clone())));
    assert_eq!(read(json.clone()), Ok(Some(event.clone())));
    assert_eq!(serde_json::from_value::<OrderEvent>(json).unwrap(), *event, "as serde reads it");
}

#[test]
fn an_event_is_a_flux_standard_action() {
    let order_id = Uuid::from_u128(7);
    let id = "00000000-0000-0000-0000-000000000007";
    let line = Line { item: "tea".into(), unit_count: 2 };
    check(
        &OrderPlaced { order_id, lines: vec![line], note: Some("soon".into()) },
        json!({"type": "orderPlaced", "payload": {
            "orderId": id, "lines": [{"item": "tea", "unitCount": 2}], "note": "soon",
        }}),
    );
    let at = "2016-09-26T20:32:46.588Z";
    check(
        &OrderShipped(Shipment {
            at: at.parse().unwrap(),
            label: Bytes(vec![1]),
            extra: json!({"a": 1}).into(),
        }),
        json!({"type": "orderShipped", "payload": {"at": at, "label": "AQ==", "extra": {"a": 1}}}),
    );
    check(&AllCleared, json!({"type": "allCleared"}));
    check(
        &OrdersCounted { count: 1, is_exact: true },
        json!({"type": "order/counted", "payload": {"count": 1, "isExact": true}}),
    );
    check(&NoteSet(Some("a".into())), json!({"type": "noteSet", "payload": "a"}));
    let none = NoteSet(None);
    assert_eq!(OrderEvent::from_action(&none.to_action().unwrap()), Ok(Some(none)));
}

#[test]
fn an_unknown_type_is_no_event() {
    for event_type in ["", "OrderPlaced", "order_placed", "orderplaced", "orderCounted", "@@INIT"] {
        assert_eq!(read(json!({"type": event_type, "payload": {"anything": 1}})), Ok(None));
    }
}

#[test]
fn members_that_an_event_does_not_know_are_left_alone() {
    let payload = json!({"count": 1, "isExact": true, "more": [1]});
    let event = read(json!({"type": "order/counted", "payload": payload}));
    assert_eq!(event, Ok(Some(OrdersCounted { count: 1, is_exact: true })));
}

#[test]
fn a_bad_payload_names_the_field() {
    let id = "00000000-0000-0000-0000-000000000007";
    for (payload, field) in [
        (json!({"orderId": 1, "lines": []}), "orderId"),
        (json!({"orderId": "x", "lines": []}), "orderId"),
        (json!({"orderId": id, "lines": {}}), "lines"),
        (json!({"orderId": id, "lines": null}), "lines"),
        (json!({"orderId": id, "lines": [{"item": 1, "unitCount": 1}]}), "lines[0].item"),
        (json!({"orderId": id, "lines": [1]}), "lines[0]"),
        (
            json!({"orderId": id, "lines": [
                {"item": "a", "unitCount": 1}, {"item": "a", "unitCount": -1},
            ]}),
            "lines[1].unitCount",
        ),
        (json!({"orderId": id, "lines": [{"item": "a"}]}), "lines[0].unitCount"),
        (json!({"orderId": id}), "lines"),
        (json!({}), "orderId"),
        (json!({"orderId": id, "lines": [], "note": 1}), "note"),
    ] {
        let (message, found) =
            read(json!({"type": "orderPlaced", "payload": payload})).unwrap_err();
        assert_eq!(found.as_deref(), Some(field), "{message}");
        let begin = format!("the payload of `orderPlaced` is wrong at `{field}`: ");
        assert!(message.starts_with(&begin), "{message}");
    }
}

#[test]
fn a_payload_that_is_missing_or_too_much_is_refused() {
    let (message, _) = read(json!({"type": "orderPlaced"})).unwrap_err();
    assert!(message.contains("missing field `payload`"), "{message}");
    let (message, field) = read(json!({"type": "orderPlaced", "payload": "x"})).unwrap_err();
    assert_eq!(field, None);
    assert!(message.starts_with("the payload of `orderPlaced` is wrong: "), "{message}");
    assert!(read(json!({"type": "allCleared", "payload": {"a": 1}})).is_err());
    assert!(read(json!({"type": "orderShipped"})).is_err());
}

#[test]
fn the_variants_tell_names_and_shapes() {
    let [placed, shipped, cleared, counted, note] = OrderEvent::VARIANTS.unwrap() else {
        panic!("five variants")
    };
    let names = [placed, shipped, cleared, counted, note].map(|variant| variant.event_type);
    assert_eq!(names, ["orderPlaced", "orderShipped", "allCleared", "order/counted", "noteSet"]);
    const TEXT: Shape = Shape::Kind(Kind::Text);
    const NUMBER: Shape = Shape::Kind(Kind::U32);
    const LINE: Shape = Shape::Record(&[
        Property { name: "item", shape: TEXT },
        Property { name: "unitCount", shape: NUMBER },
    ]);
    let shape = Shape::Record(&[
        Property { name: "orderId", shape: Shape::Kind(Kind::Uuid) },
        Property { name: "lines", shape: Shape::List(&LINE) },
        Property { name: "note", shape: Shape::Nullable(&TEXT) },
    ]);
    assert_eq!(placed.payload, Some(shape));
    assert_eq!(shipped.payload, Some(Shipment::SHAPE));
    assert_eq!(cleared, &Variant { event_type: "allCleared", payload: None, version: 1 });
    assert_eq!(note.payload, Some(Shape::Nullable(&TEXT)));
    assert_eq!((Line::NAME, Line::SHAPE), ("Line", LINE));
}

#[test]
fn a_stamped_event_knows_its_record() {
    let event = RecordedEvent {
        id: Uuid::from_u128(1),
        timestamp: Timestamp::from_milliseconds(5).unwrap(),
        event_type: "allCleared".into(),
        payload: None,
        meta: Some(json!({"user": "ann"}).into()),
        error: None,
        position: 3,
    };
    let action = Action::from(event.clone());
    let stamped = Stamped::<OrderEvent>::from_action(&action).unwrap().unwrap();
    assert_eq!(stamped.event, AllCleared);
    assert_eq!(stamped.id, Some(event.id));
    assert_eq!(stamped.timestamp, Some(event.timestamp));
    assert_eq!(stamped.position, Some(3));
    assert_eq!(stamped.meta, event.meta);
    assert_eq!(stamped.to_action(), Ok(action));

    let fresh = Stamped::<OrderEvent>::from_action(&Action::new("allCleared")).unwrap().unwrap();
    assert_eq!((fresh.id, fresh.timestamp, fresh.position), (None, None, None));
    assert_eq!(Stamped::<OrderEvent>::from_action(&Action::new("other")), Ok(None));
    assert_eq!(Stamped::<OrderEvent>::VARIANTS, OrderEvent::VARIANTS);
}

#[test]
fn an_action_has_the_members_of_the_standard_and_no_others() {
    let read = |json| serde_json::from_value::<Action>(json).map_err(|error| error.to_string());
    assert!(read(json!({"type": "a", "payload": 1, "meta": {}, "error": true})).is_ok());
    assert!(read(json!({"type": "a", "data": 1})).unwrap_err().contains("unknown field `data`"));
    assert!(read(json!({"payload": 1})).unwrap_err().contains("missing field `type`"));
    assert!(read(json!({"type": 1})).is_err());
    let meta = read(json!({"type": "a", "meta": "ann"})).unwrap_err();
    assert_eq!(meta, "`meta` is a JSON object, such as {\"user\":\"ann\"}");
}

/// What a derived type reads without serde, by serde.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Describe)]
#[serde(rename_all = "camelCase")]
struct Parcel {
    order_id: Uuid,
    at: Timestamp,
    label: String,
    unit_count: u32,
    offset: i32,
    total: i64,
    weight: f64,
    is_open: bool,
    note: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    lines: Vec<Line>,
    extra: Json,
    nothing: Option<Json>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum ParcelEvent {
    ParcelSent(Parcel),
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-3..3_i64).prop_map(Into::into),
        Just(json!(u64::MAX)),
        Just(json!(1.5)),
        "[a\"\\\\\u{1}é]{0,3}".prop_map(Into::into),
        Just(json!("2016-09-26T20:32:46.588Z")),
        Just(json!("00000000-0000-0000-0000-000000000007")),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            Just(json!([{ "item": "a", "unitCount": 1 }])),
            Just(json!([{ "item": 1, "unitCount": "1" }])),
            prop::collection::btree_map("[ab]|item|unitCount", inner, 0..3)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// What is in a log of the same event, its JSON as text that need not be in normal form.
struct Logged {
    payload: Option<String>,
    meta: String,
    action: Action,
}

impl Logged {
    fn new(payload: Option<&serde_json::Value>) -> Self {
        let meta = json!({ "user": "ann", "b": [1.0, u64::MAX, 1e300] });
        let action = Action {
            id: Some(Uuid::from_u128(1)),
            timestamp: Some(Timestamp::from_milliseconds(5).unwrap()),
            event_type: "parcelSent".into(),
            payload: payload.filter(|payload| !payload.is_null()).cloned().map(Json::new),
            meta: Some(Json::new(meta.clone())),
            error: Some(false),
            position: Some(3),
        };
        let payload = payload.map(serde_json::to_string_pretty).transpose().unwrap();
        Self { payload, meta: meta.to_string(), action }
    }

    fn text(&self) -> EventText<'_> {
        EventText {
            id: self.action.id.unwrap(),
            timestamp: self.action.timestamp.unwrap(),
            event_type: &self.action.event_type,
            payload: self.payload.as_deref(),
            meta: Some(&self.meta),
            error: self.action.error,
            position: self.action.position.unwrap(),
        }
    }
}

#[test]
fn text_that_is_no_json_is_a_bad_payload() {
    for wrong in ["", "{", "{\"a\":1}}", "[1,]", "nul", "{1:2}", "1e999"] {
        let logged = Logged { payload: Some(wrong.into()), ..Logged::new(None) };
        let text = logged.text();
        let rejection = Action::from_incoming(&text).unwrap_err();
        assert_eq!(rejection.code(), code::INVALID_PAYLOAD, "{wrong}");
        assert_eq!(ParcelEvent::from_incoming(&text).unwrap_err().code(), code::INVALID_PAYLOAD);
    }
    let logged = Logged::new(None);
    assert_eq!(Action::from_incoming(&logged.text()), Ok(Some(logged.action.clone())));
    let missing = ParcelEvent::from_incoming(&logged.text()).unwrap_err();
    assert_eq!(missing, ParcelEvent::from_action(&logged.action).unwrap_err());
}

proptest! {
    #[test]
    fn text_is_read_as_what_it_says(payload in any_json()) {
        let logged = Logged::new(Some(&payload));
        prop_assert_eq!(Action::from_incoming(&logged.text()), Ok(Some(logged.action)));
    }

    #[test]
    fn payloads_are_read_as_serde_reads_them_and_refused_in_its_words(
        changes in prop::collection::vec((0..14_usize, any_json()), 0..3),
        missing in prop::option::of(0..14_usize),
    ) {
        const NAMES: [&str; 14] = [
            "orderId", "at", "label", "unitCount", "offset", "total", "weight", "isOpen", "note",
            "tags", "lines", "extra", "nothing", "another",
        ];
        let mut payload = json!({
            "orderId": "00000000-0000-0000-0000-000000000007", "at": "2016-09-26T20:32:46.588Z",
            "label": "", "unitCount": 1, "offset": -1, "total": 7, "weight": 0.5, "isOpen": true,
            "lines": [], "extra": {"a": [1.0]},
        });
        for (field, value) in changes {
            payload[NAMES[field]] = value;
        }
        if let (Some(field), Some(members)) = (missing, payload.as_object_mut()) {
            members.remove(NAMES[field]);
        }
        let logged = Logged::new(Some(&payload));
        let read = Stamped::<ParcelEvent>::from_incoming(&logged.text());
        prop_assert_eq!(read, Stamped::<ParcelEvent>::from_action(&logged.action));

        let by_serde = Json::new(payload.clone()).read::<Parcel>("parcelSent");
        let action = Action::new("parcelSent").with_payload(payload);
        let read = ParcelEvent::from_action(&action);
        let is_list_for_struct = read
            .as_ref()
            .is_err_and(|it| it.message().contains("sequence, expected struct"));
        match (read, by_serde) {
            // serde takes a list for a struct, member by member.
            _ if is_list_for_struct => {}
            (Ok(Some(ParcelEvent::ParcelSent(parcel))), Ok(expected)) => {
                prop_assert_eq!(parcel, expected);
            }
            (Err(rejection), Err(expected)) => {
                prop_assert_eq!(rejection.code(), expected.code());
                prop_assert_eq!(rejection.field(), expected.field());
                // A UUID's error says less, and characters in texts are shown as in JSON.
                let said = expected.message();
                let is_other = ["UUID", "\\"].iter().any(|it| said.contains(it));
                if !is_other {
                    prop_assert_eq!(rejection.message(), expected.message());
                }
            }
            (read, expected) => prop_assert!(false, "{read:?}, by serde {expected:?}"),
        }
    }
}
