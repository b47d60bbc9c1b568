//! The in-memory database as a whole: versions, errors, deltas.

use flux_reducers::{
    Changeset, Database, Delta, Document, Fields, Halt, Operation, Query, Rejection, Value, code,
};

use crate::generate::{SCHEMAS, Tag, contents};

fn create(name: &str, place: u32) -> Changeset {
    let document = Tag { name: name.into(), place }.to_fields();
    Operation::Create { collection: "tags".into(), document }.into()
}

fn tags(database: &Database) -> Vec<Tag> {
    database.collection::<Tag>().unwrap().find_all(Query::all()).unwrap()
}

#[track_caller]
fn rejected<T: std::fmt::Debug>(result: Result<T, Halt>) -> Rejection {
    match result {
        Err(Halt::Rejected(rejection)) => rejection,
        other => panic!("expected a rejection, found {other:?}"),
    }
}

#[test]
fn a_changeset_that_is_refused_changes_nothing_of_any_collection() {
    let mut database = Database::new(SCHEMAS).unwrap();
    database.apply(&create("a", 1)).unwrap();
    let before = contents(&database);
    let changeset = create("b", 2).combine(create("c", 3)).combine(create("d", 1));
    let rejection = rejected(database.apply(&changeset));
    assert_eq!(rejection.code(), code::VALUE_TAKEN);
    assert_eq!(contents(&database), before);
    // Nor does it leave anything in an index.
    database.apply(&create("e", 2)).unwrap();
}

#[test]
fn an_operation_sees_what_those_before_it_did() {
    let mut database = Database::new(SCHEMAS).unwrap();
    let destroy = Operation::DestroyById { collection: "tags".into(), id: "a".into() };
    let changeset = create("a", 1).combine(destroy.into()).combine(create("b", 1));
    let delta = database.apply(&changeset).unwrap();
    assert_eq!(tags(&database), [Tag { name: "b".into(), place: 1 }]);
    let ids: Vec<_> = delta.collection("tags").unwrap().keys().cloned().collect();
    assert_eq!(ids, [Value::from("b")], "what comes and goes is no change");
}

#[test]
fn what_ends_as_it_began_is_no_change() {
    let mut database = Database::new(SCHEMAS).unwrap();
    database.apply(&create("a", 1)).unwrap();
    let place = |place: u32| Operation::UpdateById {
        collection: "tags".into(),
        id: "a".into(),
        patch: Fields::new().with("place", place),
    };
    let there_and_back = Changeset::from(place(2)).combine(place(1).into());
    assert_eq!(database.apply(&there_and_back), Ok(Delta::default()));
    assert_eq!(database.apply(&place(1).into()), Ok(Delta::default()));
    assert_eq!(database.apply(&Changeset::no_change()), Ok(Delta::default()));
}

#[test]
fn an_unknown_collection_is_told_with_those_there_are() {
    let database = Database::new(SCHEMAS).unwrap();
    let message = "there is no collection `lists`: the collections are tags, things";
    let rejection = rejected(database.rows("lists", &Query::all()));
    assert_eq!((rejection.code(), rejection.message()), (code::UNKNOWN_COLLECTION, message));
    assert_eq!(rejected(database.row("lists", &Value::Null)), rejection);
    assert_eq!(database.schema("lists"), Err(rejection));
    let none = Database::new([]).unwrap().schema("lists").unwrap_err();
    assert_eq!(none.message(), "there is no collection `lists`: the collections are none");
}

#[test]
fn a_collection_is_read_as_its_own_document_type_only() {
    #[derive(Debug, Document)]
    #[document(collection = "tags")]
    struct Other {
        #[allow(dead_code, reason = "only its schema counts")]
        id: i64,
    }
    let database = Database::new(SCHEMAS).unwrap();
    let rejection = database.collection::<Other>().unwrap_err();
    assert_eq!(rejection.code(), code::UNKNOWN_COLLECTION);
    assert!(rejection.message().contains("has another schema"), "{rejection}");
}

#[test]
fn a_row_is_looked_up_by_an_id_of_its_kind() {
    let mut database = Database::new(SCHEMAS).unwrap();
    database.apply(&create("a", 1)).unwrap();
    assert!(database.row("tags", &Value::from("a")).unwrap().is_some());
    assert_eq!(database.row("tags", &Value::from("b")), Ok(None));
    assert_eq!(rejected(database.row("tags", &Value::from(1))).code(), code::INVALID_VALUE);
    assert_eq!(rejected(database.row("tags", &Value::Null)).code(), code::MISSING_FIELD);
}

#[test]
fn a_delta_of_an_unknown_collection_is_not_applied_in_part() {
    let mut both = Database::new(SCHEMAS).unwrap();
    let thing = Operation::Create {
        collection: "things".into(),
        document: Fields::new()
            .with("id", 1)
            .with("isDone", false)
            .with("count", 1)
            .with("title", "a")
            .with("color", "red"),
    };
    let delta = both.apply(&create("a", 1).combine(thing.into())).unwrap();
    let mut one = Database::new([Tag::SCHEMA]).unwrap();
    assert_eq!(one.apply_delta(&delta).unwrap_err().code(), code::UNKNOWN_COLLECTION);
    assert_eq!(tags(&one), []);
}
