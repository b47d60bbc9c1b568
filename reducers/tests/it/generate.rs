//! Random documents, filters, queries and changesets over small pools of edge cases, so that ids
//! and unique values meet.

use flux_reducers::{
    Bytes, Changeset, Database, Direction, Document, Enumeration, Fields, Filter, Json, Kind,
    Operation, Query, Row, Schema, Timestamp, Uuid, Value,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::Config;
use serde_json::json;

/// A document with a field of every kind, indexed and not, unique and not, nullable and not.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "things")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Thing {
    pub(crate) id: i64,
    pub(crate) is_done: bool,
    #[document(index)]
    pub(crate) small: Option<i32>,
    #[document(unique)]
    pub(crate) big: Option<i64>,
    pub(crate) count: u32,
    #[document(index)]
    pub(crate) ratio: Option<f64>,
    #[document(index)]
    pub(crate) title: String,
    #[document(unique)]
    pub(crate) code: Option<String>,
    #[document(index)]
    pub(crate) owner: Option<Uuid>,
    pub(crate) seen_at: Option<Timestamp>,
    #[document(unique)]
    pub(crate) blob: Option<Bytes>,
    pub(crate) data: Option<Json>,
    #[document(index)]
    pub(crate) color: Color,
}

/// A few names, one of them not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Enumeration)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Color {
    Red,
    #[serde(rename = "dark blue")]
    DarkBlue,
    LightGreen,
}

/// A document with text as its id, and a unique field that is never null.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "tags")]
pub(crate) struct Tag {
    #[document(id)]
    pub(crate) name: String,
    #[document(unique)]
    pub(crate) place: u32,
}

/// The collections of the random tests.
pub(crate) const SCHEMAS: [&Schema; 2] = [Thing::SCHEMA, Tag::SCHEMA];

/// How many random cases a law is tried with.
pub(crate) fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// All rows of all collections, in order.
pub(crate) fn contents(database: &Database) -> Vec<(&'static str, Vec<Row>)> {
    let rows = |schema: &'static Schema| {
        (schema.collection, database.rows(schema.collection, &Query::all()).expect("a whole one"))
    };
    database.schemas().map(rows).collect()
}

/// A whole database with some documents.
pub(crate) fn database() -> impl Strategy<Value = Database> {
    prop::collection::vec(write(), 0..14).prop_map(|operations| {
        let mut database = Database::new(SCHEMAS).expect("schemas that can be held");
        for operation in operations {
            // Refused where a unique value is taken; the others stay.
            let _ = database.apply(&operation.into());
        }
        database
    })
}

pub(crate) fn schema() -> impl Strategy<Value = &'static Schema> {
    prop_oneof![4 => Just(Thing::SCHEMA), 1 => Just(Tag::SCHEMA)]
}

pub(crate) fn changeset(operations: usize) -> impl Strategy<Value = Changeset> {
    prop::collection::vec(operation(), 0..=operations)
        .prop_map(|operations| operations.into_iter().map(Changeset::from).collect())
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    schema().prop_flat_map(|schema| {
        let collection = move || schema.collection.into();
        prop_oneof![
            document(schema)
                .prop_map(move |document| Operation::Create { collection: collection(), document }),
            document(schema)
                .prop_map(move |document| Operation::Upsert { collection: collection(), document }),
            (id(schema), patch(schema)).prop_map(move |(id, patch)| Operation::UpdateById {
                collection: collection(),
                id,
                patch
            }),
            id(schema).prop_map(move |id| Operation::DestroyById { collection: collection(), id }),
            (filter(schema), patch(schema)).prop_map(move |(filter, patch)| {
                Operation::UpdateWhere { collection: collection(), filter, patch }
            }),
            filter(schema).prop_map(move |filter| Operation::DestroyWhere {
                collection: collection(),
                filter
            }),
        ]
    })
}

/// An operation that adds.
fn write() -> impl Strategy<Value = Operation> {
    schema().prop_flat_map(|schema| {
        document(schema).prop_map(|document| Operation::Upsert {
            collection: schema.collection.into(),
            document,
        })
    })
}

/// A document in any order of its fields, with nullable ones left out at times, and seldom wrong.
fn document(schema: &'static Schema) -> impl Strategy<Value = Fields> {
    let values: Vec<_> = schema
        .fields
        .iter()
        .enumerate()
        .map(|(position, field)| {
            let value = if position == schema.id { id(schema) } else { field_value(field) };
            (Just(field.name), value, Just(field.nullable))
        })
        .collect();
    (values, prop::bool::ANY, prop::bool::weighted(0.02)).prop_map(|(mut values, sorted, wrong)| {
        values.retain(|(_, value, nullable)| !(sorted && *nullable && value.is_null()));
        if sorted {
            values.reverse();
        }
        let fields = values.into_iter().map(|(name, value, _)| (name, value)).collect::<Fields>();
        if wrong { fields.with("noSuchField", 1) } else { fields }
    })
}

/// A few fields; seldom the id or a field that there is not.
pub(crate) fn patch(schema: &'static Schema) -> impl Strategy<Value = Fields> {
    let others: Vec<_> = schema.fields.iter().filter(|it| *it != schema.id_field()).collect();
    let valid = subsequence(others, 0..=others_max(schema)).prop_flat_map(|fields| {
        let values: Vec<_> =
            fields.into_iter().map(|field| (Just(field.name), field_value(field))).collect();
        values.prop_map(|values| values.into_iter().collect::<Fields>())
    });
    let of_id = id(schema).prop_map(|id| Fields::new().with(schema.id_field().name, id));
    prop_oneof![
        30 => valid,
        1 => of_id,
        1 => Just(Fields::new().with("noSuchField", 1)),
    ]
}

fn others_max(schema: &Schema) -> usize {
    (schema.fields.len() - 1).min(3)
}

/// One of few ids.
pub(crate) fn id(schema: &'static Schema) -> BoxedStrategy<Value> {
    match schema.id_field().kind {
        Kind::Text => select(texts()).prop_map(Value::from).boxed(),
        _ => prop_oneof![
            20 => (0_i64..7).prop_map(Value::from),
            1 => Just(Value::from(i64::MIN)),
            1 => Just(Value::from(i64::MAX)),
        ]
        .boxed(),
    }
}

fn field_value(field: &'static flux_reducers::Field) -> BoxedStrategy<Value> {
    if field.unique && field.nullable {
        return prop_oneof![3 => Just(Value::Null), 2 => kind_value(&field.kind)].boxed();
    }
    if field.nullable {
        return prop_oneof![1 => Just(Value::Null), 4 => kind_value(&field.kind)].boxed();
    }
    if field.unique && matches!(field.kind, Kind::U32) {
        return (0_u32..12).prop_map(Value::from).boxed();
    }
    prop_oneof![1 => Just(Value::Null), 80 => kind_value(&field.kind)].boxed()
}

/// A value from the pool of its kind; at times as the text that stands for it.
pub(crate) fn kind_value(kind: &Kind) -> BoxedStrategy<Value> {
    let has_text = matches!(kind, Kind::Uuid | Kind::Timestamp | Kind::Bytes);
    (select(pool(kind)), prop::bool::weighted(0.2))
        .prop_map(move |(value, as_text)| match value.to_json() {
            serde_json::Value::String(text) if as_text && has_text => Value::from(text),
            _ => value,
        })
        .boxed()
}

/// Values of a kind that differ in all that could be mixed up.
pub(crate) fn pool(kind: &Kind) -> Vec<Value> {
    fn values<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Vec<Value> {
        values.into_iter().map(Into::into).collect()
    }
    match kind {
        Kind::Bool => values([false, true]),
        Kind::I32 => values([i32::MIN, -1, 0, 7, i32::MAX]),
        Kind::I64 => values([i64::MIN, -1, 0, 1, (1 << 53) + 1, i64::MAX]),
        Kind::U32 => values([0, 1, u32::MAX]),
        Kind::F64 => values([
            -1e300,
            -1.5,
            -0.0,
            0.0,
            f64::MIN_POSITIVE,
            0.1,
            1.0,
            9_007_199_254_740_992.0,
            9_223_372_036_854_774_784.0,
            1e19,
            1e300,
        ]),
        Kind::Text => values(texts()),
        Kind::Uuid => values([Uuid::nil(), Uuid::from_u128(7), Uuid::from_u128(1 << 127)]),
        Kind::Timestamp => [Timestamp::MIN.as_milliseconds(), -1, 0, 1_474_921_966_588]
            .into_iter()
            .chain([Timestamp::MAX.as_milliseconds()])
            .map(|it| Value::Timestamp(Timestamp::from_milliseconds(it).expect("in range")))
            .collect(),
        Kind::Bytes => values([&[][..], &[0], &[0, 1], &[0xff]]),
        Kind::Json => [json!(1), json!(1.0), json!(-0.0), json!("1"), json!({"b": 1, "a": [1.5]})]
            .into_iter()
            .chain([json!(null), json!([]), json!(false), json!(1e19), json!(u64::MAX)])
            .map(|json| Value::from(Json::new(json)))
            .collect(),
        Kind::Enumeration(variants) => values(variants.iter().copied()),
    }
}

fn texts() -> Vec<&'static str> {
    vec![
        "",
        "Z",
        "a",
        "a ",
        "ab",
        "b%_'\"\\",
        "é",
        "\u{1}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
    ]
}

/// A filter; seldom one that makes no sense.
pub(crate) fn filter(schema: &'static Schema) -> BoxedStrategy<Filter> {
    let leaf = prop_oneof![
        40 => select(schema.fields).prop_flat_map(condition),
        1 => Just(Filter::all()),
        1 => Just(Filter::Or(Vec::new())),
        1 => Just(Filter::eq("noSuchField", 1)).prop_filter("seldom", |_| true),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left & right),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left | right),
            inner.prop_map(|filter| !filter),
        ]
    })
    .boxed()
}

fn condition(field: flux_reducers::Field) -> BoxedStrategy<Filter> {
    let name = field.name;
    let value = move || {
        if name == "id" { id(Thing::SCHEMA) } else { kind_value(&field.kind) }
    };
    let or_null = move || prop_oneof![8 => value(), 1 => Just(Value::Null)];
    let equality = prop_oneof![
        4 => or_null().prop_map(move |value| Filter::eq(name, value)),
        1 => or_null().prop_map(move |value| Filter::ne(name, value)),
        2 => prop::collection::vec(or_null(), 0..4).prop_map(move |all| Filter::is_in(name, all)),
        1 => Just(Filter::is_null(name)),
    ];
    let order = value().prop_flat_map(move |value| {
        select(vec![
            Filter::lt(name, value.clone()),
            Filter::le(name, value.clone()),
            Filter::gt(name, value.clone()),
            Filter::ge(name, value),
        ])
    });
    let text = select(texts()).prop_flat_map(move |text| {
        select(vec![Filter::starts_with(name, text), Filter::contains(name, text)])
    });
    match field.kind {
        Kind::Json => equality.boxed(),
        Kind::Text | Kind::Enumeration(_) => {
            prop_oneof![2 => equality, 1 => order, 1 => text].boxed()
        }
        _ => prop_oneof![2 => equality, 1 => order].boxed(),
    }
}

/// A query by any filter, with up to three orders, and at times a limit and an offset.
pub(crate) fn query(schema: &'static Schema) -> impl Strategy<Value = Query> {
    (filter(schema), orders(schema), prop::option::of(0_u64..6), 0_u64..4).prop_map(
        |(filter, orders, limit, offset)| {
            let query = orders
                .into_iter()
                .fold(Query::from(filter), |query, (name, direction)| {
                    query.order_by(name, direction)
                })
                .offset(offset);
            match limit {
                Some(limit) => query.limit(limit),
                None => query,
            }
        },
    )
}

pub(crate) type Orders = Vec<(&'static str, Direction)>;

pub(crate) fn orders(schema: &'static Schema) -> impl Strategy<Value = Orders> {
    let ordered: Vec<_> =
        schema.fields.iter().filter(|it| it.kind != Kind::Json).map(|it| it.name).collect();
    let direction = select(vec![Direction::Ascending, Direction::Descending]);
    prop::collection::vec((select(ordered), direction), 0..3)
}
