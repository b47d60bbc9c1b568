//! The in-memory database: persistent collections, ordered by id, with indexes, whole or partial.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::changeset::{ByFilter, Changeset, Operation};
use crate::collection::Collection;
use crate::delta::{Change, Delta};
use crate::document::Document;
use crate::fields::Fields;
use crate::filter::{Condition, Filter};
use crate::halt::{Fault, Halt, Wanted};
use crate::map::sort;
use crate::query::Query;
use crate::rejection::{Rejection, code};
use crate::schema::{Row, Schema, SchemaError};
use crate::value::Value;

pub(crate) use table::Table;

mod table;

/// Collections of documents in memory.
///
/// It is persistent: a clone is cheap, shares its documents with the original, and neither sees
/// what becomes of the other. It is whole ([`new`](Self::new)), or partial
/// ([`partial`](Self::partial)): then reading what is not loaded is a [`Fault`], and whoever runs
/// the reducer [`load`](Self::load)s it and runs it again.
///
/// ```
/// use flux_reducers::{Changeset, Database, Document, Fields, Operation, Query};
///
/// #[derive(Document)]
/// #[document(collection = "tags")]
/// struct Tag {
///     id: i64,
///     name: String,
/// }
///
/// let mut database = Database::new([Tag::SCHEMA])?;
/// let empty = database.clone();
/// database.apply(&Changeset::from(Operation::Create {
///     collection: "tags".into(),
///     document: Tag { id: 1, name: "home".into() }.to_fields(),
/// }))?;
/// assert_eq!(database.rows("tags", &Query::all())?.len(), 1);
/// assert_eq!(empty.rows("tags", &Query::all())?.len(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Database {
    tables: Vec<Arc<Table>>,
}

impl Database {
    /// Creates an empty database with a collection for each schema.
    ///
    /// # Errors
    /// When a schema can't be held, or two differ for one collection.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let database = Database::new([Note::SCHEMA, RecordedEvent::SCHEMA])?;
    /// assert_eq!(database.schemas().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(schemas: impl IntoIterator<Item = &'static Schema>) -> Result<Self, SchemaError> {
        Self::with_tables(schemas, |schema| Table::whole(schema, check_unique))
    }

    /// Creates a database that holds none of its documents yet and knows it.
    ///
    /// # Errors
    /// When a schema can't be held, or two differ for one collection.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let database = Database::partial([Note::SCHEMA])?;
    /// let halt = database.row("notes", &Value::from(1)).unwrap_err();
    /// assert!(matches!(halt, Halt::Fault(_)), "it does not know whether there is a note 1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn partial(
        schemas: impl IntoIterator<Item = &'static Schema>,
    ) -> Result<Self, SchemaError> {
        Self::with_tables(schemas, |schema| Table::partial(schema, check_unique))
    }

    /// Returns the schemas of its collections.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let database = Database::new([Note::SCHEMA])?;
    /// assert_eq!(database.schemas().next(), Some(Note::SCHEMA));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        self.tables.iter().map(|table| table.schema())
    }

    /// Returns the schema of a collection.
    ///
    /// # Errors
    /// A rejection `unknown_collection`.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let database = Database::new([Note::SCHEMA])?;
    /// assert_eq!(database.schema("notes")?, Note::SCHEMA);
    /// assert_eq!(database.schema("tags").unwrap_err().code(), code::UNKNOWN_COLLECTION);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schema(&self, collection: &str) -> Result<&'static Schema, Rejection> {
        self.table(collection).map(|table| table.schema())
    }

    /// Returns a collection as its document type.
    ///
    /// # Errors
    /// A rejection `unknown_collection` where there is none, or it has another schema.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let database = Database::new([Note::SCHEMA])?;
    /// assert_eq!(database.collection::<Note>()?.count(Filter::all())?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collection<T: Document>(&self) -> Result<Collection<T>, Rejection> {
        let table = self.table(T::SCHEMA.collection)?;
        if core::ptr::eq(table.schema(), T::SCHEMA) || table.schema() == T::SCHEMA {
            return Ok(Collection::new(Arc::clone(table)));
        }
        Err(Rejection::new(
            code::UNKNOWN_COLLECTION,
            alloc::format!(
                "collection `{}` has another schema than this document type",
                T::SCHEMA.collection
            ),
        ))
    }

    /// Returns the row with this id.
    ///
    /// # Errors
    /// A fault where it is not loaded; a rejection for an unknown collection or an id that is none.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// database.apply(&create)?;
    /// let row = database.row("notes", &Value::from(1))?;
    /// assert_eq!(row.map(|row| Note::from_row(&row)), Some(Ok(milk)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn row(&self, collection: &str, id: &Value) -> Result<Option<Row>, Halt> {
        Ok(self.table(collection)?.row(id.clone())?.cloned())
    }

    /// Returns the rows that a query asks for.
    ///
    /// # Errors
    /// A fault where they are not all loaded; a rejection for an unknown collection or field.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// database.apply(&create)?;
    /// let rows = database.rows("notes", &Query::from(Filter::starts_with("title", "M")))?;
    /// assert_eq!(rows.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rows(&self, collection: &str, query: &Query) -> Result<Vec<Row>, Halt> {
        self.table(collection)?.rows(query)
    }

    /// Resolves a changeset and applies it: all of it or, on an error, nothing.
    ///
    /// # Errors
    /// A fault where a document it needs is not loaded; a rejection where it can't be applied.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let delta = database.apply(&create)?;
    /// assert!(delta.collection("notes").is_some());
    /// let halt = database.apply(&create).unwrap_err();
    /// assert!(matches!(halt, Halt::Rejected(rejection) if rejection.code() == "document_exists"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&mut self, changeset: &Changeset) -> Result<Delta, Halt> {
        self.apply_owned(changeset.clone())
    }

    /// Applies a changeset that nobody else wants: its texts become those of the documents.
    pub(crate) fn apply_owned(&mut self, changeset: Changeset) -> Result<Delta, Halt> {
        let mut delta = Delta::default();
        self.apply_recording(changeset, Some(&mut delta))?;
        Ok(delta)
    }

    /// Resolves a changeset and applies it, and records what changes for who wants to know.
    pub(crate) fn apply_recording(
        &mut self,
        changeset: Changeset,
        mut delta: Option<&mut Delta>,
    ) -> Result<(), Halt> {
        if changeset.operations().is_empty() {
            return Ok(());
        }
        // As long as there is a copy to go back to, each change copies all that is above it.
        let before = may_stop_midway(changeset.operations()).then(|| self.clone());
        let by_filter = changeset.by_filter();
        for operation in changeset.into_operations() {
            let delta = delta.as_deref_mut();
            if let Err(halt) = self.operate(operation, by_filter, delta) {
                if let Some(before) = before {
                    *self = before;
                }
                return Err(halt);
            }
        }
        Ok(())
    }

    /// Applies a delta that was resolved against a database with the same documents: all of it
    /// or, on an error, nothing.
    ///
    /// # Errors
    /// A rejection for a collection that this database does not have.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let mut copy = database.clone();
    /// copy.apply_delta(&database.apply(&create)?)?;
    /// assert_eq!(copy.rows("notes", &Query::all())?, database.rows("notes", &Query::all())?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_delta(&mut self, delta: &Delta) -> Result<(), Rejection> {
        for (collection, _) in delta.collections() {
            self.table(collection)?;
        }
        for (collection, changes) in delta.collections() {
            let table = self.table_mut(collection)?;
            for (id, change) in changes.iter() {
                table.put(id, change.after.clone());
            }
        }
        Ok(())
    }

    /// Sets what a document is, or that there is none, without a look at what was there: for rows
    /// that were checked when they were written, such as those of a snapshot.
    ///
    /// # Errors
    /// A rejection for a collection that this database does not have.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// let mut database = Database::new([Note::SCHEMA])?;
    /// let row = Note::SCHEMA.row([1.into(), "Milk".into(), Value::Null])?;
    /// database.put("notes", &Value::from(1), Some(row.clone()))?;
    /// assert_eq!(database.rows("notes", &Query::all())?, [row]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put(&mut self, collection: &str, id: &Value, row: Option<Row>) -> Result<(), Rejection> {
        self.table_mut(collection)?.put(id, row);
        Ok(())
    }

    /// Adds what a fault asked for to a partial database: the rows that match, all of them. What
    /// the database already knows of a document is newer and stays.
    ///
    /// # Errors
    /// A rejection for a collection that this database does not have.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # let mut database = Database::new([Note::SCHEMA])?;
    /// # let milk = Note { id: 1, title: "Milk".into(), done: None };
    /// # let create = Changeset::from(Operation::Create {
    /// #     collection: "notes".into(),
    /// #     document: milk.to_fields(),
    /// # });
    /// let mut partial = Database::partial([Note::SCHEMA])?;
    /// database.apply(&create)?;
    /// if let Err(Halt::Fault(fault)) = partial.row("notes", &Value::from(1)) {
    ///     partial.load(&fault, database.rows("notes", &Query::all())?)?;
    /// }
    /// assert!(partial.row("notes", &Value::from(1))?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(
        &mut self,
        fault: &Fault,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<(), Rejection> {
        self.table_mut(fault.collection())?.load(fault.wanted(), &mut rows.into_iter());
        Ok(())
    }

    /// Creates a partial database without indexes for a few documents of one collection, whose schema
    /// is sound, and has no unique fields if anything is written.
    #[doc(hidden)]
    #[must_use]
    pub fn small(schema: &'static Schema) -> Self {
        Self { tables: alloc::vec![Arc::new(Table::small(schema))] }
    }

    /// Forgets all that is loaded into a partial database, so that it can be used again.
    #[doc(hidden)]
    pub fn unload(&mut self) {
        self.tables.iter_mut().for_each(|table| Arc::make_mut(table).unload());
    }

    /// Returns the fault that asks for all documents of a collection.
    ///
    /// # Errors
    /// A rejection for a collection that this database does not have.
    #[doc(hidden)]
    pub fn fault_for_all(&self, collection: &str) -> Result<Fault, Rejection> {
        Ok(Fault::new(self.schema(collection)?, Wanted::Matching(Condition::all())))
    }

    /// Tells a partial database that there is no document with this id.
    ///
    /// # Errors
    /// A rejection for a collection that this database does not have.
    #[doc(hidden)]
    pub fn load_absent(&mut self, collection: &str, id: &Value) -> Result<(), Rejection> {
        self.table_mut(collection)?.load_absent(id);
        Ok(())
    }

    /// Adds to a partial database a document of which only some fields are known, among them the
    /// id. Where a reducer reads it there is still a fault.
    ///
    /// # Errors
    /// A rejection where a value does not fit.
    #[doc(hidden)]
    pub fn load_outline(
        &mut self,
        collection: &str,
        fields: Vec<(usize, Value)>,
    ) -> Result<(), Rejection> {
        self.table_mut(collection)?.load_outline(fields)
    }

    fn with_tables(
        schemas: impl IntoIterator<Item = &'static Schema>,
        table: impl Fn(&'static Schema) -> Table,
    ) -> Result<Self, SchemaError> {
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for schema in schemas {
            schema.check()?;
            let same_name = |other: &&Arc<Table>| {
                other.schema().collection.eq_ignore_ascii_case(schema.collection)
            };
            match tables.iter().find(same_name) {
                None => tables.push(Arc::new(table(schema))),
                Some(other) if other.schema() == schema => {}
                Some(_) => {
                    return Err(SchemaError::new(
                        schema.collection,
                        "two document types share the name (upper and lower case are one) and \
                         differ",
                    ));
                }
            }
        }
        Ok(Self { tables })
    }

    fn operate(
        &mut self,
        operation: Operation,
        by_filter: ByFilter,
        delta: Option<&mut Delta>,
    ) -> Result<(), Halt> {
        let table = self.table_mut(operation.collection())?;
        let schema = table.schema();
        match operation {
            Operation::Create { document, .. } => {
                let row = schema.row_of_fields(document)?;
                if table.is_there(schema.id_of(&row)).map_err(Fault::for_creation)? {
                    return Err(Rejection::new(
                        code::DOCUMENT_EXISTS,
                        alloc::format!(
                            "collection `{}` already has a document with the id {}",
                            schema.collection,
                            schema.id_of(&row)
                        ),
                    )
                    .with_field(schema.id_field().name)
                    .into());
                }
                write(table, delta, None, Some(row))
            }
            Operation::Upsert { document, .. } => {
                let row = schema.row_of_fields(document)?;
                let before = table.get(schema.id_of(&row))?.cloned();
                write(table, delta, before, Some(row))
            }
            Operation::UpdateById { id, patch, .. } => {
                let before = table.row_to_change(id, &patch)?.cloned();
                update(table, delta, before, &patch)
            }
            Operation::DestroyById { id, .. } => {
                let before = table.row_to_change(id, &Fields::new())?.cloned();
                write(table, delta, before, None)
            }
            // A changeset with a filter knows how it is applied.
            Operation::UpdateWhere { .. } | Operation::DestroyWhere { .. } => match by_filter.0 {
                Some(operate) => operate(table, &operation, delta),
                None => Ok(()),
            },
        }
    }

    fn table(&self, collection: &str) -> Result<&Arc<Table>, Rejection> {
        self.tables
            .iter()
            .find(|table| table.schema().collection == collection)
            .ok_or_else(|| self.unknown(collection))
    }

    fn table_mut(&mut self, collection: &str) -> Result<&mut Table, Rejection> {
        let Some(position) =
            self.tables.iter().position(|table| table.schema().collection == collection)
        else {
            return Err(self.unknown(collection));
        };
        Ok(Arc::make_mut(&mut self.tables[position]))
    }

    #[cold]
    fn unknown(&self, collection: &str) -> Rejection {
        // In one order, however the database was put together.
        let mut names: Vec<_> = self.schemas().map(|schema| schema.collection).collect();
        sort(&mut names);
        let names = if names.is_empty() { String::from("none") } else { names.join(", ") };
        Rejection::new(
            code::UNKNOWN_COLLECTION,
            alloc::format!("there is no collection `{collection}`: the collections are {names}"),
        )
    }
}

/// Whether something can be written before an operation fails.
fn may_stop_midway(operations: &[Operation]) -> bool {
    use Operation::{DestroyWhere, UpdateWhere};
    operations.len() > 1
        || operations.iter().any(|it| matches!(it, UpdateWhere { .. } | DestroyWhere { .. }))
}

/// Applies an operation with a filter.
pub(crate) fn operate_by_filter(
    table: &mut Table,
    operation: &Operation,
    mut delta: Option<&mut Delta>,
) -> Result<(), Halt> {
    match operation {
        Operation::UpdateWhere { filter, patch, .. } => {
            for row in matching(table, filter)? {
                update(table, delta.as_deref_mut(), Some(row), patch)?;
            }
        }
        Operation::DestroyWhere { filter, .. } => {
            for row in matching(table, filter)? {
                write(table, delta.as_deref_mut(), Some(row), None)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn matching(table: &Table, filter: &Filter) -> Result<Vec<Row>, Halt> {
    let condition = filter.condition(table.schema())?;
    Ok(table.matching(&condition)?.into_iter().cloned().collect())
}

fn update(
    table: &mut Table,
    delta: Option<&mut Delta>,
    before: Option<Row>,
    patch: &Fields,
) -> Result<(), Halt> {
    let Some(before) = before else {
        return Ok(());
    };
    let after = table.schema().patch(&before, patch)?;
    write(table, delta, Some(before), Some(after))
}

fn write(
    table: &mut Table,
    delta: Option<&mut Delta>,
    before: Option<Row>,
    after: Option<Row>,
) -> Result<(), Halt> {
    let schema = table.schema();
    let Some(row) = after.as_ref().or(before.as_ref()) else {
        return Ok(());
    };
    if before == after {
        return Ok(());
    }
    let id = schema.id_of(row).clone();
    if let Some(after) = &after {
        (table.check_unique)(table, &id, before.as_ref(), after)?;
    }
    match delta {
        Some(delta) => {
            table.put(&id, after.clone());
            delta.record(schema.collection, id, Change { before, after });
        }
        None => table.put(&id, after),
    }
    Ok(())
}

fn check_unique(table: &Table, id: &Value, before: Option<&Row>, after: &Row) -> Result<(), Halt> {
    let schema = table.schema();
    for (position, field) in schema.fields.iter().enumerate() {
        let value = &after[position];
        let is_kept = before.is_some_and(|before| before[position] == *value);
        if !field.unique || position == schema.id || value.is_null() || is_kept {
            continue;
        }
        let same = Condition::equal(position, value.clone());
        let holders = table.matching(&same)?;
        if let Some(holder) = holders.into_iter().find(|row| schema.id_of(row) != id) {
            return Err(Rejection::new(
                code::VALUE_TAKEN,
                alloc::format!(
                    "field `{}` of collection `{}` is unique, and the document {} already has \
                     {value}",
                    field.name,
                    schema.collection,
                    schema.id_of(holder)
                ),
            )
            .with_field(field.name)
            .into());
        }
    }
    Ok(())
}
