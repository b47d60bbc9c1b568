//! What each operation means, by example.

use flux_reducers::{
    Changeset, Collection, Database, Delta, Document, Enumeration, Fields, Filter, Halt, Json,
    Operation, Query, Rejection, Value, code,
};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "tasks")]
struct Task {
    id: i64,
    title: String,
    #[document(unique)]
    code: Option<String>,
    hours: Option<f64>,
    state: State,
    data: Option<Json>,
}

#[derive(Clone, Copy, Debug, PartialEq, Enumeration)]
#[serde(rename_all = "camelCase")]
enum State {
    Open,
    InProgress,
}

fn task(id: i64) -> Task {
    let title = format!("task {id}");
    Task { id, title, code: None, hours: None, state: State::Open, data: None }
}

struct Tasks {
    database: Database,
    tasks: Collection<Task>,
}

/// A database with the tasks 1 and 2.
fn tasks() -> Tasks {
    let database = Database::new([Task::SCHEMA]).unwrap();
    let tasks = database.collection().unwrap();
    let mut all = Tasks { database, tasks };
    let changeset = all.tasks.create(task(1)).combine(all.tasks.create(task(2)));
    all.database.apply(&changeset).unwrap();
    all
}

impl Tasks {
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence")]
    fn apply(&mut self, changeset: Changeset) -> Result<Delta, Halt> {
        let delta = self.database.apply(&changeset);
        let text = serde_json::to_string(&changeset).unwrap();
        if !text.contains(r#"{"float":null}"#) {
            assert_eq!(serde_json::from_str::<Changeset>(&text).unwrap(), changeset);
        }
        delta
    }

    fn all(&self) -> Vec<Task> {
        self.database.collection().unwrap().find_all(Query::all()).unwrap()
    }

    #[track_caller]
    fn rejected(&mut self, changeset: Changeset, code: &str, field: Option<&str>) -> String {
        let before = self.all();
        match self.apply(changeset) {
            Err(Halt::Rejected(rejection)) => {
                assert_eq!((rejection.code(), rejection.field()), (code, field), "{rejection}");
                assert_eq!(self.all(), before, "nothing is changed");
                rejection.message().to_owned()
            }
            other => panic!("expected the rejection `{code}`, found {other:?}"),
        }
    }
}

#[test]
fn creating_adds_a_document() {
    let mut all = tasks();
    let delta = all.apply(all.tasks.create(task(3))).unwrap();
    assert_eq!(all.all(), [task(1), task(2), task(3)]);
    let change = &delta.collection("tasks").unwrap()[&Value::Integer(3)];
    assert_eq!(change.before, None);
    assert_eq!(Task::from_row(change.after.as_ref().unwrap()), Ok(task(3)));
}

#[test]
fn creating_a_document_whose_id_exists_is_refused() {
    let mut all = tasks();
    let message = all.rejected(all.tasks.create(task(1)), code::DOCUMENT_EXISTS, Some("id"));
    assert_eq!(message, "collection `tasks` already has a document with the id 1");
    let twice = all.tasks.create(task(3)).combine(all.tasks.create(task(3)));
    all.rejected(twice, code::DOCUMENT_EXISTS, Some("id"));
}

#[test]
fn upserting_adds_a_document_or_replaces_the_whole_one() {
    let mut all = tasks();
    let full = Task { hours: Some(1.5), code: Some("a".into()), ..task(1) };
    all.apply(all.tasks.upsert(full).combine(all.tasks.upsert(task(3)))).unwrap();
    assert_eq!(all.all()[0].hours, Some(1.5));
    let partial = Operation::Upsert {
        collection: "tasks".into(),
        document: Fields::new().with("id", 1).with("title", "new").with("state", "inProgress"),
    };
    all.apply(partial.into()).unwrap();
    let expected = Task { title: "new".into(), state: State::InProgress, ..task(1) };
    assert_eq!(all.all(), [expected, task(2), task(3)], "what is left out is null");
}

#[test]
fn updating_changes_the_fields_of_the_patch_only() {
    let mut all = tasks();
    let patch = Task::patch().title("new").hours(2.0).state(State::InProgress);
    all.apply(all.tasks.update_by_id(1, patch)).unwrap();
    let new = Task { title: "new".into(), hours: Some(2.0), state: State::InProgress, ..task(1) };
    assert_eq!(all.all(), [new.clone(), task(2)]);
    all.apply(all.tasks.update_by_id(1, Task::patch().hours(None))).unwrap();
    assert_eq!(all.all(), [Task { hours: None, ..new }, task(2)]);
}

#[test]
fn updating_or_destroying_a_missing_document_changes_nothing() {
    let mut all = tasks();
    let update = all.tasks.update_by_id(9, Task::patch().title("new"));
    assert_eq!(all.apply(update), Ok(Delta::default()));
    assert_eq!(all.apply(all.tasks.destroy_by_id(9)), Ok(Delta::default()));
    let none = Filter::eq("title", "none");
    let update = all.tasks.update_where(none.clone(), Task::patch().title("new"));
    assert_eq!(all.apply(update), Ok(Delta::default()));
    assert_eq!(all.apply(all.tasks.destroy_where(none)), Ok(Delta::default()));
    assert_eq!(all.apply(all.tasks.no_change()), Ok(Delta::default()));
    assert_eq!(all.all(), [task(1), task(2)]);
}

#[test]
fn destroying_removes_a_document() {
    let mut all = tasks();
    let delta = all.apply(all.tasks.destroy_by_id(1)).unwrap();
    assert_eq!(all.all(), [task(2)]);
    let change = &delta.collection("tasks").unwrap()[&Value::Integer(1)];
    assert_eq!((change.before.is_some(), &change.after), (true, &None));
}

#[test]
fn all_that_match_are_updated_or_destroyed() {
    let mut all = tasks();
    all.apply(all.tasks.create(task(3))).unwrap();
    let open = Filter::eq("state", State::Open) & Filter::lt("id", 3);
    all.apply(all.tasks.update_where(open, Task::patch().state(State::InProgress))).unwrap();
    let states: Vec<_> = all.all().into_iter().map(|task| task.state).collect();
    assert_eq!(states, [State::InProgress, State::InProgress, State::Open]);
    all.apply(all.tasks.destroy_where(Filter::eq("state", State::InProgress))).unwrap();
    assert_eq!(all.all(), [task(3)]);
    all.apply(all.tasks.destroy_where(Filter::all())).unwrap();
    assert_eq!(all.all(), []);
}

#[test]
fn the_id_of_a_document_does_not_change() {
    let mut all = tasks();
    let of_id = |id: i64| Operation::UpdateById {
        collection: "tasks".into(),
        id: 1.into(),
        patch: Fields::new().with("id", id),
    };
    let message = all.rejected(of_id(9).into(), code::ID_IS_FIXED, Some("id"));
    assert_eq!(message, "the id of 1 in `tasks` can't change to 9: destroy and create instead");
    assert_eq!(all.apply(of_id(1).into()), Ok(Delta::default()), "the same id is no change");
}

#[test]
fn a_unique_value_is_held_by_one_document() {
    let mut all = tasks();
    let coded = |id, code: &str| Task { code: Some(code.into()), ..task(id) };
    all.apply(all.tasks.upsert(coded(1, "a"))).unwrap();
    let message = all.rejected(all.tasks.upsert(coded(2, "a")), code::VALUE_TAKEN, Some("code"));
    assert_eq!(
        message,
        r#"field `code` of collection `tasks` is unique, and the document 1 already has "a""#
    );
    let update = all.tasks.update_by_id(2, Task::patch().code("a".to_owned()));
    all.rejected(update, code::VALUE_TAKEN, Some("code"));
    all.rejected(all.tasks.create(coded(3, "a")), code::VALUE_TAKEN, Some("code"));
    let both = all.tasks.update_where(Filter::all(), Task::patch().code("b".to_owned()));
    all.rejected(both, code::VALUE_TAKEN, Some("code"));
    // Nulls aside; one's own value aside; case and accents apart.
    all.apply(all.tasks.upsert(task(3)).combine(all.tasks.upsert(task(4)))).unwrap();
    all.apply(all.tasks.upsert(Task { title: "new".into(), ..coded(1, "a") })).unwrap();
    all.apply(all.tasks.upsert(coded(2, "A")).combine(all.tasks.upsert(coded(3, "á")))).unwrap();
}

#[test]
fn a_unique_value_passes_on_in_the_order_of_the_operations() {
    let mut all = tasks();
    let coded = |id, code: &str| Task { code: Some(code.into()), ..task(id) };
    all.apply(all.tasks.upsert(coded(1, "a"))).unwrap();
    let take_first = all.tasks.upsert(coded(2, "a")).combine(all.tasks.upsert(task(1)));
    all.rejected(take_first, code::VALUE_TAKEN, Some("code"));
    let free_first = all.tasks.upsert(task(1)).combine(all.tasks.upsert(coded(2, "a")));
    all.apply(free_first).unwrap();
    let destroy_first = all.tasks.destroy_by_id(2).combine(all.tasks.create(coded(3, "a")));
    all.apply(destroy_first).unwrap();
    assert_eq!(all.all(), [task(1), coded(3, "a")]);
}

#[test]
fn fields_and_collections_that_there_are_not_are_refused() {
    let mut all = tasks();
    let unknown = Operation::UpdateById {
        collection: "tasks".into(),
        id: 1.into(),
        patch: Fields::new().with("titel", "new"),
    };
    let message = all.rejected(unknown.into(), code::UNKNOWN_FIELD, Some("titel"));
    assert!(message.ends_with("it has id, title, code, hours, state, data"), "{message}");
    let elsewhere = Operation::DestroyById { collection: "lists".into(), id: 1.into() };
    all.rejected(elsewhere.into(), code::UNKNOWN_COLLECTION, None);
    let filter = all.tasks.destroy_where(Filter::eq("titel", "new"));
    all.rejected(filter, code::UNKNOWN_FIELD, Some("titel"));
}

#[test]
fn values_that_do_not_fit_are_refused_with_the_field() {
    let mut all = tasks();
    let mut refused = |name: &'static str, value: Value| {
        let patch = Fields::new().with(name, value);
        let update = Operation::UpdateById { collection: "tasks".into(), id: 1.into(), patch };
        all.rejected(update.into(), code::INVALID_VALUE, Some(name))
    };
    refused("title", 1.into());
    refused("hours", f64::NAN.into());
    refused("hours", f64::INFINITY.into());
    let message = refused("state", "done".into());
    assert!(message.ends_with(r#"expected one of open, inProgress, found "done""#), "{message}");
    let message = refused("title", "a\0".into());
    assert!(message.contains("U+0000"), "{message}");
    refused("code", "a".repeat(513).into());

    let missing = Operation::Create {
        collection: "tasks".into(),
        document: Fields::new().with("id", 9).with("state", "open"),
    };
    all.rejected(missing.into(), code::MISSING_FIELD, Some("title"));
    let null = Operation::UpdateById {
        collection: "tasks".into(),
        id: 1.into(),
        patch: Fields::new().with("title", Value::Null),
    };
    all.rejected(null.into(), code::MISSING_FIELD, Some("title"));
    all.rejected(all.tasks.update_by_id("1", Task::patch()), code::INVALID_VALUE, Some("id"));
    all.rejected(all.tasks.destroy_by_id(Value::Null), code::MISSING_FIELD, Some("id"));
}

#[test]
fn a_null_of_json_is_no_value() {
    let mut all = tasks();
    let with = |data| Task { data, ..task(1) };
    all.apply(all.tasks.upsert(with(Some(json!(null).into())))).unwrap();
    assert_eq!(all.all()[0], with(None));
    let nulls = all.database.collection::<Task>().unwrap().count(Filter::is_null("data"));
    assert_eq!(nulls, Ok(2));
}

#[test]
fn a_collection_reads_typed_documents() {
    let all = tasks();
    let tasks = all.database.collection::<Task>().unwrap();
    assert_eq!(tasks.find_by_id(2), Ok(Some(task(2))));
    assert_eq!(tasks.find_by_id(9), Ok(None));
    assert_eq!(tasks.find_one(Filter::eq("title", "task 2")), Ok(Some(task(2))));
    assert_eq!(tasks.find_one(Filter::all()), Ok(Some(task(1))), "the least id");
    assert_eq!(tasks.find_one(Filter::eq("title", "")), Ok(None));
    assert_eq!(tasks.find_all(Filter::gt("id", 1)), Ok(vec![task(2)]));
    assert_eq!(tasks.count(Filter::all()), Ok(2));
    let code = |result: Result<Option<Task>, Halt>| match result {
        Err(Halt::Rejected(rejection)) => Rejection::code(&rejection).to_owned(),
        other => panic!("expected a rejection, found {other:?}"),
    };
    assert_eq!(code(tasks.find_by_id("1")), code::INVALID_VALUE);
    assert_eq!(code(tasks.find_one(Filter::eq("titel", 1))), code::UNKNOWN_FIELD);
}
