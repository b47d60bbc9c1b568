//! One collection's rows in a persistent map by id, with its indexes and what of it is loaded.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::fields::Fields;
use crate::filter::Condition;
use crate::halt::{Fault, Halt, Wanted};
use crate::map::{Map, Set, sort};
use crate::query::Query;
use crate::rejection::Rejection;
use crate::schema::{Row, Schema};
use crate::value::Value;

/// As many rows of an index as are taken whatever the table has; and one in so many of the table's.
/// To find more of them one by one takes longer than to look at all.
const INDEXED_MIN: usize = 64;
const INDEXED_SHARE: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    schema: &'static Schema,
    rows: Map<Value, Row>,
    indexes: Vec<ValueIndex>,
    /// What of a partial table is known; `None` for a whole one.
    loaded: Option<Loaded>,
    /// Documents of a partial table of which only some fields are known. They are enough to change
    /// or destroy such a document; to read it is a fault.
    outlines: Vec<Outline>,
    /// Makes sure that a unique value has no other holder.
    pub(crate) check_unique: CheckUnique,
    /// Writes into the indexes what the document with this id is now, before it is written itself.
    keep_indexes: fn(&mut Self, &Value, Option<&Row>),
}

/// A function, so that a package of WebAssembly without unique fields has no code for it.
pub(crate) type CheckUnique = fn(&Table, &Value, Option<&Row>, &Row) -> Result<(), Halt>;

/// A document that is there, with some of its fields.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// A bit for each field that is known.
    known: u128,
    /// Null stands for what is not.
    row: Row,
}

/// The ids of the documents by the value of one field.
#[derive(Clone, Debug)]
struct ValueIndex {
    field: usize,
    entries: Set<(Value, Value)>,
}

#[derive(Clone, Debug)]
struct Loaded {
    /// Ids of documents that are not there, of those that were asked for or destroyed.
    absent: Set<Value>,
    /// All rows that fulfil one of these are in `rows`, and stay so while rows change.
    conditions: Set<Condition>,
}

impl Table {
    pub(crate) fn whole(schema: &'static Schema, check_unique: CheckUnique) -> Self {
        // A table in WebAssembly has what one action reads: to look at all of that takes no longer.
        let is_long_lived = !cfg!(target_arch = "wasm32");
        let indexed =
            schema.indexed().filter(|field| is_long_lived || schema.fields[*field].unique);
        let indexes = indexed.map(|field| ValueIndex { field, entries: Set::new() });
        Self {
            schema,
            rows: Map::new(),
            indexes: indexes.collect(),
            loaded: None,
            outlines: Vec::new(),
            check_unique,
            keep_indexes: Self::reindex,
        }
    }

    pub(crate) fn partial(schema: &'static Schema, check_unique: CheckUnique) -> Self {
        let loaded = Some(Loaded { absent: Set::new(), conditions: Set::new() });
        Self { loaded, ..Self::whole(schema, check_unique) }
    }

    /// Creates one without unique fields that holds so few documents that an index would cost more
    /// than it saves.
    pub(crate) fn small(schema: &'static Schema) -> Self {
        Self {
            schema,
            rows: Map::new(),
            indexes: Vec::new(),
            loaded: Some(Loaded { absent: Set::new(), conditions: Set::new() }),
            outlines: Vec::new(),
            check_unique: |_, _, _, _| Ok(()),
            keep_indexes: |_, _, _| {},
        }
    }

    pub(crate) const fn schema(&self) -> &'static Schema {
        self.schema
    }

    pub(crate) fn get(&self, id: &Value) -> Result<Option<&Row>, Fault> {
        match (self.rows.get(id), &self.loaded) {
            (None, Some(loaded)) if !loaded.knows(id) => {
                Err(Fault::new(self.schema, Wanted::Document(id.clone())))
            }
            (row, _) => Ok(row),
        }
    }

    /// Returns the row with this id, of which these fields are known for certain.
    pub(crate) fn row_to_change(&self, id: Value, patch: &Fields) -> Result<Option<&Row>, Halt> {
        let id = self.schema.fit(self.schema.id_field(), id)?;
        if let Some(outline) = self.outline(&id) {
            for (name, _) in patch.iter() {
                if outline.known & (1 << self.schema.position(name)?) == 0 {
                    return Err(Fault::new(self.schema, Wanted::Document(id)).into());
                }
            }
            return Ok(Some(&outline.row));
        }
        Ok(self.get(&id)?)
    }

    /// Returns whether there is a document with this id.
    pub(crate) fn is_there(&self, id: &Value) -> Result<bool, Fault> {
        if self.outline(id).is_some() {
            return Ok(true);
        }
        self.get(id).map(|row| row.is_some())
    }

    /// Forgets all that is loaded.
    pub(crate) fn unload(&mut self) {
        self.rows.clear();
        self.indexes.iter_mut().for_each(|index| index.entries.clear());
        self.outlines.clear();
        if let Some(loaded) = &mut self.loaded {
            loaded.absent.clear();
            loaded.conditions.clear();
        }
    }

    /// Adds a document of which these fields are known, in the order of the schema.
    pub(crate) fn load_outline(&mut self, fields: Vec<(usize, Value)>) -> Result<(), Rejection> {
        let known = fields.iter().fold(0, |known, (field, _)| known | (1 << *field));
        let row = self.schema.outline(fields)?;
        let is_new = self.loaded.is_some() && self.rows.get(self.schema.id_of(&row)).is_none();
        if is_new {
            self.outlines.push(Outline { known, row });
        }
        Ok(())
    }

    /// Learns that there is no document with this id, unless there is one by now.
    pub(crate) fn load_absent(&mut self, id: &Value) {
        if let Some(loaded) = &mut self.loaded
            && self.rows.get(id).is_none()
        {
            loaded.absent.insert(id.clone());
        }
    }

    fn outline(&self, id: &Value) -> Option<&Outline> {
        self.outlines.iter().find(|outline| self.schema.id_of(&outline.row) == id)
    }

    /// Returns the row with this id, which may be written as its field is in JSON.
    pub(crate) fn row(&self, id: Value) -> Result<Option<&Row>, Halt> {
        let id = self.schema.fit(self.schema.id_field(), id)?;
        Ok(self.get(&id)?)
    }

    /// Returns the rows that a query asks for.
    pub(crate) fn rows(&self, query: &Query) -> Result<Vec<Row>, Halt> {
        let plan = query.plan(self.schema)?;
        let mut rows = self.each_matching(&plan.condition)?;
        Ok(plan.arrange(&mut *rows))
    }

    /// Returns the rows that fulfil a condition, ordered by id.
    pub(crate) fn matching(&self, condition: &Condition) -> Result<Vec<&Row>, Fault> {
        Ok(self.each_matching(condition)?.collect())
    }

    /// Finds the rows that fulfil a condition, one after the other, ordered by id.
    fn each_matching<'rows: 'query, 'query>(
        &'rows self,
        condition: &'query Condition,
    ) -> Result<Box<dyn Iterator<Item = &'rows Row> + 'query>, Fault> {
        let matches = |row: &&Row| condition.matches(row);
        if let Some(ids) = condition.values_of(self.schema.id) {
            let mut rows = Vec::new();
            for id in ids {
                rows.extend(self.get(&id)?);
            }
            return Ok(Box::new(rows.into_iter().filter(matches)));
        }
        if let Some(loaded) = &self.loaded
            && !loaded.covers(condition)
        {
            return Err(Fault::matching(self.schema, condition.clone()));
        }
        Ok(match self.by_index(condition) {
            Some(rows) => Box::new(rows.into_iter().filter(matches)),
            None => Box::new(self.rows.values().filter(matches)),
        })
    }

    /// Writes what the document with this id is now.
    pub(crate) fn put(&mut self, id: &Value, after: Option<Row>) {
        let schema = self.schema;
        let is_this = |outline: &Outline| schema.id_of(&outline.row) == id;
        if let Some(position) = self.outlines.iter().position(is_this) {
            match (after, self.outlines.get_mut(position)) {
                (Some(row), Some(outline)) => outline.row = row,
                _ => {
                    self.outlines.swap_remove(position);
                    self.rows_put(id, None);
                }
            }
            return;
        }
        self.rows_put(id, after);
    }

    fn rows_put(&mut self, id: &Value, after: Option<Row>) {
        (self.keep_indexes)(self, id, after.as_ref());
        match (after, &mut self.loaded) {
            (Some(row), _) => self.rows.insert(id.clone(), row),
            (None, loaded) => {
                self.rows.remove(id);
                if let Some(loaded) = loaded {
                    loaded.absent.insert(id.clone());
                }
            }
        }
    }

    fn reindex(&mut self, id: &Value, after: Option<&Row>) {
        let before = if self.indexes.is_empty() { None } else { self.rows.get(id) };
        for index in &mut self.indexes {
            let old = before.map(|row| &row[index.field]);
            let new = after.map(|row| &row[index.field]);
            if old == new {
                continue;
            }
            if let Some(value) = old {
                index.entries.remove(&(value.clone(), id.clone()));
            }
            if let Some(value) = new {
                index.entries.insert((value.clone(), id.clone()));
            }
        }
    }

    /// Takes an iterator as a trait object: a package has its code once.
    pub(crate) fn load(&mut self, wanted: &Wanted, rows: &mut dyn Iterator<Item = Row>) {
        // Whole documents are wanted: what is loaded now is not to be hidden by a part of it.
        self.outlines.clear();
        for row in rows {
            let id = self.schema.id_of(&row).clone();
            let is_gone = self.loaded.as_ref().is_none_or(|loaded| loaded.absent.contains(&id));
            if !is_gone && self.rows.get(&id).is_none() {
                self.put(&id, Some(row));
            }
        }
        if let Some(loaded) = &mut self.loaded {
            match wanted {
                Wanted::Document(id) if self.rows.get(id).is_none() => {
                    loaded.absent.insert(id.clone());
                }
                Wanted::Document(_) => {}
                Wanted::Matching(condition) => loaded.conditions.insert(condition.clone()),
            }
        }
    }

    /// Returns the rows that an index has where those may be that fulfil a condition, ordered by id;
    /// `None` where there is no such index, or it has so many that they are found sooner without it.
    fn by_index(&self, condition: &Condition) -> Option<Vec<&Row>> {
        let (field, spans) = condition.looked_up(self.indexes.iter().map(|index| index.field))?;
        let index = self.indexes.iter().find(|index| index.field == field)?;
        let most = INDEXED_MIN.max(self.rows.len() / INDEXED_SHARE);
        let mut ids = Vec::new();
        for span in &spans {
            let first = (span.start().clone(), Value::Null);
            for (_, id) in index.entries.from(&first).take_while(|(value, _)| span.reaches(value)) {
                if ids.len() == most {
                    return None;
                }
                ids.push(id);
            }
        }
        sort(&mut ids);
        Some(ids.into_iter().filter_map(|id| self.rows.get(id)).collect())
    }
}

impl Loaded {
    fn knows(&self, id: &Value) -> bool {
        self.absent.contains(id) || self.conditions.contains(&Condition::all())
    }

    fn covers(&self, condition: &Condition) -> bool {
        self.conditions.contains(condition)
            || self.conditions.contains(&Condition::all())
            || match condition {
                Condition::And(all) => all.iter().any(|part| self.covers(part)),
                Condition::Or(any) => any.iter().all(|part| self.covers(part)),
                _ => false,
            }
    }
}
