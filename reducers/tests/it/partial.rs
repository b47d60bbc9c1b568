//! Partial databases: what is not loaded is a fault, and once it is loaded all is as on a whole one.

use flux_reducers::{
    Action, Changeset, Database, Delta, Document, Fault, Filter, Halt, Operation, Query, Reducer,
    Reduction, Rejection, Row, Value, Wanted, root_reducer,
};
use proptest::prelude::*;

use crate::generate::{
    SCHEMAS, Tag, Thing, cases, changeset, contents, database, filter, id, query, schema,
};

/// A document that keeps what a reducer has read, so that it shows in the delta.
#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "readings")]
struct Reading {
    id: i64,
    text: String,
}

#[derive(Clone, Debug)]
enum Read {
    ById(Value),
    One(Filter),
    All(Query),
    Count(Filter),
}

/// What a random reducer does with one event.
#[derive(Clone, Debug)]
struct Program {
    reads: Vec<(&'static str, Read)>,
    changeset: Changeset,
    /// Whether the store has saved all by then, and answers faults with what is there now.
    is_saved: bool,
}

fn read() -> impl Strategy<Value = (&'static str, Read)> {
    schema().prop_flat_map(|schema| {
        let read = prop_oneof![
            id(schema).prop_map(Read::ById),
            filter(schema).prop_map(Read::One),
            query(schema).prop_map(Read::All),
            filter(schema).prop_map(Read::Count),
        ];
        (Just(schema.collection), read)
    })
}

fn program() -> impl Strategy<Value = Program> {
    (prop::collection::vec(read(), 0..4), changeset(4), prop::bool::weighted(0.3))
        .prop_map(|(reads, changeset, is_saved)| Program { reads, changeset, is_saved })
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_run_with_faults_ends_as_a_run_on_the_whole_database(
        before in database(),
        programs in prop::collection::vec(program(), 1..6),
    ) {
        let schemas = || SCHEMAS.into_iter().chain([Reading::SCHEMA]);
        let mut whole = Database::new(schemas()).unwrap();
        for (collection, rows) in contents(&before) {
            for row in rows {
                whole.apply(&upsert(collection, &row).into()).unwrap();
            }
        }
        let mut partial = Database::partial(schemas()).unwrap();
        let mut saved = whole.clone();
        for program in programs {
            if program.is_saved {
                saved = whole.clone();
            }
            let reducer = reducer(program);
            let action = Action::new("changed");
            let expected = match reducer.run(&mut whole, &action) {
                Ok(delta) => Ok(delta),
                Err(Halt::Rejected(rejection)) => Err(rejection),
                Err(Halt::Fault(fault)) => panic!("a fault on a whole database: {fault:?}"),
            };
            prop_assert_eq!(run(&reducer, &mut partial, &saved, &action), expected);
        }
        for (collection, rows) in contents(&whole) {
            prop_assert_eq!(all_rows(&mut partial, &saved, collection), rows);
        }
    }
}

fn upsert(collection: &'static str, row: &Row) -> Operation {
    let schema = SCHEMAS.into_iter().find(|it| it.collection == collection).expect("a schema");
    let names = schema.fields.iter().map(|field| field.name);
    let document = names.zip(row.values().iter().cloned()).collect();
    Operation::Upsert { collection: collection.into(), document }
}

fn reducer(program: Program) -> Reducer {
    let schemas = SCHEMAS.into_iter().chain([Reading::SCHEMA]);
    root_reducer(schemas, move |database: &Database, _: &Action| reduce(database, &program))
}

fn reduce(database: &Database, program: &Program) -> Reduction {
    let mut text = String::new();
    for (collection, read) in &program.reads {
        text += &if *collection == Thing::SCHEMA.collection {
            answer::<Thing>(database, read)?
        } else {
            answer::<Tag>(database, read)?
        };
    }
    let readings = database.collection::<Reading>()?;
    let reading = readings.upsert(Reading { id: 1, text });
    Ok(program.changeset.clone().combine(reading))
}

fn answer<T: Document + std::fmt::Debug>(database: &Database, read: &Read) -> Result<String, Halt> {
    let documents = database.collection::<T>()?;
    Ok(match read {
        Read::ById(id) => {
            let row = database.row(T::SCHEMA.collection, id)?;
            format!("{:?}{row:?}", documents.find_by_id(id.clone())?)
        }
        Read::One(filter) => format!("{:?}", documents.find_one(filter.clone())?),
        Read::All(query) => format!("{:?}", documents.find_all(query.clone())?),
        Read::Count(filter) => format!("{:?}", documents.count(filter.clone())?),
    })
}

/// Runs the reducer; on each fault loads what it asks for from the store, and runs it again.
fn run(
    reducer: &Reducer,
    partial: &mut Database,
    saved: &Database,
    action: &Action,
) -> Result<Delta, Rejection> {
    let mut seen = Vec::new();
    loop {
        let before = rows_known(partial);
        match reducer.run(partial, action) {
            Ok(delta) => return Ok(delta),
            Err(halt) => {
                assert_eq!(rows_known(partial), before, "a halt changes nothing");
                match halt {
                    Halt::Rejected(rejection) => return Err(rejection),
                    Halt::Fault(fault) => {
                        assert!(!seen.contains(&fault), "asked twice: {fault:?}");
                        load(partial, saved, &fault);
                        seen.push(fault);
                    }
                }
            }
        }
    }
}

fn rows_known(partial: &Database) -> String {
    format!("{partial:?}")
}

/// Answers a fault as a store does: with all that it holds of what is wanted, maybe outdated.
fn load(partial: &mut Database, saved: &Database, fault: &Fault) {
    let rows: Vec<Row> = match fault.wanted() {
        Wanted::Document(id) => saved.row(fault.collection(), id).unwrap().into_iter().collect(),
        Wanted::Matching(condition) => {
            let all = saved.rows(fault.collection(), &Query::all()).unwrap();
            all.into_iter().filter(|row| condition.matches(row)).collect()
        }
    };
    partial.load(fault, rows).unwrap();
}

fn all_rows(partial: &mut Database, saved: &Database, collection: &str) -> Vec<Row> {
    loop {
        match partial.rows(collection, &Query::all()) {
            Ok(rows) => return rows,
            Err(Halt::Fault(fault)) => load(partial, saved, &fault),
            Err(Halt::Rejected(rejection)) => panic!("{rejection}"),
        }
    }
}

#[test]
fn a_fault_names_the_document_or_the_condition_that_is_wanted() {
    let database = Database::partial(SCHEMAS).unwrap();
    let tags = database.collection::<Tag>().unwrap();
    let fault = |halt: Halt| match halt {
        Halt::Fault(fault) => fault,
        Halt::Rejected(rejection) => panic!("{rejection}"),
    };
    let by_id = fault(tags.find_by_id("a").unwrap_err());
    assert_eq!((by_id.collection(), by_id.schema()), ("tags", Tag::SCHEMA));
    assert_eq!(by_id.wanted(), &Wanted::Document("a".into()));
    assert_eq!(by_id.to_string(), "a part of collection `tags` is not loaded");

    let by_place = fault(tags.count(Filter::gt("place", 1)).unwrap_err());
    let condition = Filter::gt("place", 1).condition(Tag::SCHEMA).unwrap();
    assert_eq!(by_place.wanted(), &Wanted::Matching(condition));

    let by_name = fault(tags.find_one(Filter::eq("name", "b")).unwrap_err());
    assert_eq!(by_name.wanted(), &Wanted::Document("b".into()), "an id is looked up as one");
}

#[test]
fn what_is_asked_for_and_not_there_is_not_asked_for_again() {
    let mut database = Database::partial(SCHEMAS).unwrap();
    let store = Database::new(SCHEMAS).unwrap();
    let id = Value::from("a");
    let Err(Halt::Fault(fault)) = database.row("tags", &id) else { panic!("no fault") };
    load(&mut database, &store, &fault);
    assert_eq!(database.row("tags", &id), Ok(None));
    assert!(matches!(database.row("tags", &Value::from("b")), Err(Halt::Fault(_))));
}

#[test]
fn what_is_loaded_as_a_part_of_something_is_not_asked_for_again() {
    let mut store = Database::new(SCHEMAS).unwrap();
    let tags = store.collection::<Tag>().unwrap();
    let all = (1..4).map(|place| tags.create(Tag { name: format!("tag {place}"), place }));
    store.apply(&all.collect()).unwrap();
    let loaded = |filters: &[Filter]| {
        let mut database = Database::partial(SCHEMAS).unwrap();
        for filter in filters {
            let wanted = database.rows("tags", &filter.clone().into());
            let Err(Halt::Fault(fault)) = wanted else { panic!("no fault") };
            load(&mut database, &store, &fault);
        }
        database
    };
    let count = |database: &Database, filter: Filter| {
        database.collection::<Tag>().unwrap().count(filter).ok()
    };
    let (low, high) = (Filter::lt("place", 2), Filter::gt("place", 2));
    let two = loaded(&[low.clone(), high.clone()]);
    assert_eq!(count(&two, low.clone() & Filter::eq("place", 1)), Some(1));
    assert_eq!(count(&two, low.clone() | high.clone()), Some(2));
    assert_eq!(count(&two, low.clone() | Filter::eq("place", 2)), None);
    assert_eq!(count(&two, Filter::all()), None);
    assert_eq!(count(&two, Filter::eq("name", "tag 3")), Some(1));
    assert_eq!(count(&two, Filter::eq("name", "tag 2")), None);

    let whole = loaded(&[Filter::all()]);
    assert_eq!(count(&whole, !low), Some(2));
    assert_eq!(count(&whole, Filter::eq("name", "none")), Some(0));
    assert_eq!(whole.row("tags", &Value::from("none")), Ok(None));
}

#[test]
fn an_error_comes_before_a_fault_where_the_read_makes_no_sense() {
    let database = Database::partial(SCHEMAS).unwrap();
    let tags = database.collection::<Tag>().unwrap();
    assert!(matches!(tags.find_by_id(1), Err(Halt::Rejected(_))));
    assert!(matches!(tags.count(Filter::eq("size", 1)), Err(Halt::Rejected(_))));
}

#[test]
fn loading_into_a_whole_database_changes_nothing() {
    let mut store = Database::new(SCHEMAS).unwrap();
    let tags = store.collection::<Tag>().unwrap();
    store.apply(&tags.create(Tag { name: "a".into(), place: 1 })).unwrap();
    let partial = Database::partial(SCHEMAS).unwrap();
    let Err(Halt::Fault(fault)) = partial.row("tags", &Value::from("a")) else {
        panic!("no fault")
    };
    let mut whole = Database::new(SCHEMAS).unwrap();
    load(&mut whole, &store, &fault);
    assert_eq!(whole.row("tags", &Value::from("a")), Ok(None));
}
