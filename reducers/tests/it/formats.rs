//! The formats in JSON, to the letter: what is stored and sent must stay readable.

use flux_reducers::{
    Action, Bytes, Changeset, Document, Enumeration, Fields, Filter, Json, Operation,
    RecordedEvent, Rejection, Timestamp, Uuid, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), value);
}

const UUID: &str = "c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50";

fn uuid() -> Uuid {
    UUID.parse().unwrap()
}

fn timestamp() -> Timestamp {
    "2016-09-20T07:04:21.000Z".parse().unwrap()
}

#[test]
fn a_recorded_event() {
    let event = RecordedEvent {
        id: uuid(),
        timestamp: timestamp(),
        event_type: "noteAdded".into(),
        payload: Some(json!({"title": "Milk", "count": 2.0}).into()),
        meta: Some(json!({"user": "ann"}).into()),
        error: None,
        position: 7,
    };
    check(
        &event,
        r#"{"id":"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50","timestamp":"2016-09-20T07:04:21.000Z","type":"noteAdded","payload":{"count":2,"title":"Milk"},"meta":{"user":"ann"},"position":7}"#,
    );
    check(
        &RecordedEvent { payload: None, meta: None, error: Some(true), ..event },
        r#"{"id":"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50","timestamp":"2016-09-20T07:04:21.000Z","type":"noteAdded","error":true,"position":7}"#,
    );
}

#[test]
fn an_action() {
    check(&Action::new("cleared"), r#"{"type":"cleared"}"#);
    let action = Action::new("noteAdded")
        .with_id(uuid())
        .with_payload(json!({"title": "Milk"}))
        .with_meta("user", "ann");
    check(
        &action,
        r#"{"id":"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50","type":"noteAdded","payload":{"title":"Milk"},"meta":{"user":"ann"}}"#,
    );
}

#[test]
fn a_changeset() {
    let document =
        || Fields::new().with("id", uuid()).with("title", "Milk").with("text", Value::Null);
    let patch = || Fields::new().with("done", true).with("price", 1.5);
    let filter = || Filter::lt("createdAt", timestamp());
    let changeset: Changeset = [
        Operation::Create { collection: "notes".into(), document: document() },
        Operation::Upsert { collection: "notes".into(), document: Fields::new() },
        Operation::UpdateById { collection: "notes".into(), id: 7.into(), patch: patch() },
        Operation::DestroyById { collection: "notes".into(), id: "a".into() },
        Operation::UpdateWhere { collection: "notes".into(), filter: filter(), patch: patch() },
        Operation::DestroyWhere { collection: "notes".into(), filter: Filter::all() },
    ]
    .into_iter()
    .map(Changeset::from)
    .collect();
    check(
        &changeset,
        concat!(
            r#"[{"create":{"collection":"notes","document":{"id":{"uuid":"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50"},"title":"Milk","text":null}}},"#,
            r#"{"upsert":{"collection":"notes","document":{}}},"#,
            r#"{"updateById":{"collection":"notes","id":7,"patch":{"done":true,"price":{"float":1.5}}}},"#,
            r#"{"destroyById":{"collection":"notes","id":"a"}},"#,
            r#"{"updateWhere":{"collection":"notes","filter":{"lt":["createdAt",{"timestamp":"2016-09-20T07:04:21.000Z"}]},"patch":{"done":true,"price":{"float":1.5}}}},"#,
            r#"{"destroyWhere":{"collection":"notes","filter":{"and":[]}}}]"#,
        ),
    );
    check(&Changeset::no_change(), "[]");
}

#[test]
fn a_filter() {
    let filter = Filter::And(vec![
        Filter::eq("a", 1),
        Filter::ne("b", Value::Null),
        Filter::lt("c", -1),
        Filter::le("d", "x"),
        Filter::gt("e", 0.5),
        Filter::ge("f", false),
        Filter::is_in("g", [1, 2]),
        Filter::is_null("h"),
        Filter::starts_with("i", "%"),
        Filter::contains("j", ""),
        Filter::Or(vec![]),
        !Filter::all(),
    ]);
    check(
        &filter,
        r#"{"and":[{"eq":["a",1]},{"ne":["b",null]},{"lt":["c",-1]},{"le":["d","x"]},{"gt":["e",{"float":0.5}]},{"ge":["f",false]},{"in":["g",[1,2]]},{"isNull":"h"},{"startsWith":["i","%"]},{"contains":["j",""]},{"or":[]},{"not":{"and":[]}}]}"#,
    );
}

#[test]
fn a_value_that_stands_alone() {
    check(&Value::Null, "null");
    check(&Value::from(true), "true");
    check(&Value::from(i64::MIN), "-9223372036854775808");
    check(&Value::from(1.0), r#"{"float":1.0}"#);
    check(&Value::from("a\"\n"), r#""a\"\n""#);
    check(&Value::from(uuid()), &format!(r#"{{"uuid":"{UUID}"}}"#));
    check(&Value::from(timestamp()), r#"{"timestamp":"2016-09-20T07:04:21.000Z"}"#);
    check(&Value::from(Bytes(vec![1, 2, 255])), r#"{"bytes":"AQL/"}"#);
    check(
        &Value::from(Json::new(json!({"b": [1.0], "a": null}))),
        r#"{"json":{"a":null,"b":[1]}}"#,
    );
    let read = |text| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    assert_eq!(read("1.5"), Ok(Value::from(1.5)), "what JSON tells apart may stand alone");
    assert!(read("[1]").unwrap_err().contains("an object with one of the members `float`"));
    assert!(read(r#"{"date":1}"#).unwrap_err().contains("unknown variant `date`"));
    assert!(read("9223372036854775808").unwrap_err().contains("beyond the largest integer"));
    assert!(read(r#"{"float":1.5,"uuid":1}"#).is_err());
    assert!(read("{}").is_err());
}

#[derive(Debug, PartialEq, Document)]
#[document(collection = "all")]
#[serde(rename_all = "camelCase")]
struct All {
    id: Uuid,
    is_bool: bool,
    small: i32,
    #[document(unique)]
    big: i64,
    positive: u32,
    double: f64,
    #[document(index)]
    text: String,
    time: Timestamp,
    bytes: Bytes,
    json: Json,
    #[serde(rename = "enum")]
    enumeration: Size,
    nothing: Option<String>,
}

#[derive(Debug, PartialEq, Enumeration)]
#[serde(rename_all = "kebab-case")]
enum Size {
    Small,
    VeryLarge,
}

#[test]
fn a_schema() {
    let field = |name: &str, kind: &str| {
        format!(
            r#"{{"name":"{name}","kind":{kind},"nullable":false,"unique":false,"index":false}}"#
        )
    };
    let fields = [
        field("id", r#""uuid""#),
        field("isBool", r#""bool""#),
        field("small", r#""i32""#),
        field("big", r#""i64""#).replace(r#""unique":false"#, r#""unique":true"#),
        field("positive", r#""u32""#),
        field("double", r#""f64""#),
        field("text", r#""text""#).replace(r#""index":false"#, r#""index":true"#),
        field("time", r#""timestamp""#),
        field("bytes", r#""bytes""#),
        field("json", r#""json""#),
        field("enum", r#"{"enumeration":["small","very-large"]}"#),
        field("nothing", r#""text""#).replace(r#""nullable":false"#, r#""nullable":true"#),
    ];
    assert_eq!(
        serde_json::to_string(All::SCHEMA).unwrap(),
        format!(r#"{{"collection":"all","fields":[{}],"id":0}}"#, fields.join(","))
    );
}

#[test]
fn a_row() {
    let all = All {
        id: uuid(),
        is_bool: true,
        small: -1,
        big: i64::MAX,
        positive: u32::MAX,
        double: 2.0,
        text: "a\u{10000}\"".into(),
        time: timestamp(),
        bytes: Bytes(vec![0xff]),
        json: json!({"b": 1.0, "a": "x"}).into(),
        enumeration: Size::VeryLarge,
        nothing: None,
    };
    let row = All::SCHEMA.row_from_fields(&all.to_fields()).unwrap();
    let text = serde_json::to_string(&All::SCHEMA.named(&row)).unwrap();
    assert_eq!(
        text,
        "{\"id\":\"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50\",\"isBool\":true,\"small\":-1,\
         \"big\":9223372036854775807,\"positive\":4294967295,\"double\":2,\
         \"text\":\"a\u{10000}\\\"\",\"time\":\"2016-09-20T07:04:21.000Z\",\"bytes\":\"/w==\",\
         \"json\":{\"a\":\"x\",\"b\":1},\"enum\":\"very-large\",\"nothing\":null}"
    );
    let again = All::SCHEMA.row_from_json(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(again, row);
    assert_eq!(All::from_row(&again), Ok(all));
}

#[test]
fn a_rejection() {
    check(&Rejection::new("late", "too late"), r#"{"code":"late","message":"too late"}"#);
    check(
        &Rejection::new("late", "too late").with_field("at"),
        r#"{"code":"late","message":"too late","field":"at"}"#,
    );
}
