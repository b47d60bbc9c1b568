//! A query on a state is answered as the in-memory database answers it.

use flux_reducers::{Database, Event as _, Filter, Query, lift};
use flux_tests::product::{Product, ProductEvent, Stage, products};
use flux_tests::random::Random;
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, copy, js};
use super::queryProducts;

/// The same products as a state and in a database.
fn products_of(count: u64) -> (JsValue, Database) {
    let mut random = Random::new(7);
    let native = lift(products);
    let mut database = native.database().unwrap();
    let mut state = JsValue::UNDEFINED;
    for number in 0..count {
        let product = Product {
            id: format!("{}{number}", random.one_of(&["", "a", "é", "～", "😀"])),
            name: format!("{}{}", random.one_of(&["Milk", "milk", "", "😀"]), random.below(9)),
            stage: *random.one_of(&[Stage::Draft, Stage::OnSale]),
            stock: i64::try_from(random.below(20)).unwrap() - 10,
            available: random.below(2) == 0,
            price: random.below(100) as f64 / 8.0,
            rank: (random.below(2) == 0).then_some(-3),
            size: (random.below(2) == 0).then_some(u32::MAX),
            serial: None,
            made_at: (random.below(2) == 0).then(|| "2016-09-26T20:32:46.588Z".parse().unwrap()),
            picture: None,
            attributes: None,
        };
        let action = ProductEvent::ProductAdded(product).to_action().unwrap();
        native.run(&mut database, &action).unwrap();
        state = accepted(super::products, &state, &js(serde_json::to_string(&action).unwrap()));
    }
    (state, database)
}

/// The ids, or the message of the error.
fn answer(state: &JsValue, query: &serde_json::Value) -> Result<Vec<String>, String> {
    let answered = queryProducts(state.clone(), &query.to_string());
    let ids = answered.map(|ids| serde_json::from_str(&ids).unwrap());
    ids.map_err(|error| {
        let error: js_sys::Error = wasm_bindgen::JsCast::unchecked_into(JsValue::from(error));
        error.message().into()
    })
}

#[test]
fn a_query_is_answered_as_by_the_database() {
    let (state, database) = products_of(300);
    let check = |asked: serde_json::Value, query: Query| {
        let rows = database.rows("products", &query).unwrap();
        let id = |row: &flux_reducers::Row| row.values()[0].to_json().as_str().unwrap().to_owned();
        let expected: Vec<_> = rows.iter().map(id).collect();
        assert_eq!(answer(&state, &asked).as_ref(), Ok(&expected), "{asked}");
        assert_eq!(answer(&copy(&state), &asked), Ok(expected), "{asked}, of a state from JSON");
    };
    check(json!({}), Query::all());
    check(
        json!({ "order": ["-stock", "name"] }),
        Query::all().descending("stock").ascending("name"),
    );
    check(
        json!({ "order": ["rank", "-madeAt"] }),
        Query::all().ascending("rank").descending("madeAt"),
    );
    check(json!({ "limit": 3, "offset": 290 }), Query::all().limit(3).offset(290));
    let filters = [
        Filter::eq("name", "Milk3"),
        Filter::starts_with("name", "😀"),
        Filter::contains("name", "ilk"),
        Filter::lt("stock", -2) & Filter::eq("available", true),
        Filter::is_null("rank") | !Filter::eq("stage", Stage::Draft),
        Filter::ge("price", 6.5) & Filter::ne("size", u32::MAX),
        Filter::all() & Filter::is_in("name", ["Milk1", "milk2"]),
    ];
    for filter in filters {
        let asked = json!({ "filter": filter, "order": ["-name"], "limit": 20 });
        check(asked, Query::from(filter).descending("name").limit(20));
    }
}

#[test]
fn a_query_that_is_none_is_refused_with_its_reason() {
    let (state, _) = products_of(1);
    let refused = |asked| answer(&state, &asked).unwrap_err();
    let unknown = refused(json!({ "filter": { "eq": ["titel", 1] } }));
    assert!(unknown.contains("titel") && unknown.contains("unknown_field"), "{unknown}");
    assert!(refused(json!({ "filter": { "is": 1 } })).contains("the filter is none"));
    assert!(refused(json!({ "order": "name" })).contains("`order` is a list of fields"));
    assert!(refused(json!({ "order": ["attributes"] })).contains("JSON has no order"));
    assert!(refused(json!({ "limit": -1 })).contains("`limit` is a number from 0, found -1"));
    assert!(refused(json!({ "where": {} })).contains("a query has no `where`"));
    assert!(refused(json!([])).contains("a query is an object"));
    let broken = answer(&js(json!({ "version": 9 })), &json!({})).unwrap_err();
    assert!(broken.contains("invalid_state"), "{broken}");
}
