//! One meaning of queries: SQL and memory give the same documents in the same order.

use flux_server::reducers::{
    Action, Bytes, Collection, Direction, Document, Enumeration, FILTER_PARTS_MAX, Filter, Json,
    Query, Reduction, Row, Timestamp, Uuid, Value, lift,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};

use crate::databases::Database;
use crate::tasks::*;

#[derive(Clone, Copy, Debug, PartialEq, Enumeration)]
enum Color {
    Red,
    Green,
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "things")]
struct Thing {
    id: String,
    flag: Option<bool>,
    small: Option<i32>,
    #[document(index)]
    large: Option<i64>,
    natural: Option<u32>,
    real: Option<f64>,
    #[document(index)]
    text: Option<String>,
    uuid: Option<Uuid>,
    time: Option<Timestamp>,
    bytes: Option<Bytes>,
    json: Option<Json>,
    #[document(index)]
    color: Option<Color>,
}

fn things(things: &Collection<Thing>, action: &Action) -> Reduction {
    let row =
        action.payload.as_ref().map(|payload| Thing::SCHEMA.row_from_json(payload.as_value()));
    match row.transpose()? {
        Some(row) => Ok(things.upsert(Thing::from_row(&row).unwrap())),
        None => Ok(things.no_change()),
    }
}

/// Texts where the orders of databases differ: case, accents, beyond the first plane, wildcards.
const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "aB",
    "é",
    "e",
    "Z",
    "z",
    "%",
    "_",
    "a_",
    "\u{d7ff}",
    "\u{e000}",
    "\u{ffff}",
    "\u{10000}",
    "😀",
    "\u{10ffff}",
];

fn value(field: &'static str) -> BoxedStrategy<Value> {
    match field {
        "id" | "text" => select(TEXTS).prop_map(Value::from).boxed(),
        "flag" => any::<bool>().prop_map(Value::from).boxed(),
        "small" => select(vec![0, 1, -1, i32::MIN, i32::MAX]).prop_map(Value::from).boxed(),
        "large" => {
            select(vec![0, 1, -1, i64::MIN, i64::MAX, 1 << 53]).prop_map(Value::from).boxed()
        }
        "natural" => select(vec![0, 1, u32::MAX]).prop_map(Value::from).boxed(),
        "real" => {
            let numbers = vec![0.0, -0.0, 0.1, -1.5, 1e300, f64::MIN_POSITIVE, 9007199254740993.0];
            select(numbers).prop_map(Value::from).boxed()
        }
        "uuid" => select(vec![0, 1, u128::MAX, 1 << 127])
            .prop_map(|number| Value::from(Uuid::from_u128(number)))
            .boxed(),
        "time" => select(vec![0, -1, 1, Timestamp::MIN.as_milliseconds()])
            .prop_map(|time| Value::from(Timestamp::from_milliseconds(time).unwrap()))
            .boxed(),
        "bytes" => select(vec![vec![], vec![0], vec![0, 1], vec![255]])
            .prop_map(|bytes| Value::from(Bytes(bytes)))
            .boxed(),
        "json" => select(vec!["1", "1.0", "\"1\"", "[]", "{\"b\":1,\"a\":null}"])
            .prop_map(|text| Value::from(serde_json::from_str::<Json>(text).unwrap()))
            .boxed(),
        _ => select(vec!["Red", "Green"]).prop_map(Value::from).boxed(),
    }
}

const FIELDS: &[&str] = &[
    "id", "flag", "small", "large", "natural", "real", "text", "uuid", "time", "bytes", "json",
    "color",
];

fn nullable(field: &'static str) -> BoxedStrategy<Value> {
    if field == "id" {
        return value(field);
    }
    prop_oneof![1 => Just(Value::Null), 3 => value(field)].boxed()
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    let values: Vec<_> = FIELDS.iter().map(|field| nullable(field)).collect();
    values.prop_map(|values| {
        let members = FIELDS.iter().map(|field| (*field).to_owned());
        members.zip(values.iter().map(Value::to_json)).collect()
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let field = || select(FIELDS);
    let ordered = || select(FIELDS).prop_filter("has an order", |field| *field != "json");
    let compare = (0..4, ordered()).prop_flat_map(|(which, field)| {
        value(field).prop_map(move |value| match which {
            0 => Filter::lt(field, value),
            1 => Filter::le(field, value),
            2 => Filter::gt(field, value),
            _ => Filter::ge(field, value),
        })
    });
    let equal = field().prop_flat_map(|field| {
        (nullable(field), any::<bool>()).prop_map(move |(value, is_equal)| {
            if is_equal { Filter::eq(field, value) } else { Filter::ne(field, value) }
        })
    });
    let within = field().prop_flat_map(|field| {
        prop::collection::vec(nullable(field), 0..4)
            .prop_map(move |values| Filter::is_in(field, values))
    });
    let text = || select(vec!["id", "text", "color"]);
    let leaf = prop_oneof![
        compare,
        equal,
        within,
        field().prop_map(Filter::is_null),
        (text(), select(TEXTS)).prop_map(|(field, part)| Filter::starts_with(field, part)),
        (text(), select(TEXTS)).prop_map(|(field, part)| Filter::contains(field, part)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|filter| !filter),
        ]
    })
}

fn query() -> impl Strategy<Value = Query> {
    let order = select(FIELDS).prop_filter("has an order", |field| *field != "json");
    let direction = select(vec![Direction::Ascending, Direction::Descending]);
    let orders = prop::collection::vec((order, direction), 0..3);
    let limit = prop_oneof![Just(None), (0_u64..6).prop_map(Some)];
    (filter(), orders, limit, 0_u64..3).prop_map(|(filter, orders, limit, offset)| {
        let query = Query::from(filter).offset(offset);
        let query = limit.into_iter().fold(query, Query::limit);
        orders.into_iter().fold(query, |query, (field, it)| query.order_by(field, it))
    })
}

/// Cases a database; each has a store of its own.
const CASES: u32 = 60;

pub(crate) async fn sql_and_memory_agree(database: Database) {
    let handle = tokio::runtime::Handle::current();
    let run = move || {
        let strategy =
            (prop::collection::vec(document(), 0..12), prop::collection::vec(query(), 1..12));
        let mut runner = TestRunner::new(ProptestConfig::with_cases(CASES));
        runner.run(&strategy, |(documents, queries)| {
            handle.block_on(agree(&database.fresh(), documents, queries))
        })
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap();
}

async fn agree(
    database: &Database,
    documents: Vec<serde_json::Value>,
    queries: Vec<Query>,
) -> Result<(), TestCaseError> {
    let reducer = lift(things);
    let mut in_memory = reducer.database().unwrap();
    let store = database.builder(reducer.clone()).open().await.unwrap();
    for document in documents {
        let action = Action::new("thingPut").with_payload(document);
        store.dispatch(&action).await.unwrap();
        reducer.run(&mut in_memory, &action).unwrap();
    }
    for query in queries {
        let expected = in_memory.rows("things", &query).unwrap();
        let found = store.read(&[("things", query.clone())]).await.unwrap();
        prop_assert_eq!(&found.documents[0], &expected, "{:?}", query);
    }
    store.close().await;
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "pages")]
struct Page {
    id: i64,
    text: String,
    bytes: Option<Bytes>,
}

/// Adds pages whose text and bytes differ only behind so many characters, and one without bytes.
fn pages(pages: &Collection<Page>, action: &Action) -> Reduction {
    let payload = action.payload.as_ref().and_then(|payload| payload.as_value().as_i64());
    let length = payload.unwrap();
    let alike = "\u{10400}".repeat(usize::try_from(length).unwrap());
    let ends = ["b", "a", "", "\u{10000}", "\u{ffff}", "B", "ab"];
    let bare = Page { id: 10 * length - 9, text: alike.clone(), bytes: None };
    Ok((0..).zip(ends).fold(pages.create(bare), |changes, (number, end)| {
        let text = format!("{alike}{end}");
        let bytes = Some(Bytes(text.clone().into_bytes()));
        changes.combine(pages.create(Page { id: 10 * length - number, text, bytes }))
    }))
}

pub(crate) async fn long_values_are_ordered_by_their_beginning(database: Database) {
    let reducer = lift(pages);
    let mut in_memory = reducer.database().unwrap();
    let store = database.builder(reducer.clone()).open().await.unwrap();
    for length in [0, 300, 1998, 1999, 2000, 2500] {
        let action = Action::new("pagesAdded").with_payload(length);
        store.dispatch(&action).await.unwrap();
        reducer.run(&mut in_memory, &action).unwrap();
    }
    for field in ["text", "bytes"] {
        for query in [Query::all().ascending(field), Query::all().descending(field)] {
            let ids = |rows: &[Row]| rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
            let expected = ids(&in_memory.rows("pages", &query).unwrap());
            let found = store.read(&[("pages", query)]).await.unwrap();
            assert_eq!(ids(&found.documents[0]), expected, "{field}");
        }
    }
}

pub(crate) async fn the_largest_filters_are_answered(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    let found = async |filter: Filter| store.find_all::<Task>(Query::from(filter)).await;

    // Of parts that no `IN` can say, of two fields.
    let part = |number: i64| match number % 2 {
        0 => Filter::eq("id", number),
        _ => Filter::starts_with("title", format!("none {number}")),
    };
    let parts = |count: i64| (0..count).map(part).collect::<Vec<_>>();
    let most = i64::try_from(FILTER_PARTS_MAX).unwrap();
    assert_eq!(found(Filter::Or(parts(most - 1))).await.unwrap(), [task(2)]);
    assert_eq!(found(Filter::And(parts(most - 1))).await.unwrap(), []);
    let values = Filter::is_in("id", 0..most);
    assert_eq!(found(values).await.unwrap().len(), 3);

    let refused = [Filter::Or(parts(most)), Filter::is_in("id", 0..=most)];
    for filter in refused {
        assert_eq!(found(filter).await.unwrap_err().code(), "invalid_filter");
    }
}

pub(crate) async fn what_is_read_together_is_of_one_moment(database: Database) {
    const WRITERS: i64 = 4;
    const DISPATCHES: i64 = 50;
    let store = database.open().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for dispatch in 0..DISPATCHES {
                let first = (writer * DISPATCHES + dispatch) * 3;
                let events = [added(first), added(first + 1), added(first + 2)];
                store.dispatch_all(&events).await.unwrap();
            }
        });
    }
    let end = WRITERS * DISPATCHES * 3;
    let queries = [("tasks", Query::all()), ("events", Query::all())];
    loop {
        let read = store.read(&queries).await.unwrap();
        let counts: Vec<_> = read.documents.iter().map(|rows| rows.len() as i64).collect();
        assert_eq!(counts, [read.position, read.position]);
        if read.position == end {
            break;
        }
    }
    writers.join_all().await;
}
