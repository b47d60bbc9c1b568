//! Random events: the Redux reducer and the native database agree at each step.

use flux_reducers::{Action, Database, Event, Halt, Query, Reducer, Row, Schema, Uuid, lift};
use flux_tests::mark::{MarkEvent, marks};
use flux_tests::product::{Product, ProductEvent, Stage, products};
use flux_tests::random::Random;
use notes_reducers::{NoteEvent, notes};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::host::{Redux, copy, documents_of_any, heard, js, json};

struct Pair {
    redux: Redux,
    state: JsValue,
    native: Reducer,
    database: Database,
}

impl Pair {
    fn new(redux: Redux, native: Reducer) -> Self {
        let database = native.database().unwrap();
        Self { redux, state: JsValue::UNDEFINED, native, database }
    }

    #[track_caller]
    fn dispatch(&mut self, action: &Action) {
        let before = self.state.clone();
        let js_action = js(serde_json::to_string(action).unwrap());
        let (state, rejections) = heard(|| (self.redux)(before.clone(), js_action));
        match self.native.run(&mut self.database, action) {
            Ok(delta) => {
                assert!(rejections.is_empty(), "{rejections:?} by {action:?}");
                let same = state == before || before.is_undefined();
                assert!(!delta.is_empty() || same, "no change, and another state");
                assert!(delta.is_empty() || state != before, "a change, and the same state");
            }
            Err(Halt::Rejected(rejection)) => {
                assert_eq!(rejections.len(), 1, "by {action:?}");
                assert_eq!(rejections[0].code, rejection.code());
                assert_eq!(rejections[0].message, rejection.message());
                assert_eq!(rejections[0].field.as_deref(), rejection.field());
            }
            Err(Halt::Fault(fault)) => panic!("{fault}"),
        }
        self.state = state;
    }

    #[track_caller]
    fn compare(&self) {
        let schema = self.native.schemas()[0];
        let rows = self.database.rows(schema.collection, &Query::all()).unwrap();
        let expected: Vec<_> = rows.iter().map(|row| as_json(schema, row)).collect();
        let found: Vec<_> = documents_of_any(&self.state).iter().map(json).collect();
        assert_eq!(found, expected);
    }
}

fn as_json(schema: &Schema, row: &Row) -> serde_json::Value {
    let members = schema.fields.iter().zip(row.values());
    members.map(|(field, value)| (field.name.to_owned(), value.to_json())).collect()
}

#[test]
fn products_with_text_ids_of_all_planes() {
    const LETTERS: &[&str] =
        &["", "a", "é", "\u{d7ff}", "\u{e000}", "\u{ffff}", "😀", "\u{10ffff}"];
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let mut pair = Pair::new(super::products, lift(products));
        for step in 0..600 {
            let id = format!(
                "{}{}{}",
                random.one_of(LETTERS),
                random.one_of(LETTERS),
                random.one_of(LETTERS)
            );
            pair.dispatch(&product_event(&mut random, id).to_action().unwrap());
            if step % 40 == 0 {
                pair.compare();
            }
            if step % 97 == 0 {
                pair.state = copy(&pair.state);
            }
        }
        pair.dispatch(&ProductEvent::DiscontinuedRemoved.to_action().unwrap());
    }
}

fn product_event(random: &mut Random, id: String) -> ProductEvent {
    const STAGES: &[Stage] = &[Stage::Draft, Stage::OnSale, Stage::Discontinued];
    let name = format!("{}", random.below(20));
    match random.below(40) {
        0 => ProductEvent::StageMoved { from: *random.one_of(STAGES), to: *random.one_of(STAGES) },
        1..=3 => ProductEvent::LeastNamed { prefix: "1".into(), name },
        4..=7 => ProductEvent::ProductRemoved { id },
        8..=12 => ProductEvent::StockMoved { id, by: 3 - i64::try_from(random.below(6)).unwrap() },
        13..=16 => ProductEvent::ProductNamed { id, name },
        17..=18 => ProductEvent::ProductDescribed { id, attributes: attributes(random) },
        kind => {
            let product = Product {
                id,
                name,
                stage: *random.one_of(STAGES),
                stock: i64::try_from(random.below(100)).unwrap(),
                available: random.below(2) == 0,
                price: random.below(1000) as f64 / 8.0,
                rank: (random.below(2) == 0).then_some(-3),
                size: (random.below(2) == 0).then_some(u32::MAX),
                serial: (random.below(2) == 0).then(|| Uuid::from_u128(random.below(300).into())),
                made_at: (random.below(2) == 0)
                    .then(|| "2016-09-26T20:32:46.588Z".parse().unwrap()),
                picture: (random.below(2) == 0).then(|| flux_reducers::Bytes(vec![1, 2, 255])),
                attributes: attributes(random),
            };
            if kind < 30 {
                ProductEvent::ProductAdded(product)
            } else {
                ProductEvent::ProductPut(product)
            }
        }
    }
}

fn attributes(random: &mut Random) -> Option<flux_reducers::Json> {
    let json = match random.below(4) {
        0 => return None,
        1 => serde_json::json!(null),
        2 => serde_json::json!({ "__proto__": [1, {}], "b": 1.5, "a": -0.0, "": "\u{fffd}" }),
        _ => serde_json::json!(["😀", true, 9_007_199_254_740_991_i64]),
    };
    Some(flux_reducers::Json::new(json))
}

#[test]
fn marks_by_the_thousand() {
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let mut pair = Pair::new(super::marks, lift(marks));
        let number = |random: &mut Random, end| i64::try_from(random.below(end)).unwrap();
        for step in 0..150 {
            let first = number(&mut random, 20_000) - 10_000;
            let event = match random.below(12) {
                0..=3 => MarkEvent::MarksPut {
                    first,
                    step: 1 + number(&mut random, 7),
                    count: number(&mut random, 900),
                    value: step,
                },
                4 => MarkEvent::MarksRemoved { first, last: first + number(&mut random, 9_000) },
                5 => MarkEvent::MarksDoubled {
                    ids: (0..number(&mut random, 60)).map(|nth| first + nth).collect(),
                },
                6 if random.below(4) == 0 => MarkEvent::MarksForgotten,
                6..=8 => MarkEvent::MarksRemoved { first, last: first + 20 },
                _ => MarkEvent::MarksPut { first, step: 1, count: 1, value: -1 },
            };
            pair.dispatch(&event.to_action().unwrap());
            if step % 10 == 0 {
                pair.compare();
            }
        }
        pair.compare();
    }
}

#[test]
fn notes_one_by_one_in_random_order_until_all_are_gone() {
    let mut random = Random::new(1);
    let mut pair = Pair::new(notes_wasm::notes, lift(notes));
    let mut ids = Vec::new();
    for _ in 0..1_500 {
        let id = Uuid::from_u64_pair(random.below(u64::MAX), random.below(u64::MAX));
        ids.push(id);
        let added = NoteEvent::NoteAdded {
            id,
            title: "Milk".into(),
            text: String::new(),
            created_at: "2016-09-20T07:04:21.000Z".parse().unwrap(),
        };
        pair.dispatch(&added.to_action().unwrap());
    }
    pair.compare();
    while !ids.is_empty() {
        let nth = usize::try_from(random.below(ids.len() as u64)).unwrap();
        let id = ids.swap_remove(nth);
        pair.dispatch(&NoteEvent::NoteRemoved { id }.to_action().unwrap());
        if ids.len() % 100 == 0 {
            pair.compare();
        }
    }
    pair.compare();
}
