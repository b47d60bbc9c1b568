//! Which schemas and databases can be, and what a row of a schema is.

use flux_reducers::__private::SchemaSpec;
use flux_reducers::{
    Database, Document, FIELDS_MAX, Field, Fields, KEY_BYTES_MAX, KEY_CHARACTERS_MAX, KEYS_MAX,
    Kind, RecordedEvent, Rejection, Schema, Uuid, Value, code,
};
use serde_json::json;

use crate::generate::{Tag, Thing};

const ID: Field = field("id", Kind::I64);

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, nullable: false, unique: false, index: false }
}

fn leaked(collection: &'static str, fields: &[Field], id: usize) -> &'static Schema {
    let fields: &'static [Field] = fields.to_vec().leak();
    Box::leak(Box::new(Schema { collection, fields, id }))
}

#[track_caller]
fn refused(collection: &'static str, fields: &[Field], id: usize, reason: &str) {
    let schema = leaked(collection, fields, id);
    let error = schema.check().unwrap_err().to_string();
    assert!(error.starts_with(&format!("schema of collection `{collection}`: ")), "{error}");
    assert!(error.contains(reason), "{error}");
    assert_eq!(Database::new([schema]).unwrap_err().to_string(), error);
    assert_eq!(Database::partial([schema]).unwrap_err().to_string(), error);
}

#[test]
fn a_name_is_one_that_every_database_holds() {
    for name in ["", "Notes", "1notes", "_notes", "no-tes", "no tes", "nötes", "no\"tes"] {
        refused(name, &[ID], 0, "a lower-case letter, then letters, digits and `_`");
        let fields = [ID, field(name, Kind::Bool)];
        refused("notes", &fields, 0, "a lower-case letter, then letters, digits and `_`");
    }
    let long: &'static str = "n".repeat(49).leak();
    refused(long, &[ID], 0, "at most 48");
    assert_eq!(leaked(&long[1..], &[ID], 0).check(), Ok(()));
    assert_eq!(leaked("aB_9", &[ID, field("zZ_0", Kind::Bool)], 0).check(), Ok(()));
}

#[test]
fn names_with_flux_in_any_case_are_the_stores_own() {
    refused("flux_head", &[ID], 0, "not beginning with `flux_`");
    refused("fLUX_head", &[ID], 0, "not beginning with `flux_`");
    assert_eq!(leaked("fluxes", &[ID], 0).check(), Ok(()));
}

#[test]
fn names_of_columns_that_postgresql_has_in_each_table_are_refused() {
    for name in ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"] {
        refused("notes", &[ID, field(name, Kind::Bool)], 0, "PostgreSQL keeps this name");
    }
    // Quoted, these are other names; and those of SQLite can be taken.
    for name in ["cTid", "oid", "rowid"] {
        assert_eq!(leaked("notes", &[ID, field(name, Kind::Bool)], 0).check(), Ok(()));
    }
}

#[test]
fn two_names_differ_in_more_than_case() {
    let fields = [ID, field("title", Kind::Text), field("tiTle", Kind::Text)];
    refused("notes", &fields, 0, "fields `title` and `tiTle` differ in case only");
    let two = [leaked("notes", &[ID], 0), leaked("nOtes", &[ID], 0)];
    assert!(Database::new(two).is_err());
}

#[test]
fn the_id_is_a_uuid_text_or_an_integer_and_never_null() {
    for kind in [Kind::I32, Kind::I64, Kind::U32, Kind::Text, Kind::Uuid] {
        assert_eq!(leaked("notes", &[field("id", kind)], 0).check(), Ok(()));
        let nullable = Field { nullable: true, ..field("id", kind) };
        refused("notes", &[nullable], 0, "field `id` can't be the id");
    }
    let others = [Kind::Bool, Kind::F64, Kind::Timestamp, Kind::Bytes, Kind::Json];
    for kind in others.into_iter().chain([Kind::Enumeration(&["a"])]) {
        refused("notes", &[field("id", kind)], 0, "field `id` can't be the id");
    }
    refused("notes", &[ID], 1, "it has no id");
    refused("notes", &[], 0, "it has no id");
}

#[test]
fn json_has_no_index() {
    let index = Field { index: true, ..field("data", Kind::Json) };
    refused("notes", &[ID, index], 0, "field `data`: JSON can't be indexed");
    let unique = Field { unique: true, ..field("data", Kind::Json) };
    refused("notes", &[ID, unique], 0, "field `data`: JSON can't be indexed");
}

#[test]
fn schemas_of_one_collection_are_the_same() {
    let same = Database::new([Tag::SCHEMA, Thing::SCHEMA, Tag::SCHEMA]).unwrap();
    assert_eq!(same.schemas().collect::<Vec<_>>(), [Tag::SCHEMA, Thing::SCHEMA]);
    let other = leaked("tags", &[ID], 0);
    let error = Database::new([Tag::SCHEMA, other]).unwrap_err().to_string();
    assert!(error.contains("two document types share the name"), "{error}");
}

#[test]
fn the_schema_of_the_log_can_be_held() {
    assert_eq!(RecordedEvent::SCHEMA.check(), Ok(()));
}

#[track_caller]
fn rejected<T: std::fmt::Debug>(
    result: Result<T, Rejection>,
    code: &str,
    field: Option<&str>,
) -> String {
    let rejection = result.unwrap_err();
    assert_eq!((rejection.code(), rejection.field()), (code, field), "{rejection}");
    rejection.message().to_owned()
}

#[test]
fn a_row_has_a_value_for_each_field() {
    let two = [Value::from("a"), Value::from(1)];
    assert_eq!(Tag::SCHEMA.row(two.clone()).unwrap().values(), two);
    let few = Tag::SCHEMA.row([Value::from("a")]);
    rejected(few, code::MISSING_FIELD, Some("place"));
    let many = Tag::SCHEMA.row([Value::from("a"), Value::from(1), Value::Null]);
    rejected(many, code::UNKNOWN_FIELD, None);

    let nullable = Field { nullable: true, ..field("text", Kind::Text) };
    let schema = leaked("notes", &[ID, nullable], 0);
    rejected(schema.row([Value::from(1)]), code::MISSING_FIELD, Some("text"));
}

#[test]
fn a_document_may_leave_out_what_may_be_null() {
    let nullable = Field { nullable: true, ..field("text", Kind::Text) };
    let schema = leaked("notes", &[ID, nullable, field("done", Kind::Bool)], 0);
    let row = schema.row_from_fields(&Fields::new().with("done", true).with("id", 1)).unwrap();
    assert_eq!(row.values(), [Value::from(1), Value::Null, Value::from(true)]);
    assert_eq!(schema.row_from_json(&json!({"done": true, "id": 1})), Ok(row));
    let missing = Fields::new().with("id", 1).with("text", "a");
    rejected(schema.row_from_fields(&missing), code::MISSING_FIELD, Some("done"));
    rejected(schema.row_from_json(&json!({"id": 1})), code::MISSING_FIELD, Some("done"));
    let null = json!({"id": 1, "done": null});
    rejected(schema.row_from_json(&null), code::MISSING_FIELD, Some("done"));
}

#[test]
fn a_null_for_a_json_field_is_refused_with_the_cure() {
    let schema = leaked("notes", &[ID, field("more", Kind::Json)], 0);
    for null in [json!({"id": 1, "more": null}), json!({"id": 1})] {
        let message = rejected(schema.row_from_json(&null), code::MISSING_FIELD, Some("more"));
        assert!(message.ends_with("is an `Option<Json>`"), "{message}");
    }
    let text = leaked("notes", &[ID, field("text", Kind::Text)], 0);
    let message =
        rejected(text.row_from_json(&json!({"id": 1})), code::MISSING_FIELD, Some("text"));
    assert!(!message.contains("Json"), "{message}");
}

#[test]
fn a_document_in_json_is_an_object_of_the_schemas_fields() {
    rejected(Tag::SCHEMA.row_from_json(&json!([1])), code::INVALID_VALUE, None);
    let unknown = json!({"name": "a", "place": 1, "size": 2});
    let message = rejected(Tag::SCHEMA.row_from_json(&unknown), code::UNKNOWN_FIELD, Some("size"));
    assert_eq!(message, "collection `tags` has no field `size`: it has name, place");
    let misfit = json!({"name": "a", "place": -1});
    let message = rejected(Tag::SCHEMA.row_from_json(&misfit), code::INVALID_VALUE, Some("place"));
    assert_eq!(
        message,
        "field `place` of collection `tags`: expected an integer of 32 bits, not negative, found -1"
    );
}

#[test]
fn keys_are_as_long_as_every_index_can_hold() {
    let key = |kind| Field { index: true, ..field("key", kind) };
    let schema = leaked("notes", &[ID, key(Kind::Text), field("text", Kind::Text)], 0);
    let longest = "\u{10000}".repeat(KEY_CHARACTERS_MAX);
    let longer = "a".repeat(KEY_CHARACTERS_MAX + 1);
    let note = |key: &str| schema.row([Value::from(1), key.into(), Value::from(&longer)]);
    assert!(note(&longest).is_ok());
    rejected(note(&longer), code::INVALID_VALUE, Some("key"));

    let id = leaked("notes", &[field("name", Kind::Text)], 0);
    assert!(id.row([Value::from(&longest)]).is_ok());
    rejected(id.row([Value::from(&longer)]), code::INVALID_VALUE, Some("name"));

    let unique = Field { unique: true, ..field("key", Kind::Bytes) };
    let schema = leaked("notes", &[ID, unique], 0);
    let note = |bytes| schema.row([Value::from(1), Value::from(&vec![0_u8; bytes][..])]);
    assert!(note(KEY_BYTES_MAX).is_ok());
    rejected(note(KEY_BYTES_MAX + 1), code::INVALID_VALUE, Some("key"));
}

#[test]
fn a_row_of_another_schema_is_no_document() {
    let error = |schema: &Schema, values: &[Value]| {
        let row = schema.row(values.iter().cloned()).unwrap();
        Tag::from_row(&row).unwrap_err().to_string()
    };
    let fields = [field("name", Kind::Text), field("place", Kind::U32), field("more", Kind::Bool)];
    let short = leaked("tags", &fields[..1], 0);
    assert_eq!(error(short, &["a".into()]), "expected a row of `tags` with 2 values, found 1");
    let long = leaked("tags", &fields, 0);
    let values = ["a".into(), 1.into(), true.into()];
    assert_eq!(error(long, &values), "expected a row of `tags` with 2 values, found 3");
    let other = leaked("tags", &[fields[0], field("place", Kind::Text)], 0);
    let message = "expected an integer of 32 bits, not negative, found \"b\"";
    assert_eq!(error(other, &["a".into(), "b".into()]), message);

    let short = leaked("events", &[field("id", Kind::Uuid)], 0).row([Value::Uuid(Uuid::nil())]);
    assert!(RecordedEvent::from_row(&short.unwrap()).is_err());
}

#[test]
fn a_schema_has_no_more_fields_and_indexes_than_every_database_takes() {
    let named = |number: usize| -> &'static str { format!("f{number}").leak() };
    let fields = |count: usize, keys: usize| -> Vec<Field> {
        let others = (1..count)
            .map(|number| Field { index: number < keys, ..field(named(number), Kind::Text) });
        std::iter::once(ID).chain(others).collect()
    };
    assert_eq!(leaked("notes", &fields(FIELDS_MAX, KEYS_MAX), 0).check(), Ok(()));
    refused("notes", &fields(FIELDS_MAX + 1, 1), 0, "it has 129 fields");
    refused("notes", &fields(KEYS_MAX + 1, KEYS_MAX + 1), 0, "25 are the id, indexed or unique");
}

#[test]
fn a_schema_is_read_from_its_json_as_it_was_written() {
    let kinds = [
        Kind::Bool,
        Kind::I32,
        Kind::I64,
        Kind::U32,
        Kind::F64,
        Kind::Text,
        Kind::Uuid,
        Kind::Timestamp,
        Kind::Bytes,
        Kind::Json,
        Kind::Enumeration(&["red", "green"]),
    ];
    let fields = kinds.iter().enumerate().map(|(position, kind)| Field {
        name: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"][position],
        kind: *kind,
        nullable: position % 2 == 0,
        unique: position == 3,
        index: position == 4,
    });
    let all = Schema { collection: "all", fields: fields.collect::<Vec<_>>().leak(), id: 2 };
    let json = serde_json::to_string(&all).unwrap();
    assert_eq!(*serde_json::from_str::<SchemaSpec>(&json).unwrap().schema(), all);
}
