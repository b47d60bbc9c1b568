//! A reducer with fields of every kind, reads of every kind, and rejections.

use flux_reducers::testing::{Given, given, given_actions};
use flux_reducers::{Action, Bytes, Filter, Json, Query, Uuid, code, lift};
use flux_tests::product::ProductEvent as E;
use flux_tests::product::{Product, Stage, products};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn product(id: &str) -> Product {
    Product {
        id: id.into(),
        name: format!("product {id}"),
        stage: Stage::Draft,
        stock: 5,
        available: true,
        price: 9.5,
        rank: None,
        size: None,
        serial: None,
        made_at: None,
        picture: None,
        attributes: None,
    }
}

fn full(id: &str) -> Product {
    Product {
        stock: i64::MAX,
        available: false,
        price: -0.1,
        rank: Some(i32::MIN),
        size: Some(u32::MAX),
        serial: Some(Uuid::from_u128(7)),
        made_at: Some("2016-09-26T20:32:46.588Z".parse().unwrap()),
        picture: Some(Bytes(vec![0, 255])),
        attributes: Some(Json::new(json!({ "colours": ["red", null], "weight": 1.5 }))),
        ..product(id)
    }
}

fn with(all: impl IntoIterator<Item = Product>) -> Given {
    given(products, all.into_iter().map(E::ProductAdded))
}

#[test]
fn every_kind_of_field_comes_through_an_event_unchanged() {
    with([]).when(E::ProductAdded(full("a"))).then([full("a")]);
}

#[test]
fn fields_that_may_be_null_may_be_missing_in_an_event() {
    let action = Action::new("productAdded").with_payload(json!({
        "id": "a", "name": "product a", "stage": "draft", "stock": 5, "available": true,
        "price": 9.5,
    }));
    given_actions(lift(products), []).when(action).then([product("a")]);
}

#[test]
fn a_payload_that_does_not_fit_is_rejected_and_the_field_is_named() {
    let payload = |stage: &str, stock: serde_json::Value| {
        json!({
            "id": "a", "name": "n", "stage": stage, "stock": stock, "available": true, "price": 1,
        })
    };
    let check = |payload: serde_json::Value, field| {
        let action = Action::new("productAdded").with_payload(payload);
        let when = given_actions(lift(products), []).when(action);
        assert_eq!(when.then_rejected(code::INVALID_PAYLOAD).field(), field);
    };
    check(payload("gone", json!(1)), Some("stage"));
    check(payload("draft", json!(1.5)), Some("stock"));
    check(payload("draft", json!("1")), Some("stock"));
    check(json!({ "id": "a" }), Some("name"));
    check(json!([]), None);
}

#[test]
fn a_payload_is_nested_64_deep_at_most() {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let dispatch = |depth| {
        given_actions(lift(products), []).when(Action::new("x").with_payload(nested(depth)))
    };
    dispatch(64).then::<Product>([]);
    assert_eq!(dispatch(65).then_rejected(code::INVALID_PAYLOAD).field(), Some("payload"));
}

#[test]
fn an_unknown_event_type_changes_nothing() {
    let added = E::ProductAdded(product("a"));
    given(products, [added]).when(Action::new("somethingElse")).then([product("a")]);
}

#[test]
fn a_reducer_may_read_and_reject() {
    let moved = |by| E::StockMoved { id: "a".into(), by };
    with([product("a")]).when(moved(-5)).then([Product { stock: 0, ..product("a") }]);
    with([product("a")]).when(moved(-6)).then_rejected("out_of_stock");
    with([]).when(moved(1)).then_rejected("no_such_product");
}

#[test]
fn an_upsert_replaces_the_whole_document() {
    with([full("a")]).when(E::ProductPut(product("a"))).then([product("a")]);
    with([full("a")]).when(E::ProductPut(product("b"))).then([full("a"), product("b")]);
}

#[test]
fn a_unique_value_is_taken_until_its_document_is_gone() {
    let rejection =
        with([full("a")]).when(E::ProductAdded(full("b"))).then_rejected(code::VALUE_TAKEN);
    assert_eq!(rejection.field(), Some("serial"));
    given(products, [E::ProductAdded(full("a")), E::ProductRemoved { id: "a".into() }])
        .when(E::ProductAdded(full("b")))
        .then([full("b")]);
    with([full("a")]).when(E::ProductPut(full("a"))).then([full("a")]);
}

#[test]
fn an_update_by_filter_changes_the_documents_that_match() {
    let on_sale = |id| Product { stage: Stage::OnSale, ..product(id) };
    with([product("a"), on_sale("b"), product("c")])
        .when(E::StageMoved { from: Stage::Draft, to: Stage::OnSale })
        .then([on_sale("a"), on_sale("b"), on_sale("c")]);
}

#[test]
fn a_removal_by_filter_removes_the_documents_that_match() {
    let old = Product { stage: Stage::Discontinued, ..product("b") };
    with([product("a"), old, product("c")])
        .when(E::DiscontinuedRemoved)
        .then([product("a"), product("c")]);
}

#[test]
fn a_query_takes_the_first_in_its_order() {
    let stocked = |id, stock| Product { stock, ..product(id) };
    let named = Product { name: "least".into(), ..stocked("b", 1) };
    with([stocked("a", 2), stocked("b", 1), stocked("c", 1)])
        .when(E::LeastNamed { prefix: "product".into(), name: "least".into() })
        .then([stocked("a", 2), named, stocked("c", 1)]);
}

#[test]
fn json_that_is_null_is_no_value() {
    let described = |attributes| E::ProductDescribed { id: "a".into(), attributes };
    with([full("a")])
        .when(described(Some(Json::new(json!(null)))))
        .then([Product { attributes: None, ..full("a") }]);
    let mut database = lift(products).database().unwrap();
    for event in [E::ProductAdded(full("a")), described(Some(Json::new(json!(null))))] {
        let action = flux_reducers::Event::to_action(&event).unwrap();
        lift(products).run(&mut database, &action).unwrap();
    }
    let query = Query::from(Filter::is_null("attributes"));
    assert_eq!(database.rows("products", &query).unwrap().len(), 1);
}
