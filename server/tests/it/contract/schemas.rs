//! Tables that fit, and tables that do not: clear errors at start.

use flux_server::reducers::{
    Action, Collection, Document, FIELDS_MAX, Filter, KEY_CHARACTERS_MAX, KEYS_MAX, Query, Reducer,
    Reduction, Value, aggregate_reducers, lift,
};
use flux_server::{Error, OnChange};

use crate::databases::Database;
use crate::tasks::{self, Task, added};

fn keeping<T: Document + 'static>() -> Reducer {
    lift(|documents: &Collection<T>, _: &Action| -> Reduction { Ok(documents.no_change()) })
}

pub(crate) async fn a_schema_that_no_longer_fits_is_told_with_the_difference(database: Database) {
    #[derive(Document)]
    #[document(collection = "tasks")]
    struct Changed {
        id: i64,
        #[document(unique)]
        title: String,
        #[document(index)]
        list: Option<String>,
        done: bool,
    }
    #[derive(Document)]
    #[document(collection = "tasks")]
    struct Longer {
        id: i64,
        #[document(unique)]
        title: String,
        #[document(index)]
        list: Option<i64>,
        done: bool,
        color: String,
    }
    database.open().await.close().await;
    let error = database.refusal(keeping::<Changed>()).await;
    assert_eq!(error.code(), "schema_changed");
    let difference = "field `list` was an integer of 64 bits, may be null, indexed, and is text, may \
                      be null, indexed";
    assert!(error.to_string().contains(difference), "{error}");
    let error = database.refusal(keeping::<Longer>()).await;
    assert!(error.to_string().contains("field `color` is new: text"), "{error}");
    database.open().await;
}

pub(crate) async fn a_new_collection_beside_an_old_log_is_told(database: Database) {
    #[derive(Document)]
    #[document(collection = "tags")]
    struct Tag {
        id: i64,
    }
    let with_tags = || aggregate_reducers([tasks::reducer(), keeping::<Tag>()]);
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    let error = database.refusal(with_tags()).await;
    assert!(matches!(&error, Error::SchemaChanged { collection, .. } if collection == "tags"));

    let empty = database.fresh();
    empty.open().await.close().await;
    empty.builder(with_tags()).open().await.unwrap();
}

pub(crate) async fn a_table_that_the_store_did_not_make_is_left_alone(database: Database) {
    let (tasks, events) = (database.table("tasks"), database.table("events"));
    database.run(format!("CREATE TABLE {tasks} (id INTEGER)")).await;
    assert_eq!(database.refusal(tasks::reducer()).await.code(), "table_in_the_way");
    database.run(format!("DROP TABLE {tasks}")).await;
    database.run(format!("CREATE TABLE {events} (id INTEGER)")).await;
    assert_eq!(database.refusal(tasks::reducer()).await.code(), "table_in_the_way");
    database.run(format!("DROP TABLE {events}")).await;
    database.open().await;
}

pub(crate) async fn stores_of_two_namespaces_share_a_database(database: Database) {
    let other = database.builder(tasks::reducer()).namespace("other1");
    let (store, other) = (database.open().await, other.open().await.unwrap());
    store.dispatch(&added(1)).await.unwrap();
    other.dispatch_all(&[added(1), added(2)]).await.ok();
    assert_eq!(store.position().await.unwrap(), 1);
}

pub(crate) async fn two_documents_of_one_name_are_refused(database: Database) {
    #[derive(Document)]
    #[document(collection = "tasks")]
    struct Other {
        id: i64,
    }
    let both = aggregate_reducers([keeping::<Task>(), keeping::<Other>()]);
    assert_eq!(database.refusal(both).await.code(), "schema_invalid");
}

pub(crate) async fn servers_that_open_an_empty_database_at_once_share_its_tables(
    database: Database,
) {
    let stores = futures_util::future::join_all((0..8).map(|_| database.open())).await;
    for (id, store) in (0..).zip(&stores) {
        store.dispatch(&added(id)).await.unwrap();
    }
    assert_eq!(stores[0].position().await.unwrap(), 8);
}

pub(crate) async fn a_database_of_another_layout_is_told(database: Database) {
    database.open().await.close().await;
    database.run(format!("UPDATE {} SET layout = 99", database.table("flux_head"))).await;
    let error = database.refusal(tasks::reducer()).await;
    assert_eq!(error.code(), "layout_unknown");
    assert!(error.to_string().contains("use the version that made them"), "{error}");
    assert!(error.to_string().contains("`import`"), "{error}");
}

pub(crate) async fn a_table_that_somebody_changed_is_told_at_the_start(database: Database) {
    let opened = async || {
        let store = database.open().await;
        store.dispatch(&added(store.position().await.unwrap())).await.unwrap();
        store.close().await;
    };
    let refused = async |difference: &str| {
        let error = database.refusal(tasks::reducer()).await;
        assert!(error.code() == "table_changed" && !error.is_retryable(), "{error}");
        assert!(error.to_string().contains(difference), "{error}");
    };
    let (tasks, events) = (database.table("tasks"), database.table("events"));
    opened().await;
    database.run(format!("ALTER TABLE {tasks} RENAME COLUMN done TO finished")).await;
    refused("its column `done` is missing").await;
    database.run(format!("ALTER TABLE {tasks} RENAME COLUMN finished TO done")).await;
    opened().await;
    database.run(format!("ALTER TABLE {tasks} DROP COLUMN done")).await;
    database.run(format!("ALTER TABLE {tasks} ADD COLUMN done TEXT")).await;
    refused("which does not hold a boolean").await;
    database.run(format!("DROP TABLE {tasks}")).await;
    refused("it is missing").await;

    let builder = || database.builder(tasks::reducer());
    builder().rebuild(|_| ()).await.unwrap();
    opened().await;
    database.run(format!("DROP TABLE {}", database.table("tasks$1"))).await;
    let store = builder().on_change(OnChange::Rebuild).open().await.unwrap();
    tasks::verify(&store).await;
    store.close().await;

    database.run(format!("DROP TABLE {events}")).await;
    refused(&format!("`{events}` is not as the store made it: it is missing")).await;
}

pub(crate) async fn what_somebody_takes_from_a_running_store_is_told_as_lasting(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch(&added(1)).await.unwrap();
    let (tasks, away) = (database.table("tasks"), database.table("away"));
    database.run(format!("ALTER TABLE {tasks} RENAME TO {away}")).await;
    let error = store.dispatch(&added(2)).await.unwrap_err();
    assert!(error.code() == "database_unusable" && !error.is_retryable(), "{error}");
    let error = store.read(&[("tasks", Query::all())]).await.unwrap_err();
    assert_eq!(error.code(), "database_unusable", "{error}");
    // What needs no such table goes on.
    store.dispatch(&Action::new("other")).await.unwrap();
    database.run(format!("ALTER TABLE {away} RENAME TO {tasks}")).await;
    store.dispatch(&added(2)).await.unwrap();
    tasks::verify(&store).await;
}

pub(crate) async fn a_user_without_rights_is_told(database: Database) {
    let error = database.refusal_without_rights(tasks::reducer()).await;
    assert_eq!(error.code(), "database_unusable");
    let told = ["denied", "readonly database"];
    assert!(told.iter().any(|told| error.to_string().contains(told)), "{error}");
    // What was refused left nothing behind.
    database.open().await.dispatch(&added(1)).await.unwrap();
}

/// Writes a document of fields that take as much room as any.
macro_rules! largest {
    ($($key:ident)*; $($field:ident)*) => {
        #[derive(Document)]
        #[document(collection = "largest")]
        struct Largest {
            id: String,
            $(#[document(index)] $key: String,)*
            $($field: Option<String>,)*
        }
    };
}

pub(crate) async fn the_largest_schema_is_held(database: Database) {
    largest! {
        k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 k11 k12 k13 k14 k15 k16 k17 k18
        k19 k20 k21 k22;
        p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p14 p15 p16 p17 p18
        p19 p20 p21 p22 p23 p24 p25 p26 p27 p28 p29 p30 p31 p32 p33 p34 p35
        p36 p37 p38 p39 p40 p41 p42 p43 p44 p45 p46 p47 p48 p49 p50 p51 p52
        p53 p54 p55 p56 p57 p58 p59 p60 p61 p62 p63 p64 p65 p66 p67 p68 p69
        p70 p71 p72 p73 p74 p75 p76 p77 p78 p79 p80 p81 p82 p83 p84 p85 p86
        p87 p88 p89 p90 p91 p92 p93 p94 p95 p96 p97 p98 p99 p100 p101 p102 p103
    }
    assert_eq!(Largest::SCHEMA.fields.len(), FIELDS_MAX);
    let keys = Largest::SCHEMA.fields.iter().filter(|field| Largest::SCHEMA.is_key(field));
    assert_eq!(keys.count(), KEYS_MAX);
    let fill = |things: &Collection<Largest>, _: &Action| -> Reduction {
        let values = Largest::SCHEMA.fields.iter().map(|field| {
            let characters = if Largest::SCHEMA.is_key(field) { KEY_CHARACTERS_MAX } else { 2000 };
            Value::from("😀".repeat(characters))
        });
        Ok(things.create(Largest::from_row(&Largest::SCHEMA.row(values)?).unwrap()))
    };
    let store = database.builder(lift(fill)).open().await.unwrap();
    store.dispatch(&Action::new("filled")).await.unwrap();
    let found = store.find_one::<Largest>(Filter::all()).await.unwrap().unwrap();
    assert_eq!(found.to_fields().len(), FIELDS_MAX);
}

pub(crate) async fn what_a_store_is_found_by_is_not_made_anew_where_it_is_missing(
    database: Database,
) {
    let harms = [
        ("flux_head", "DROP TABLE", "table_changed", "flux_head` is not as the store made it"),
        (
            "flux_schemas",
            "DROP TABLE",
            "table_changed",
            "flux_schemas` is not as the store made it",
        ),
        ("flux_head", "DELETE FROM", "database_damaged", "restore it from a backup"),
        ("flux_generations", "DELETE FROM", "database_damaged", "restore it from a backup"),
        (
            "flux_schemas SET document = '{'",
            "UPDATE",
            "database_damaged",
            "a rebuild writes it anew",
        ),
    ];
    for (table, harm, code, told) in harms {
        let database = database.fresh();
        let store = database.open().await;
        store.dispatch(&added(1)).await.unwrap();
        store.close().await;
        database.run(format!("{harm} {}", database.table(table))).await;
        let error = database.refusal(tasks::reducer()).await;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

pub(crate) async fn a_log_that_goes_beyond_its_end_is_neither_rebuilt_nor_written(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    store.close().await;
    let position = if database.url().starts_with("mysql") { "`position`" } else { "position" };
    let head = database.table("flux_head");
    database.run(format!("UPDATE {head} SET {position} = 1")).await;
    let builder = || database.builder(tasks::reducer().with_version(1));
    for refused in [
        database.builder(tasks::reducer()).open().await.map(|_| ()),
        builder().rebuild(|_| {}).await.map(|_| ()),
        builder().preview_rebuild().await.map(|_| ()),
    ] {
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("an event at position 3, beyond its end"), "{error}");
    }
    database.run(format!("UPDATE {head} SET {position} = 3")).await;
    tasks::verify(&database.open().await).await;
}

pub(crate) async fn a_type_that_is_not_the_documents_own_is_not_read(database: Database) {
    #[derive(Debug, Document)]
    #[document(collection = "tasks")]
    #[allow(dead_code, reason = "only its schema counts")]
    struct Reordered {
        id: i64,
        done: bool,
        #[document(unique)]
        title: String,
        list: Option<i64>,
    }
    let store = database.builder(tasks::reducer()).keep_history().open().await.unwrap();
    store.dispatch(&added(1)).await.unwrap();
    let all = Query::all;
    for refused in [
        store.find_all::<Reordered>(all()).await.map(|_| ()),
        store.find_by_id::<Reordered>(1).await.map(|_| ()),
        store.at(1).await.unwrap().find_all::<Reordered>(all()).await.map(|_| ()),
        store.history::<Reordered>(1).await.map(|_| ()),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.code(), "other_type", "{error}");
        assert!(error.to_string().contains("field `list`"), "{error}");
    }
}

pub(crate) async fn nothing_is_recorded_after_a_last_event_that_is_not_the_one(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), added(3)]).await.unwrap();
    store.close().await;
    let quote = if database.url().starts_with("postgres") { '"' } else { '`' };
    let column = |name: &str| format!("{quote}{name}{quote}");
    let (position, timestamp) = (column("position"), column("timestamp"));
    let (head, events) = (database.table("flux_head"), database.table("events"));
    let at = |number: i64| format!("SELECT id FROM {events} WHERE {position} = {number}");
    for (harm, mend) in [
        (format!("{position} = 4"), format!("{position} = 3")),
        (format!("{timestamp} = {timestamp} - 1"), format!("{timestamp} = {timestamp} + 1")),
        (format!("event_id = ({})", at(2)), format!("event_id = ({})", at(3))),
    ] {
        database.run(format!("UPDATE {head} SET {harm}")).await;
        let error = database.refusal(tasks::reducer()).await;
        assert!(error.to_string().contains("not the one that `flux_head` tells of"), "{error}");
        database.run(format!("UPDATE {head} SET {mend}")).await;
        tasks::verify(&database.open().await).await;
    }
}
