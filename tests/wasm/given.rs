//! Documents of a first load that JavaScript takes by itself are those that Rust would make of them.

use flux_reducers::{Document, Rejection};
use flux_tests::product::Product;
use flux_tests::random::Random;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{documents, get, heard, js, json as json_of};
use super::products;

/// Right ones, those that have another normal form, and wrong ones.
fn value(random: &mut Random, field: &str) -> Value {
    let texts = ["", "a", "é", "😀", "\u{0}", "x\u{0}y"];
    let (right, odd): (Vec<Value>, Vec<Value>) = match field {
        "id" | "name" => (texts.map(Value::from).into(), vec!["a".repeat(513).into(), 7.into()]),
        "stage" => (vec!["draft".into(), "onSale".into()], vec!["Draft".into(), "size".into()]),
        "stock" => (vec![0.into(), (-7).into()], vec![json!(1.0), json!(1.5), json!(1e300)]),
        "available" => (vec![true.into(), false.into()], vec![0.into(), "true".into()]),
        "price" => (
            vec![json!(1), json!(1.5), json!(1e300), json!(-0.0)],
            vec!["1".into(), json!(1_i64 << 53), json!(5e-324)],
        ),
        "rank" => (vec![json!(i32::MIN)], vec![json!(1_i64 << 31), json!(-0.0), json!(0.5)]),
        "size" => (vec![json!(u32::MAX)], vec![json!(1_i64 << 32), json!(-1)]),
        "serial" => (
            vec!["c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50".into()],
            vec![
                "C4490491-8D0B-4D8F-B3F8-4D2F4B6B3A50".into(),
                "c44904918d0b4d8fb3f84d2f4b6b3a50".into(),
                "c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a5g".into(),
                "c4490491-8d0b-4d8f-b3f84-d2f4b6b3a50".into(),
            ],
        ),
        "madeAt" => (
            vec!["2016-09-26T20:32:46.588Z".into(), "0000-01-01T00:00:00.000Z".into()],
            vec![timestamp(random).into(), "2016-09-26T20:32:46Z".into()],
        ),
        "picture" => (vec!["AQL/".into()], vec!["AR==".into(), "*".into()]),
        _ => (vec![json!({ "b": 1, "a": [null] })], vec![json!("")]),
    };
    match random.below(12) {
        0 => Value::Null,
        1 | 2 => random.one_of(&odd).clone(),
        _ => random.one_of(&right).clone(),
    }
}

/// Also of days and hours that there are not.
fn timestamp(random: &mut Random) -> String {
    let mut below = |end| random.below(end);
    format!(
        "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        below(100),
        below(14),
        below(33),
        below(25),
        below(61),
        below(61),
        below(1000)
    )
}

#[test]
fn javascript_takes_no_document_that_rust_would_not() {
    let names: Vec<_> = Product::SCHEMA.fields.iter().map(|field| field.name).collect();
    for seed in 0..3_000 {
        let mut random = Random::new(seed);
        let mut document = serde_json::Map::new();
        for name in &names {
            // JavaScript looks at none that has one of these.
            let is_left_out = ["picture", "attributes"].contains(name) && random.below(4) > 0;
            if !is_left_out && random.below(20) > 0 {
                document.insert((*name).to_owned(), value(&mut random, name));
            }
        }
        if random.below(30) == 0 {
            document.insert("more".into(), 1.into());
        }
        let document = Value::Object(document);
        let rust: Result<Value, Rejection> = Product::SCHEMA
            .row_from_json(&document)
            .map(|row| serde_json::to_value(Product::SCHEMA.named(&row)).unwrap());
        let action = js(json!({
            "type": "@@flux-capacitor/loaded",
            "payload": { "collection": "products", "position": 1, "documents": [document] },
        }));
        let (state, rejections) = heard(|| products(JsValue::UNDEFINED, action));
        // The JSON of both zeros is the same.
        let is_minus_zero = |value| js_sys::Object::is(&value, &JsValue::from(-0.0));
        let numbers = ["price", "rank", "stock"];
        for document in documents(&state) {
            let minus_zero = numbers.iter().find(|name| is_minus_zero(get(&document, name)));
            assert_eq!(minus_zero, None, "is -0");
        }
        let taken: Vec<_> = documents(&state).iter().map(json_of).collect();
        match rust {
            Ok(row) => assert_eq!((taken, rejections.len()), (vec![row], 0), "{document}"),
            Err(rejection) => {
                assert!(taken.is_empty(), "{document} in spite of {rejection}");
                assert_eq!(rejections.len(), 1, "{document}");
            }
        }
    }
}
