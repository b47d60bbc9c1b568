//! The one order of documents, whatever the kind of their ids.

use flux_reducers::testing::given;
use flux_tests::mark::MarkEvent::MarksPut;
use flux_tests::mark::{Mark, marks};
use flux_tests::product::{Product, ProductEvent, Stage, products};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn integers_are_ordered_by_value() {
    let put = |first| MarksPut { first, step: 1, count: 1, value: 0 };
    let mark = |id| Mark { id, value: 0 };
    given(marks, [put(10), put(9), put(i64::MAX), put(-1)]).when(put(i64::MIN)).then([
        mark(i64::MIN),
        mark(-1),
        mark(9),
        mark(10),
        mark(i64::MAX),
    ]);
}

#[test]
fn text_is_ordered_by_code_point_not_by_utf_16_unit() {
    let product = |id: &str| Product {
        id: id.into(),
        name: String::new(),
        stage: Stage::Draft,
        stock: 0,
        available: false,
        price: 0.0,
        rank: None,
        size: None,
        serial: None,
        made_at: None,
        picture: None,
        attributes: None,
    };
    let ordered = ["", "A", "Z", "a", "aa", "ä", "\u{d7ff}", "\u{e000}", "\u{ffff}", "😀"];
    let mut shuffled = ordered;
    shuffled.reverse();
    shuffled.swap(1, 5);
    let [last, events @ ..] = shuffled.map(|id| ProductEvent::ProductAdded(product(id)));
    given(products, events).when(last).then(ordered.map(product));
}
