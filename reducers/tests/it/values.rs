//! Values: which fit a kind, how they compare, and how a message shows them.

use std::sync::Arc;

use flux_reducers::{Bytes, Document, FieldType, Float, Json, Kind, Timestamp, Uuid, Value};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::generate::{Color, Thing, cases, kind_value, pool};
use crate::oracle;

const KINDS: [Kind; 11] = [
    Kind::Bool,
    Kind::I32,
    Kind::I64,
    Kind::U32,
    Kind::F64,
    Kind::Text,
    Kind::Uuid,
    Kind::Timestamp,
    Kind::Bytes,
    Kind::Json,
    Kind::Enumeration(&["red", "dark blue"]),
];

#[track_caller]
fn refused(json: &serde_json::Value, kind: Kind, expected: &str) {
    let error = Value::from_json(json, &kind).expect_err(&format!("{json} as {kind:?}"));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_value_of_another_kind_is_refused_with_both_named() {
    refused(&json!(1), Kind::Bool, "expected true or false, found 1");
    refused(&json!("1"), Kind::I64, r#"expected an integer of 64 bits, found "1""#);
    refused(&json!(1.5), Kind::I32, "expected an integer of 32 bits, found 1.5");
    refused(&json!(true), Kind::F64, "expected a finite number, found true");
    refused(&json!(1), Kind::Text, "expected text, found 1");
    refused(&json!("c449"), Kind::Uuid, r#"expected a UUID, found "c449""#);
    refused(
        &json!("yesterday"),
        Kind::Timestamp,
        r#"expected a UTC timestamp such as `2016-09-26T20:32:46.588Z`, found "yesterday""#,
    );
    refused(&json!("?"), Kind::Bytes, r#"expected bytes as base64 text, found "?""#);
    refused(
        &json!("green"),
        Kind::Enumeration(&["red", "blue"]),
        r#"expected one of red, blue, found "green""#,
    );
    refused(&json!([1]), Kind::I64, "expected an integer of 64 bits, found [1]");
    refused(&json!({"a": 1}), Kind::Text, r#"expected text, found {"a":1}"#);
}

#[test]
fn an_integer_out_of_its_range_is_refused() {
    for (number, kind) in [
        (json!(i64::from(i32::MAX) + 1), Kind::I32),
        (json!(i64::from(i32::MIN) - 1), Kind::I32),
        (json!(i64::from(u32::MAX) + 1), Kind::U32),
        (json!(-1), Kind::U32),
        (json!(i64::MAX.unsigned_abs() + 1), Kind::I64),
        (json!(1e300), Kind::I64),
    ] {
        Value::from_json(&number, &kind).expect_err(&format!("{number} as {kind:?}"));
    }
    for (number, kind) in [
        (i64::from(i32::MAX), Kind::I32),
        (i64::from(i32::MIN), Kind::I32),
        (i64::from(u32::MAX), Kind::U32),
        (i64::MAX, Kind::I64),
        (i64::MIN, Kind::I64),
    ] {
        assert_eq!(Value::from_json(&json!(number), &kind), Ok(Value::Integer(number)));
    }
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_written() {
    let read = |text: &str| Value::from_json(&serde_json::from_str(text).unwrap(), &Kind::I64);
    assert_eq!(read("1.0"), Ok(Value::Integer(1)));
    assert_eq!(read("-1e3"), Ok(Value::Integer(-1000)));
    assert_eq!(read("-0.0"), Ok(Value::Integer(0)));
    assert!(read("0.5").is_err());
    assert!(read("1e19").is_err());
}

#[test]
fn a_double_is_finite() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = Value::from(float).into_kind(&Kind::F64).unwrap_err().to_string();
        assert_eq!(error, format!("expected a finite number, found {float}"));
    }
    let whole = Value::from_json(&json!(3), &Kind::F64);
    assert_eq!(whole, Ok(Value::from(3.0)), "an integer is a number, too");
}

#[test]
fn text_has_no_nul() {
    let error = Value::from("a\0b").into_kind(&Kind::Text).unwrap_err().to_string();
    assert_eq!(
        error,
        r#"expected text without the character U+0000 (not every database can hold it), found "a\u0000b""#
    );
}

#[test]
fn uuids_and_bytes_have_one_text() {
    let uuid = "c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50";
    let value = Value::from_json(&json!(uuid.to_uppercase()), &Kind::Uuid).unwrap();
    assert_eq!(value.to_json(), json!(uuid));
    assert!(Value::from("AQ").into_kind(&Kind::Bytes).is_err(), "no padding");
    assert!(Value::from("AR==").into_kind(&Kind::Bytes).is_err(), "bits left over");
    assert!(Value::from("-_8=").into_kind(&Kind::Bytes).is_err(), "of the other alphabet");
    assert_eq!(Value::from("AQ==").into_kind(&Kind::Bytes), Ok(Value::from(&[1][..])));
}

#[test]
fn there_is_one_zero() {
    assert_eq!(Value::from(-0.0), Value::from(0.0));
    assert_eq!(Value::from(-0.0).to_json(), json!(0));
    assert_eq!(Float::new(-0.0).get().to_bits(), 0.0_f64.to_bits());
}

#[test]
fn a_null_of_json_is_null() {
    let null = Value::from(Json::default());
    assert_eq!(null.into_kind(&Kind::Json), Ok(Value::Null));
    let thing = Thing { data: Some(Json::default()), ..thing() };
    let row = Thing::SCHEMA.row_from_fields(&thing.to_fields()).unwrap();
    assert_eq!(Thing::from_row(&row).unwrap().data, None);
}

#[test]
fn a_long_value_is_cut_in_messages_between_characters() {
    let shown = Value::from("é".repeat(100)).to_string();
    assert_eq!(shown, format!("\"{}…", "é".repeat(79)));
}

#[test]
fn rust_values_become_values_and_come_back() {
    fn check<T: FieldType + Clone + PartialEq + std::fmt::Debug>(value: T, expected: &Value) {
        assert_eq!(&value.to_value(), expected);
        assert_eq!(T::from_value(expected), Ok(value.clone()));
        assert_eq!(Option::<T>::from_value(expected), Ok(Some(value.clone())));
        assert_eq!(&Some(value).to_value(), expected);
        assert_eq!(Option::<T>::from_value(&Value::Null), Ok(None));
        assert!(T::from_value(&Value::Null).is_err());
        assert_eq!(None::<T>.to_value(), Value::Null);
    }
    check(true, &Value::Bool(true));
    check(-1_i32, &Value::Integer(-1));
    check(i64::MIN, &Value::Integer(i64::MIN));
    check(u32::MAX, &Value::Integer(u32::MAX.into()));
    check(0.5, &Value::from(0.5));
    check("é".to_owned(), &Value::from("é"));
    check(Arc::<str>::from("é"), &Value::from("é"));
    check(Uuid::from_u128(7), &Value::Uuid(Uuid::from_u128(7)));
    check(Timestamp::MIN, &Value::Timestamp(Timestamp::MIN));
    check(Bytes(vec![0, 255]), &Value::from(&[0, 255][..]));
    check(Json::from(1), &Value::from(Json::from(1)));
    check(Color::DarkBlue, &Value::from("dark blue"));
    assert!(i32::from_value(&Value::Integer(1 << 31)).is_err());
    assert!(u32::from_value(&Value::Integer(-1)).is_err());
    assert!(Color::from_value(&Value::from("green")).is_err());
}

fn thing() -> Thing {
    Thing {
        id: 1,
        is_done: false,
        small: None,
        big: None,
        count: 0,
        ratio: None,
        title: String::new(),
        code: None,
        owner: None,
        seen_at: None,
        blob: None,
        data: None,
        color: Color::Red,
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    select(&KINDS[..])
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn values_of_one_kind_have_one_order(
        (one, other) in kind().prop_flat_map(|kind| (select(pool(&kind)), select(pool(&kind)))),
    ) {
        prop_assert_eq!(one.cmp(&other), oracle::compare(&one, &other));
        prop_assert_eq!(one == other, one.cmp(&other).is_eq());
    }

    #[test]
    fn a_value_comes_back_from_its_json(
        (kind, value) in kind().prop_flat_map(|kind| (Just(kind), kind_value(&kind))),
    ) {
        let value = value.into_kind(&kind).unwrap();
        prop_assert_eq!(&Value::from_json(&value.to_json(), &kind).unwrap(), &value);
        prop_assert_eq!(&value.clone().into_kind(&kind).unwrap(), &value);
        let text = value.to_json().to_string();
        prop_assert_eq!(Value::from_json(&serde_json::from_str(&text).unwrap(), &kind), Ok(value));
    }

    #[test]
    fn a_double_comes_back_from_its_json(float in any::<f64>()) {
        prop_assume!(float.is_finite());
        let text = Value::from(float).to_json().to_string();
        let value = Value::from_json(&serde_json::from_str(&text).unwrap(), &Kind::F64);
        prop_assert_eq!(value, Ok(Value::from(float)));
    }
}
