//! JSON in its normal form: equal values have equal text.

use flux_reducers::{Action, Json, Kind, Value};
use proptest::prelude::*;
use serde_json::json;

use crate::generate::cases;

#[track_caller]
fn check(text: &str, normal: &str) {
    let json: Json = serde_json::from_str(text).unwrap();
    assert_eq!(json.to_string(), normal);
    assert_eq!(serde_json::to_string(&json).unwrap(), normal);
    assert_eq!(serde_json::from_str::<Json>(normal).unwrap(), json);
    assert_eq!(Json::new(serde_json::from_str(text).unwrap()), json);
}

#[test]
fn object_keys_are_sorted_at_every_depth() {
    check(
        r#"{"b":1,"a":{"d":[{"y":1,"x":2}],"c":null}}"#,
        r#"{"a":{"c":null,"d":[{"x":2,"y":1}]},"b":1}"#,
    );
    check("{\"\u{10000}\":1,\"\u{ffff}\":2}", "{\"\u{ffff}\":2,\"\u{10000}\":1}");
}

#[test]
fn of_a_key_that_comes_twice_the_last_stays() {
    check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#);
}

#[test]
fn a_whole_number_has_one_text() {
    check("1.0", "1");
    check("1e3", "1000");
    check("[-0.0,-0,0e9]", "[0,0,0]");
    check("-1.50", "-1.5");
    check("9007199254740993", "9007199254740993");
    check("9223372036854775807", "9223372036854775807");
    check("-9223372036854775808", "-9223372036854775808");
    check("-9.223372036854775808e18", "-9223372036854775808");
    check("9.223372036854775808e18", "9223372036854775808");
    check("1e19", "10000000000000000000");
    check("18446744073709551615", "18446744073709551615");
    check("18446744073709551616", "1.8446744073709552e+19");
    check("1e300", "1e+300");
    check("0.1", "0.1");
}

#[test]
fn numbers_that_are_equal_are_one_value_of_a_field() {
    let value = |json| Value::from_json(&json, &Kind::Json).unwrap();
    assert_eq!(value(json!({"a": 1.0})), value(json!({"a": 1})));
    assert_eq!(value(json!([1e19])), value(json!([10_000_000_000_000_000_000_u64])));
    assert_ne!(value(json!("1")), value(json!(1)));
}

#[test]
fn a_payload_of_null_is_none() {
    assert_eq!(Action::new("cleared").with_payload(json!(null)), Action::new("cleared"));
    let action: Action = serde_json::from_str(r#"{"type":"cleared","payload":null}"#).unwrap();
    assert_eq!(action, Action::new("cleared"));
}

#[test]
fn members_of_meta_are_set_and_read_by_name() {
    let action = Action::new("noteAdded").with_meta("user", "ann").with_meta("a", 1);
    assert_eq!(action.meta("user"), Some(&json!("ann")));
    assert_eq!(action.meta("b"), None);
    assert_eq!(action.meta.unwrap().to_string(), r#"{"a":1,"user":"ann"}"#);
}

#[test]
fn the_field_at_fault_is_named_wherever_it_is() {
    #[derive(Debug, serde::Deserialize)]
    struct Order {
        #[allow(dead_code, reason = "only read")]
        items: Vec<Item>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Item {
        #[allow(dead_code, reason = "only read")]
        count: u32,
    }
    let field = |json| {
        let rejection = Json::new(json).read::<Order>("order").unwrap_err();
        rejection.field().map(ToOwned::to_owned)
    };
    assert_eq!(field(json!({"items": [{"count": 1}, {"count": -1}]})).unwrap(), "items[1].count");
    assert_eq!(field(json!({"items": [{"count": 1}, {}]})).unwrap(), "items[1].count");
    assert_eq!(field(json!({"items": 1})).unwrap(), "items");
    assert_eq!(field(json!({})).unwrap(), "items");
    assert_eq!(field(json!("order")), None);
}

pub(crate) fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        any::<u64>().prop_map(|it| json!(it)),
        any::<f64>().prop_map(|it| json!(it)),
        (-20_i32..20).prop_map(|it| json!(f64::from(it) * 0.5)),
        any::<String>().prop_map(|it| json!(it)),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| json!(it)),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn two_values_are_equal_if_their_texts_are_and_compare_so(
        one in any_json(),
        other in any_json(),
    ) {
        let (one, other) = (Json::new(one), Json::new(other));
        prop_assert_eq!(one == other, one.to_string() == other.to_string());
        prop_assert_eq!(one.cmp(&other).is_eq(), one == other);
        prop_assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
    }

    #[test]
    fn the_normal_form_is_normal_already(json in any_json()) {
        let normal = Json::new(json);
        prop_assert_eq!(&Json::new(normal.as_value().clone()), &normal);
        prop_assert_eq!(&serde_json::from_str::<Json>(&normal.to_string()).unwrap(), &normal);
    }
}
