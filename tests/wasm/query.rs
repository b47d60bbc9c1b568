//! A query on a state is answered as the in-memory database answers it.

use flux_reducers::{Database, Event as _, Filter, Query, lift};
use flux_tests::product::{Product, ProductEvent, Stage, products};
use flux_tests::random::Random;
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{accepted, copy, eval, heard, js, json as json_of};
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

/// A leaf's or a branch's documents, to be changed.
fn for_each_document(node: &mut serde_json::Value, each: &mut impl FnMut(&mut serde_json::Value)) {
    match node.get_mut("children") {
        Some(children) => {
            let children = children.as_array_mut().unwrap();
            children.iter_mut().for_each(|child| for_each_document(child, each));
        }
        None => node.as_array_mut().unwrap().iter_mut().for_each(each),
    }
}

#[test]
fn an_index_finds_what_a_scan_finds() {
    let mut random = Random::new(3);
    let serial_of = |number| format!("c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a{number:02}");
    // Of a session before: serials as no state of ours has them, yet the same.
    let mut foreign = json_of(&products_of(1_200).0);
    let mut count = 0;
    for_each_document(&mut foreign["root"], &mut |product| {
        count += 1;
        product["serial"] = match count % 40 {
            0 => serial_of(count / 40).to_uppercase().into(),
            1 => serial_of(count / 40).replace('-', "").into(),
            2 => serial_of(count / 40).into(),
            _ => serde_json::Value::Null,
        };
    });
    let ids: Vec<_> = answer(&js(&foreign), &json!({})).unwrap();
    let mut state = js(&foreign);
    for _ in 0..40 {
        let id = random.one_of(&ids);
        let name = format!("Milk{}", random.below(9));
        let payload = json!({ "id": id, "name": name });
        let (next, _) = heard(|| {
            let kind = if random.below(3) == 0 { "productRemoved" } else { "productNamed" };
            let payload = if kind == "productRemoved" { json!({ "id": id }) } else { payload };
            super::products(state.clone(), js(json!({ "type": kind, "payload": payload })))
        });
        state = next;
        let wanted = [
            Filter::eq("name", name.as_str()),
            Filter::is_in("name", [name.as_str(), "milk1", ""]) & Filter::lt("stock", 5),
            Filter::eq("serial", serial_of(random.below(30))),
            Filter::eq("stage", Stage::OnSale) & Filter::lt("stock", -5),
            Filter::is_in("price", [random.below(100) as f64 / 8.0, 0.0]),
            Filter::ge("price", random.below(100) as f64 / 8.0) & Filter::lt("price", 9.5),
            Filter::gt("name", name.as_str()) & Filter::ne("name", "milk3"),
            Filter::starts_with("name", "😀") | Filter::lt("name", "Milk2"),
            Filter::is_null("serial") | Filter::gt("serial", serial_of(20)),
            Filter::le("stage", Stage::Draft),
        ];
        for filter in wanted {
            // Turned over twice it says the same, and nothing to look up.
            let scanned = !!filter.clone();
            let scanned = answer(&state, &json!({ "filter": scanned }));
            assert_eq!(answer(&state, &json!({ "filter": filter })), scanned, "{filter:?}");
        }
    }
}

/// Makes a function that copies a state, so that a list has the id of each product that is read.
const READS_OF: &str = r#"(reads) => {
  const heard = (product) =>
    Object.freeze(
      Object.defineProperty({ ...product }, "stock", {
        enumerable: true,
        get() {
          reads.push(product.id);
          return product.stock;
        },
      }),
    );
  const copied = (node) =>
    Object.freeze(
      Array.isArray(node)
        ? node.map(heard)
        : { ...node, children: Object.freeze(node.children.map(copied)) },
    );
  return (state) => Object.freeze({ ...state, root: copied(state.root) });
}"#;

#[test]
fn a_query_by_an_index_reads_no_document_of_another_value() {
    let (state, _) = products_of(300);
    let reads = js_sys::Array::new();
    let call = |function: JsValue, argument: &JsValue| {
        js_sys::Function::from(function).call1(&JsValue::UNDEFINED, argument).unwrap()
    };
    let state = call(call(eval(READS_OF), &reads), &state);
    let read_for = |filter: &Filter| {
        reads.set_length(0);
        let found = answer(&state, &json!({ "filter": filter })).unwrap().len();
        assert!(found > 0, "{filter:?} matches none");
        (found, reads.length() as usize)
    };
    for filter in [
        Filter::eq("name", "Milk3"),
        Filter::is_in("name", ["Milk1", "milk2"]),
        Filter::eq("stage", Stage::OnSale),
        Filter::eq("price", 6.5),
        Filter::eq("price", 6),
        Filter::ge("price", 6) & Filter::le("price", 6.5) | Filter::ge("price", 12),
        Filter::starts_with("name", "milk"),
    ] {
        let (found, read) = read_for(&filter);
        assert_eq!(read, found, "{filter:?}");
    }
    assert_eq!(read_for(&Filter::eq("available", true)).1, 300, "there is no such index");
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
