//! Filters and orders, by example.

use flux_reducers::{
    Database, Document, FILTER_DEPTH_MAX, FILTER_PARTS_MAX, Fields, Filter, Halt, Json, Operation,
    Query, Rejection, Timestamp, Uuid, Value, code,
};
use serde_json::json;

use crate::generate::{SCHEMAS, Thing};

/// Things 1, 2, .. with these fields, and plain ones else.
fn things(things: impl IntoIterator<Item = Fields>) -> Database {
    let mut database = Database::new(SCHEMAS).unwrap();
    for (id, fields) in (1_i64..).zip(things) {
        let plain = Fields::new().with("id", id).with("isDone", false).with("count", 0);
        let plain = plain.with("title", "").with("color", "red");
        let all = plain.iter().chain(fields.iter());
        let document = all.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        database
            .apply(&Operation::Upsert { collection: "things".into(), document }.into())
            .unwrap();
    }
    database
}

fn with(name: &'static str, value: impl Into<Value>) -> Fields {
    Fields::new().with(name, value)
}

#[track_caller]
fn check(database: &Database, query: impl Into<Query>, ids: &[i64]) {
    let rows = database.rows("things", &query.into()).unwrap();
    let found: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(found, ids.iter().map(Value::from).collect::<Vec<_>>());
}

#[track_caller]
fn rejected(query: impl Into<Query>, code: &str, field: &str) -> String {
    let database = Database::new(SCHEMAS).unwrap();
    let found: Result<_, Halt> = database.rows("things", &query.into());
    let Err(Halt::Rejected(rejection)) = found else { panic!("expected a rejection") };
    assert_eq!((rejection.code(), rejection.field()), (code, Some(field)));
    Rejection::message(&rejection).to_owned()
}

#[test]
fn of_a_long_text_only_the_beginning_counts_for_the_order() {
    #[derive(Document)]
    #[document(collection = "pages")]
    struct Page {
        id: i64,
        text: String,
    }
    let mut database = Database::new([Page::SCHEMA]).unwrap();
    for (id, length, end) in [(1, 2000, "b"), (2, 2000, "a"), (3, 1999, "b"), (4, 1999, "a")] {
        let pages = database.collection::<Page>().unwrap();
        let text = format!("{}{end}", "😀".repeat(length));
        database.apply(&pages.create(Page { id, text })).unwrap();
    }
    let ids = |query| {
        let rows = database.rows("pages", &query).unwrap();
        rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(Query::all().ascending("text")), [4, 3, 1, 2].map(Value::from));
    assert_eq!(ids(Query::all().descending("text")), [1, 2, 3, 4].map(Value::from));
}

#[test]
fn documents_come_by_their_ids() {
    let mut database = things([Fields::new(), Fields::new()]);
    for id in [i64::MAX, i64::MIN, 10, -1] {
        let row = database.rows("things", &Query::all()).unwrap().remove(0);
        let names = Thing::SCHEMA.fields.iter().map(|field| field.name);
        let document: Fields = names.zip(row.values().iter().cloned()).collect();
        let document = document.with("id", id);
        database
            .apply(&Operation::Create { collection: "things".into(), document }.into())
            .unwrap();
    }
    check(&database, Query::all(), &[i64::MIN, -1, 1, 2, 10, i64::MAX]);
}

#[test]
fn a_null_equals_null_only() {
    let database = things([with("small", 1), with("small", Value::Null), with("small", 2)]);
    check(&database, Filter::eq("small", Value::Null), &[2]);
    check(&database, Filter::is_null("small"), &[2]);
    check(&database, Filter::ne("small", 1), &[2, 3]);
    check(&database, Filter::ne("small", Value::Null), &[1, 3]);
    check(&database, Filter::is_in("small", [Value::Null, 2.into()]), &[2, 3]);
    check(&database, Filter::le("small", 9), &[1, 3]);
    check(&database, !Filter::le("small", 9), &[2]);
    check(&database, !Filter::gt("small", 1), &[1, 2]);
    check(&database, Filter::is_null("count"), &[]);
    check(&database, Filter::starts_with("code", ""), &[]);
    check(&database, !Filter::contains("code", ""), &[1, 2, 3]);
}

#[test]
fn all_of_none_is_everything_and_one_of_none_is_nothing() {
    let database = things([Fields::new(), Fields::new()]);
    check(&database, Filter::And(vec![]), &[1, 2]);
    check(&database, Filter::Or(vec![]), &[]);
    check(&database, Filter::is_in("id", [0_i64; 0]), &[]);
    check(&database, Filter::all() & Filter::eq("id", 1), &[1]);
    check(&database, !Filter::all() | Filter::eq("id", 2), &[2]);
    check(&database, Filter::all().clone() & !Filter::Or(vec![]), &[1, 2]);
}

#[test]
fn text_compares_by_code_point_and_case() {
    let texts = ["b", "a", "B", "\u{ffff}", "\u{10000}", "", "é", "e\u{301}", "a "];
    let database = things(texts.map(|text| with("title", text)));
    check(&database, Query::all().ascending("title"), &[6, 3, 2, 9, 1, 8, 7, 4, 5]);
    check(&database, Filter::eq("title", "a"), &[2]);
    check(&database, Filter::gt("title", "\u{ffff}"), &[5]);
    check(&database, Filter::lt("title", "a"), &[3, 6]);
    check(&database, Filter::starts_with("title", "a"), &[2, 9]);
    check(&database, Filter::contains("title", " "), &[9]);
    check(&database, Filter::starts_with("title", "").clone(), &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_wildcards_of_sql_are_characters_like_others() {
    let database = things(["a%", "ab", "a_", "a\\", "%a", "[a]", "a*"].map(|it| with("title", it)));
    check(&database, Filter::starts_with("title", "a%"), &[1]);
    check(&database, Filter::starts_with("title", "a_"), &[3]);
    check(&database, Filter::contains("title", "\\"), &[4]);
    check(&database, Filter::contains("title", "%"), &[1, 5]);
    check(&database, Filter::contains("title", "[a]"), &[6]);
    check(&database, Filter::starts_with("title", "a*"), &[7]);
}

#[test]
fn each_kind_has_its_order() {
    let of = |name: &'static str, values: Vec<Value>| {
        things(values.into_iter().map(|value| with(name, value)))
    };
    let ascending = |name: &str| Query::all().ascending(name);
    check(&of("isDone", vec![true.into(), false.into()]), ascending("isDone"), &[2, 1]);
    let numbers = vec![9.into(), 10.into(), Value::Null, i64::MIN.into(), i64::MAX.into()];
    check(&of("big", numbers), ascending("big"), &[3, 4, 1, 2, 5]);
    let numbers = vec![1e300.into(), (-1e300).into(), 0.0.into(), (-0.0).into(), (-0.5).into()];
    check(&of("ratio", numbers), ascending("ratio"), &[2, 5, 3, 4, 1]);
    let uuids = [1 << 127, 7, 1 << 64].map(|it| Value::from(Uuid::from_u128(it)));
    check(&of("owner", uuids.to_vec()), ascending("owner"), &[2, 3, 1]);
    let times = [1, -1, 0].map(|it| Value::from(Timestamp::from_milliseconds(it).unwrap()));
    check(&of("seenAt", times.to_vec()), ascending("seenAt"), &[2, 3, 1]);
    let bytes = [&[1][..], &[0xff], &[], &[1, 0], &[0x80]].map(Value::from);
    check(&of("blob", bytes.to_vec()), ascending("blob"), &[3, 1, 4, 5, 2]);
    let colors = ["red", "dark blue", "lightGreen"].map(Value::from);
    check(&of("color", colors.to_vec()), ascending("color"), &[2, 3, 1]);
}

#[test]
fn nulls_come_first_and_in_descending_order_last() {
    let database = things([with("small", 2), with("small", Value::Null), with("small", 1)]);
    check(&database, Query::all().ascending("small"), &[2, 3, 1]);
    check(&database, Query::all().descending("small"), &[1, 3, 2]);
}

#[test]
fn orders_follow_one_another_and_the_id_is_the_last_one() {
    let thing = |count: u32, title: &str| with("count", count).with("title", title);
    let database = things([thing(1, "b"), thing(2, "a"), thing(1, "a"), thing(1, "b")]);
    check(&database, Query::all().ascending("count").ascending("title"), &[3, 1, 4, 2]);
    check(&database, Query::all().descending("count").descending("title"), &[2, 1, 4, 3]);
    check(&database, Query::all().ascending("title").descending("count"), &[2, 3, 1, 4]);
    check(&database, Query::all().descending("id"), &[4, 3, 2, 1]);
}

#[test]
fn a_limit_and_an_offset_cut_what_is_ordered() {
    let database = things((0..5).map(|_| Fields::new()));
    let query = || Query::all().descending("id");
    check(&database, query().limit(2), &[5, 4]);
    check(&database, query().limit(2).offset(1), &[4, 3]);
    check(&database, query().offset(3), &[2, 1]);
    check(&database, query().offset(9), &[]);
    check(&database, query().limit(0), &[]);
    check(&database, query().limit(u64::MAX).offset(u64::MAX), &[]);
    check(&database, query().limit(u64::MAX), &[5, 4, 3, 2, 1]);
}

#[test]
fn json_is_equal_or_not_and_has_no_order() {
    let json = |json| Json::new(json);
    let database = things([
        with("data", json(json!({"a": 1.0, "b": 2}))),
        with("data", json(json!({"a": 1}))),
        with("data", json(json!(null))),
    ]);
    check(&database, Filter::eq("data", json(json!({"b": 2, "a": 1}))), &[1]);
    check(&database, Filter::ne("data", json(json!({"a": 1}))), &[1, 3]);
    check(&database, Filter::is_in("data", [json(json!({"a": 1.0})), json(json!(1))]), &[2]);
    check(&database, Filter::eq("data", json(json!(null))), &[3]);
    let filter = Filter::lt("data", json(json!(1)));
    let message = rejected(filter, code::INVALID_FILTER, "data");
    assert_eq!(
        message,
        "filter on field `data`: JSON has no order: use `eq`, `ne`, `in`, `isNull`"
    );
    let message = rejected(Query::all().ascending("data"), code::INVALID_FILTER, "data");
    assert_eq!(message, "filter on field `data`: JSON has no order: order by another field");
    rejected(Filter::contains("data", "a"), code::INVALID_FILTER, "data");
}

#[test]
fn a_filter_that_makes_no_sense_is_refused_with_the_field() {
    rejected(Filter::eq("titel", "a"), code::UNKNOWN_FIELD, "titel");
    rejected(Filter::is_null("titel"), code::UNKNOWN_FIELD, "titel");
    rejected(Filter::is_in("titel", [0; 0]), code::UNKNOWN_FIELD, "titel");
    rejected(Query::all().ascending("titel"), code::UNKNOWN_FIELD, "titel");
    rejected(!Filter::eq("titel", "a"), code::UNKNOWN_FIELD, "titel");
    rejected(Filter::Or(vec![Filter::all(), Filter::eq("titel", 1)]), code::UNKNOWN_FIELD, "titel");
    rejected(Filter::eq("count", -1), code::INVALID_FILTER, "count");
    rejected(Filter::eq("ratio", f64::NAN), code::INVALID_FILTER, "ratio");
    rejected(Filter::eq("color", "green"), code::INVALID_FILTER, "color");
    rejected(Filter::eq("owner", "ann"), code::INVALID_FILTER, "owner");
    rejected(Filter::contains("title", "\0"), code::INVALID_FILTER, "title");
    rejected(Filter::starts_with("count", "1"), code::INVALID_FILTER, "count");
    let message = rejected(Filter::gt("small", Value::Null), code::INVALID_FILTER, "small");
    assert_eq!(message, "filter on field `small`: null has no order: use `isNull`");
}

#[test]
fn values_in_a_filter_get_their_fields_kind() {
    let uuid = Uuid::from_u128(7);
    let database = things([
        with("owner", uuid).with("ratio", 1.0),
        with("seenAt", Timestamp::MIN).with("blob", &[1][..]),
    ]);
    check(&database, Filter::eq("owner", uuid.to_string().to_uppercase()), &[1]);
    check(&database, Filter::eq("ratio", 1), &[1]);
    check(&database, Filter::eq("seenAt", "0000-01-01T00:00:00Z"), &[2]);
    check(&database, Filter::eq("blob", "AQ=="), &[2]);
    check(&database, Filter::starts_with("color", "re"), &[1, 2]);
}

#[test]
fn a_filter_is_no_larger_and_no_deeper_than_every_database_takes() {
    let database = things([]);
    let part = Filter::is_null("title");
    let nested = |depth: usize| (1..depth).fold(part.clone(), |inner, _| !inner);
    let most = i64::try_from(FILTER_PARTS_MAX).unwrap();
    check(&database, Filter::Or(vec![part.clone(); FILTER_PARTS_MAX - 1]), &[]);
    check(&database, Filter::is_in("id", 0..most), &[]);
    check(&database, nested(FILTER_DEPTH_MAX), &[]);

    let refused = [
        Filter::Or(vec![part.clone(); FILTER_PARTS_MAX]),
        Filter::is_in("id", 0..=most),
        nested(FILTER_DEPTH_MAX + 1),
    ];
    for filter in refused {
        let halt = database.rows("things", &filter.into()).unwrap_err();
        assert!(matches!(halt, Halt::Rejected(it) if it.code() == code::INVALID_FILTER));
    }
}
