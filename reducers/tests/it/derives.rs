//! What the derives make of names, kinds and attributes: as serde makes it.

use flux_reducers::{
    Bytes, Describe, Document, Enumeration, Event, FieldType, Fields, Json, Kind, Shape, Timestamp,
    Uuid, Value,
};
use serde::{Deserialize, Serialize};

/// Declares a struct and an enum by each rule, and compares their names with serde's.
macro_rules! rename_rules {
    ($($module:ident $rule:literal;)*) => {$(
        mod $module {
            use super::*;

            #[derive(Default, Serialize, Describe)]
            #[serde(rename_all = $rule)]
            struct Names {
                plain: bool,
                two_words: bool,
                a_b_c: bool,
                _begins: bool,
                ends_: bool,
                two__lines: bool,
                with_1_digit: bool,
                camelLike: bool,
                r#type: bool,
                #[serde(rename = "given name")]
                renamed: bool,
            }

            #[derive(Serialize, Deserialize, Enumeration, Debug, PartialEq)]
            #[serde(rename_all = $rule)]
            enum Variants {
                Plain,
                TwoWords,
                ABC,
                With1Digit,
                Snake_Like,
                r#Raw,
                #[serde(rename = "given name")]
                Renamed,
            }

            #[derive(Serialize, Deserialize, Event, Debug, PartialEq)]
            #[serde(tag = "type", content = "payload")]
            #[serde(rename_all = $rule, rename_all_fields = $rule)]
            enum Events {
                TwoWords { two_words: bool, r#type: bool },
                #[serde(rename_all = "camelCase")]
                OwnRule { two_words: bool },
                r#Raw,
                #[serde(rename = "given name")]
                Renamed { #[serde(rename = "given")] field: bool },
            }

            #[test]
            fn are_as_serde_has_them() {
                names_are_as_serde_has_them(&Names::default(), &Names::SHAPE);
                let all = [
                    Variants::Plain,
                    Variants::TwoWords,
                    Variants::ABC,
                    Variants::With1Digit,
                    Variants::Snake_Like,
                    Variants::r#Raw,
                    Variants::Renamed,
                ];
                for variant in all {
                    let name = serde_json::to_value(&variant).unwrap();
                    assert_eq!(variant.to_value().to_json(), name);
                    assert_eq!(Variants::from_value(&variant.to_value()), Ok(variant));
                }
                let events = [
                    Events::TwoWords { two_words: true, r#type: true },
                    Events::OwnRule { two_words: true },
                    Events::r#Raw,
                    Events::Renamed { field: true },
                ];
                for (event, variant) in events.into_iter().zip(Events::VARIANTS.unwrap()) {
                    let action = event.to_action().unwrap();
                    assert_eq!(action.event_type, variant.event_type);
                    if let Some(shape) = &variant.payload {
                        names_are_as_serde_has_them(&action.payload, shape);
                    }
                    assert_eq!(Events::from_action(&action), Ok(Some(event)));
                }
            }
        }
    )*};
}

#[allow(
    dead_code,
    non_snake_case,
    non_camel_case_types,
    clippy::upper_case_acronyms,
    reason = "names of every form"
)]
mod names {
    use super::*;

    rename_rules! {
        lower "lowercase";
        upper "UPPERCASE";
        pascal "PascalCase";
        camel "camelCase";
        snake "snake_case";
        screaming_snake "SCREAMING_SNAKE_CASE";
        kebab "kebab-case";
        screaming_kebab "SCREAMING-KEBAB-CASE";
    }

    fn names_are_as_serde_has_them(value: &impl Serialize, shape: &Shape) {
        let json = serde_json::to_value(value).unwrap();
        let mut expected: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        let Shape::Record(properties) = shape else { panic!("a record") };
        let mut found: Vec<_> = properties.iter().map(|it| it.name.to_owned()).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
    }
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "people")]
#[serde(rename_all = "camelCase")]
struct Person {
    r#type: String,
    #[document(id)]
    user_name: String,
    id: Option<i64>,
    #[document(unique)]
    #[serde(rename = "mail")]
    mail_address: Option<String>,
    #[document(index)]
    born_at: Timestamp,
    picture: Bytes,
    #[document(unique, index)]
    tag: Uuid,
    data: Json,
}

fn person() -> Person {
    Person {
        r#type: "adult".into(),
        user_name: "ann".into(),
        id: None,
        mail_address: Some("ann@home".into()),
        born_at: Timestamp::MIN,
        picture: Bytes(vec![1]),
        tag: Uuid::nil(),
        data: 1.into(),
    }
}

#[test]
fn a_document_has_its_fields_in_order_with_their_attributes() {
    let schema = Person::SCHEMA;
    assert_eq!((schema.collection, schema.id), ("people", 1));
    let names: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
    assert_eq!(names, ["type", "userName", "id", "mail", "bornAt", "picture", "tag", "data"]);
    let flags: Vec<_> = schema.fields.iter().map(|it| (it.nullable, it.unique, it.index)).collect();
    assert_eq!(flags[2..5], [(true, false, false), (true, true, false), (false, false, true)]);
    assert_eq!(flags[6], (false, true, true));
    assert_eq!(schema.fields[4].kind, Kind::Timestamp);
    assert_eq!(schema.check(), Ok(()));
    assert_eq!(Person::NAME, "Person");
}

#[test]
fn a_document_goes_to_fields_and_comes_back_from_a_row() {
    let fields = person().to_fields();
    let names: Vec<_> = fields.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, Person::SCHEMA.fields.iter().map(|it| it.name).collect::<Vec<_>>());
    let row = Person::SCHEMA.row_from_fields(&fields).unwrap();
    assert_eq!(Person::SCHEMA.id_of(&row), &Value::from("ann"));
    assert_eq!(Person::from_row(&row), Ok(person()));
}

#[test]
fn a_patch_has_a_setter_for_each_field_but_the_id() {
    let patch = Person::patch()
        .r#type("child")
        .id(Some(7))
        .mail_address(None)
        .born_at(Timestamp::MAX)
        .picture(Bytes(vec![]))
        .tag(Uuid::nil())
        .data("x");
    let expected = Fields::new()
        .with("type", "child")
        .with("id", 7_i64)
        .with("mail", Value::Null)
        .with("bornAt", Timestamp::MAX)
        .with("picture", Bytes(vec![]))
        .with("tag", Uuid::nil())
        .with("data", Json::from("x"));
    assert_eq!(Fields::from(patch), expected);
    assert_eq!(Fields::from(Person::patch()), Fields::new());
    assert_eq!(Person::patch(), PersonPatch::default());
}

#[test]
fn an_enumeration_is_text() {
    #[derive(Debug, PartialEq, Enumeration)]
    enum Level {
        Low,
        #[serde(rename = "very high")]
        High,
    }
    assert_eq!(Level::KIND, Kind::Enumeration(&["Low", "very high"]));
    assert_eq!(Level::SHAPE, Shape::Kind(Level::KIND));
    assert_eq!(Level::NAME, "Level");
    assert_eq!(Value::from(Level::High), Value::from("very high"));
    let error = Level::from_value(&Value::from("high")).unwrap_err().to_string();
    assert_eq!(error, "expected one of Low, very high, found \"high\"");
}
