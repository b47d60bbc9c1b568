//! The tables: the store's own, and one for each collection, made from its schema.

use flux_reducers::__private::SchemaSpec;
use flux_reducers::{Document as _, Field, Schema, Uuid, Value};
use sqlx::QueryBuilder;

use super::dialect::{Dialect, INTEGER, TEXT};
use super::own::{GENERATIONS, Generation, GenerationState, SNAPSHOT_PARTS, SNAPSHOTS};
use super::statement::inserts;
use super::{Settings, columns, documents, events, history};
use crate::error::Error;
use crate::schema_changes::schema_changes;

/// The layout of the store's own tables; a change of it needs a new number.
const LAYOUT: i64 = 5;

/// Tables of a store that are not of one generation.
const OF_ALL_GENERATIONS: [&str; 6] = [
    "events",
    "flux_head",
    "flux_schemas",
    "flux_generations",
    "flux_snapshots",
    "flux_snapshot_parts",
];

/// With a collection's 48 characters and the `_` between them within PostgreSQL's 63.
const NAMESPACE_CHARACTERS_MAX: usize = 12;

/// Characters of a name with a `$` before it is cut: PostgreSQL would cut it in silence.
const CHARACTERS_MAX: usize = 60;

/// The names of a store's tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    namespace: Option<String>,
    /// Which set of the collections' tables; the first one is 0.
    generation: i64,
}

impl Tables {
    /// Names of tables that begin with the namespace, so that stores share a database.
    pub(crate) fn new(namespace: Option<String>) -> Result<Self, Error> {
        if let Some(namespace) = &namespace {
            let is_name = namespace.len() <= NAMESPACE_CHARACTERS_MAX
                && namespace.starts_with(|first: char| first.is_ascii_lowercase())
                && namespace.chars().all(|next| next.is_ascii_lowercase() || next.is_ascii_digit());
            if !is_name {
                let (namespace, most) = (namespace.clone(), NAMESPACE_CHARACTERS_MAX);
                return Err(Error::Namespace { namespace, most });
            }
        }
        Ok(Self { namespace, generation: 0 })
    }

    /// Names of the tables of another generation.
    pub(super) fn of_generation(&self, generation: i64) -> Self {
        Self { namespace: self.namespace.clone(), generation }
    }

    pub(super) const fn generation(&self) -> i64 {
        self.generation
    }

    fn name(&self, name: &str) -> String {
        self.namespace.as_ref().map_or_else(|| name.to_owned(), |space| format!("{space}_{name}"))
    }

    /// The name of a table of this generation, or of all.
    pub(super) fn table(&self, name: &str) -> String {
        if self.generation == 0 || !is_of_one_generation(name) {
            return self.name(name);
        }
        cut(self.name(&format!("{name}${}", self.generation)))
    }

    pub(super) fn quoted<D: Dialect>(&self, name: &str) -> String {
        D::quoted(&self.table(name))
    }

    /// The name of a lock that one server has at a time.
    pub(super) fn lock(&self, what: &str) -> String {
        self.name(&format!("flux_{what}"))
    }

    /// The name under which the servers of one store hear of each other.
    pub(super) fn channel(&self) -> String {
        self.name("flux_head")
    }

    fn quoted_index<D: Dialect>(&self, collection: &str, field: &str) -> String {
        // `$` is in neither name: `a_b` with `c` is not `a` with `b_c`.
        D::quoted(&cut(format!("{}${field}", self.table(collection))))
    }
}

/// Whether a table has what one version of the reducers made of the log.
pub(super) fn is_of_one_generation(name: &str) -> bool {
    !OF_ALL_GENERATIONS.contains(&name)
}

/// A long name is cut, and told from others by a hash of the whole.
fn cut(name: String) -> String {
    if name.len() <= CHARACTERS_MAX {
        return name;
    }
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).simple().to_string();
    format!("{}_{}", &name[..CHARACTERS_MAX - 17], &hash[..16])
}

/// Makes the store's own tables where they are missing; returns the names of the live ones.
pub(super) async fn prepare_own<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schemas: &[&'static Schema],
    settings: &Settings,
) -> Result<Tables, Error> {
    let locked = D::lock_tables(connection, &tables.channel()).await;
    locked.map_err(Error::database("connecting"))?;
    let options = D::table_options(connection).await.map_err(Error::database("connecting"))?;
    let is_there = exists::<D>(connection, tables, "flux_head").await?;
    if !is_there && has_log::<D>(connection, tables).await? {
        return Err(missing(tables, "flux_head"));
    }
    if !is_there {
        if settings.must_exist {
            return Err(Error::NoStore);
        }
        // Before any table is made: not every database takes that back with the transaction.
        let collections = schemas.iter().map(|schema| schema.collection);
        let own = OF_ALL_GENERATIONS.into_iter().filter(|name| *name != "flux_head");
        for name in own.chain(collections) {
            make_room::<D>(connection, tables, name).await?;
        }
        // Before the head, which tells that all is there.
        for schema in [GENERATIONS, SNAPSHOTS, SNAPSHOT_PARTS] {
            create::<D>(connection, tables, schema, &options).await?;
        }
        let mut script = D::OWN_TABLES.replace("{options}", &options);
        for name in ["flux_head", "flux_schemas", "events", "events_type"] {
            script = script.replace(&format!("{{{name}}}"), &tables.quoted::<D>(name));
        }
        let first = Generation {
            id: 0,
            version: settings.version,
            state: GenerationState::Live,
            position: 0,
            owner: None,
            seen_at: None,
            program: None,
        };
        insert::<D>(connection, tables, GENERATIONS, &first).await?;
        run::<D>(connection, script).await?;
    }
    check_layout::<D>(connection, tables).await?;
    if !exists::<D>(connection, tables, "flux_schemas").await? {
        return Err(missing(tables, "flux_schemas"));
    }
    for schema in [events::SCHEMA, GENERATIONS, SNAPSHOTS, SNAPSHOT_PARTS] {
        columns::check::<D>(connection, tables, schema).await?;
    }
    events::check_end::<D>(connection, tables).await?;
    let head = events::head::<D>(connection, tables, "").await?;
    Ok(tables.of_generation(head.generation))
}

/// Whether there are events, which are a store's.
async fn has_log<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<bool, Error> {
    for name in [GENERATIONS.collection, events::SCHEMA.collection] {
        if !exists::<D>(connection, tables, name).await?
            || is_empty::<D>(connection, &tables.quoted::<D>(name)).await?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn missing(tables: &Tables, name: &str) -> Error {
    Error::TableChanged { table: tables.table(name), difference: "it is missing".to_owned() }
}

/// What the tables of collections are made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are to be what the log means so far.
    Live,
    /// They are to be built from the log.
    Building,
}

/// Makes the tables of the collections that are missing, and checks that those there fit. Returns
/// whether the history is kept.
pub(super) async fn prepare_collections<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schemas: &[&'static Schema],
    wants_history: bool,
    purpose: Purpose,
) -> Result<bool, Error> {
    let options = D::table_options(connection).await.map_err(Error::database("connecting"))?;
    // Once it is kept it stays so: what is missing from it nobody could tell.
    let keeps_history = wants_history || keeps_history::<D>(connection, tables).await?;
    let own = keeps_history.then_some(history::SCHEMA);
    // The history first: where another table is there without it, it would have holes.
    for schema in own.into_iter().chain(schemas.iter().copied()) {
        if !events::is_log(schema) {
            prepare_collection::<D>(connection, tables, schema, &options, purpose).await?;
        }
    }
    Ok(keeps_history)
}

/// Whether there is a table of the history.
pub(super) async fn keeps_history<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<bool, Error> {
    let recorded = recorded_schema::<D>(connection, tables, history::SCHEMA.collection).await?;
    Ok(recorded.is_some())
}

/// Makes sure that the tables were made by this version of the reducers.
pub(super) async fn check_version<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    version: u32,
) -> Result<(), Error> {
    let id = Value::Integer(tables.generation);
    let rows = documents::by_id::<D>(connection, tables, GENERATIONS, [id]).await?;
    let made_by = rows.first().map(Generation::from_row).transpose();
    match made_by.map_err(|error| Error::beyond_rebuild(format!("`flux_generations`: {error}")))? {
        Some(made_by) if made_by.version == version => Ok(()),
        Some(made_by) => Err(Error::VersionChanged { made_by: made_by.version, version }),
        None => Err(Error::beyond_rebuild("`flux_generations` lacks the live generation")),
    }
}

/// Adds a row to one of the store's own tables.
pub(super) async fn insert<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &'static Schema,
    document: &impl flux_reducers::Document,
) -> Result<(), Error> {
    let row = schema.row_from_fields(&document.to_fields());
    let row = [row.map_err(|error| Error::Damaged(format!("an own row: {error}")))?];
    for statement in inserts::<D>(schema, &row) {
        statement.run::<D>(connection, tables).await?;
    }
    Ok(())
}

/// Returns the names of the collections that have a table in this generation.
pub(super) async fn recorded_collections<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<Vec<String>, Error> {
    let table = tables.quoted::<D>("flux_schemas");
    let mut sql = QueryBuilder::new(format!("SELECT collection FROM {table} WHERE generation = "));
    D::push_value(&mut sql, &Value::from(tables.generation));
    let rows = D::fetch(connection, sql).await;
    let names = rows.and_then(|rows| rows.iter().map(|row| D::value(row, 0, &TEXT)).collect());
    let names: Vec<Value> = names.map_err(Error::database("reading the schemas"))?;
    Ok(names.iter().filter_map(Value::as_text).map(str::to_owned).collect())
}

/// Returns the schemas that made the tables of this generation, the store's own aside, and makes
/// sure that these still fit.
pub(super) async fn recorded_schemas<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<Vec<&'static Schema>, Error> {
    let mut schemas = Vec::new();
    for collection in recorded_collections::<D>(connection, tables).await? {
        let recorded = recorded_schema::<D>(connection, tables, &collection).await?;
        if let Some(recorded) = recorded.filter(|_| collection != history::SCHEMA.collection) {
            let recorded = serde_json::from_str::<SchemaSpec>(&recorded)
                .map_err(|error| unreadable_schema(&collection, &error))?;
            let schema = recorded.schema();
            columns::check::<D>(connection, tables, schema).await?;
            schemas.push(schema);
        }
    }
    Ok(schemas)
}

fn unreadable_schema(collection: &str, error: &serde_json::Error) -> Error {
    Error::Damaged(format!(
        "the recorded schema of `{collection}`: {error}; a rebuild writes it anew"
    ))
}

/// Drops the tables of the collections of a generation.
pub(super) async fn drop_collections<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<(), Error> {
    for name in recorded_collections::<D>(connection, tables).await? {
        let table = tables.quoted::<D>(&name);
        let dropped = D::run_script(connection, format!("DROP TABLE IF EXISTS {table}")).await;
        dropped.map_err(Error::database("dropping tables of before"))?;
    }
    Ok(())
}

async fn check_layout<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<(), Error> {
    let sql = format!("SELECT layout FROM {}", tables.quoted::<D>("flux_head"));
    let rows = D::fetch(connection, QueryBuilder::new(sql)).await;
    let layout =
        rows.and_then(|rows| rows.first().map(|row| D::value(row, 0, &INTEGER)).transpose());
    match layout.map_err(Error::database("reading the layout"))? {
        Some(Value::Integer(LAYOUT)) => Ok(()),
        Some(Value::Integer(found)) => Err(Error::Layout { found, known: LAYOUT }),
        _ => Err(Error::beyond_rebuild("`flux_head` is empty")),
    }
}

async fn prepare_collection<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &'static Schema,
    options: &str,
    purpose: Purpose,
) -> Result<(), Error> {
    let current = serde_json::to_value(schema)
        .map_err(|error| Error::Damaged(format!("a schema can't be written: {error}")))?;
    let recorded = recorded_schema::<D>(connection, tables, schema.collection).await?;
    if let Some(recorded) = recorded {
        check(schema, &recorded, &current)?;
        return columns::check::<D>(connection, tables, schema).await;
    }
    if purpose == Purpose::Live {
        let has_events = events::head::<D>(connection, tables, "").await?.position > 0;
        if *schema == *history::SCHEMA {
            let tables = recorded_collections::<D>(connection, tables).await?;
            if has_events || !tables.is_empty() {
                return Err(Error::HistoryNotKept);
            }
        } else if has_events {
            return Err(Error::SchemaChanged {
                collection: schema.collection.to_owned(),
                difference: "the collection is new, and the log has events from before it"
                    .to_owned(),
            });
        }
    }
    make_room::<D>(connection, tables, schema.collection).await?;
    if purpose == Purpose::Building {
        // Before the table: should this end midway, it is found and dropped.
        record::<D>(connection, tables, schema, &current).await?;
    }
    create::<D>(connection, tables, schema, options).await?;
    match purpose {
        Purpose::Live => record::<D>(connection, tables, schema, &current).await,
        Purpose::Building => Ok(()),
    }
}

/// Makes a table and its indexes.
async fn create<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &Schema,
    options: &str,
) -> Result<(), Error> {
    run::<D>(connection, create_table::<D>(tables, schema, options)).await?;
    for field in schema.fields.iter().filter(|field| field.index || field.unique) {
        if field.name != schema.id_field().name {
            run::<D>(connection, create_index::<D>(tables, schema, field)).await?;
        }
    }
    Ok(())
}

/// Records the schema that makes a table.
async fn record<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &Schema,
    written: &serde_json::Value,
) -> Result<(), Error> {
    let table = tables.quoted::<D>("flux_schemas");
    let columns = "generation, collection, document";
    let mut sql = QueryBuilder::new(format!("INSERT INTO {table} ({columns}) VALUES ("));
    D::push_value(&mut sql, &Value::from(tables.generation));
    sql.push(", ");
    D::push_value(&mut sql, &Value::from(schema.collection));
    sql.push(", ");
    D::push_value(&mut sql, &Value::from(written.to_string()));
    sql.push(")");
    let done = D::execute(connection, sql).await;
    done.map(|_| ()).map_err(Error::database("recording a schema"))
}

/// Makes sure that there is no such table. One that a store left over which ended while it made its
/// tables is removed: it is empty.
async fn make_room<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    name: &str,
) -> Result<(), Error> {
    if !exists::<D>(connection, tables, name).await? {
        return Ok(());
    }
    let table = tables.quoted::<D>(name);
    let is_left_over = D::is_left_over(connection, &tables.table(name)).await;
    // The first generation has its row before there is a head, without which it means nothing.
    let may_have_rows = name == GENERATIONS.collection;
    if !is_left_over.map_err(Error::database("looking for tables"))?
        || !(may_have_rows || is_empty::<D>(connection, &table).await?)
    {
        return Err(Error::TableInTheWay { table: tables.table(name) });
    }
    run::<D>(connection, format!("DROP TABLE {table}")).await
}

async fn is_empty<D: Dialect>(connection: &mut D::Connection, table: &str) -> Result<bool, Error> {
    let sql = QueryBuilder::new(format!("SELECT 1 FROM {table} LIMIT 1"));
    let rows = D::fetch(connection, sql).await;
    rows.map(|rows| rows.is_empty()).map_err(Error::database("looking for tables"))
}

async fn recorded_schema<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    collection: &str,
) -> Result<Option<String>, Error> {
    let table = tables.quoted::<D>("flux_schemas");
    let mut sql = QueryBuilder::new(format!("SELECT document FROM {table} WHERE collection = "));
    D::push_value(&mut sql, &Value::from(collection));
    sql.push(" AND generation = ");
    D::push_value(&mut sql, &Value::from(tables.generation));
    let rows = D::fetch(connection, sql).await;
    let document =
        rows.and_then(|rows| rows.first().map(|row| D::value(row, 0, &TEXT)).transpose());
    let document = document.map_err(Error::database("reading the schemas"))?;
    Ok(document.and_then(|document| document.as_text().map(str::to_owned)))
}

fn create_table<D: Dialect>(tables: &Tables, schema: &Schema, options: &str) -> String {
    let columns = schema.fields.iter().enumerate().map(|(position, field)| {
        let is_id = position == schema.id;
        let column_type = D::column_type(field, schema.is_key(field));
        let key = if is_id { " PRIMARY KEY" } else { "" };
        let not_null = if field.nullable { "" } else { " NOT NULL" };
        format!("{} {column_type}{key}{not_null}", D::quoted(field.name))
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("CREATE TABLE {} ({columns}){options}", tables.quoted::<D>(schema.collection))
}

fn create_index<D: Dialect>(tables: &Tables, schema: &Schema, field: &Field) -> String {
    let unique = if field.unique { "UNIQUE " } else { "" };
    let name = tables.quoted_index::<D>(schema.collection, field.name);
    let (table, column) = (tables.quoted::<D>(schema.collection), D::quoted(field.name));
    format!("CREATE {unique}INDEX {name} ON {table} ({column})")
}

/// Makes sure that the schema that made the table is this one.
fn check(schema: &Schema, recorded: &str, current: &serde_json::Value) -> Result<(), Error> {
    let damaged = |error| unreadable_schema(schema.collection, &error);
    if serde_json::from_str::<serde_json::Value>(recorded).map_err(damaged)? == *current {
        return Ok(());
    }
    let recorded = serde_json::from_str::<SchemaSpec>(recorded).map_err(damaged)?.schema();
    let collection = schema.collection.to_owned();
    match schema_changes(recorded, schema).into_iter().next() {
        Some(difference) => Err(Error::SchemaChanged { collection, difference }),
        None => Ok(()),
    }
}

async fn exists<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    name: &str,
) -> Result<bool, Error> {
    let found = D::table_exists(connection, &tables.table(name)).await;
    found.map_err(Error::database("looking for tables"))
}

async fn run<D: Dialect>(connection: &mut D::Connection, script: String) -> Result<(), Error> {
    D::run_script(connection, script).await.map_err(Error::database("making the tables"))
}
