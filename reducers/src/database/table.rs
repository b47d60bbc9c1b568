//! One collection's rows in a persistent map by id, with its indexes and what of it is loaded.

use alloc::vec::Vec;

use crate::filter::Condition;
use crate::halt::{Fault, Halt, Wanted};
use crate::map::{Map, Set};
use crate::query::Query;
use crate::schema::{Row, Schema};
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    schema: &'static Schema,
    rows: Map<Value, Row>,
    indexes: Vec<ValueIndex>,
    /// What of a partial table is known; `None` for a whole one.
    loaded: Option<Loaded>,
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
    pub(crate) fn whole(schema: &'static Schema) -> Self {
        let indexed = |(position, field): (usize, &crate::schema::Field)| {
            ((field.index || field.unique) && position != schema.id)
                .then(|| ValueIndex { field: position, entries: Set::new() })
        };
        Self {
            schema,
            rows: Map::new(),
            indexes: schema.fields.iter().enumerate().filter_map(indexed).collect(),
            loaded: None,
        }
    }

    pub(crate) fn partial(schema: &'static Schema) -> Self {
        let loaded = Loaded { absent: Set::new(), conditions: Set::new() };
        Self { loaded: Some(loaded), ..Self::whole(schema) }
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

    /// Returns the row with this id, which may be written as its field is in JSON.
    pub(crate) fn row(&self, id: Value) -> Result<Option<&Row>, Halt> {
        let id = self.schema.fit(self.schema.id_field(), id)?;
        Ok(self.get(&id)?)
    }

    /// Returns the rows that a query asks for.
    pub(crate) fn rows(&self, query: &Query) -> Result<Vec<Row>, Halt> {
        let plan = query.plan(self.schema)?;
        Ok(plan.arrange(self.matching(&plan.condition)?.into_iter().cloned().collect()))
    }

    /// Returns the rows that fulfil a condition, ordered by id.
    pub(crate) fn matching(&self, condition: &Condition) -> Result<Vec<&Row>, Fault> {
        if let Some(ids) = condition.values_of(self.schema.id) {
            let mut rows = Vec::new();
            for id in ids {
                rows.extend(self.get(id)?);
            }
            rows.retain(|row| condition.matches(row));
            return Ok(rows);
        }
        if let Some(loaded) = &self.loaded
            && !loaded.covers(condition)
        {
            return Err(Fault::new(self.schema, Wanted::Matching(condition.clone())));
        }
        Ok(match self.by_index(condition) {
            Some(rows) => rows.into_iter().filter(|row| condition.matches(row)).collect(),
            None => self.rows.values().filter(|row| condition.matches(row)).collect(),
        })
    }

    /// Writes what the document with this id is now.
    pub(crate) fn put(&mut self, id: &Value, after: Option<Row>) {
        let before = self.rows.get(id);
        for index in &mut self.indexes {
            let old = before.map(|row| &row[index.field]);
            let new = after.as_ref().map(|row| &row[index.field]);
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

    pub(crate) fn load(&mut self, wanted: &Wanted, rows: impl IntoIterator<Item = Row>) {
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

    fn by_index(&self, condition: &Condition) -> Option<Vec<&Row>> {
        let (index, values) = self
            .indexes
            .iter()
            .find_map(|index| Some((index, condition.values_of(index.field)?)))?;
        let mut ids = Vec::new();
        for value in values {
            let first = (value.clone(), Value::Null);
            let entries = index.entries.from(&first);
            ids.extend(entries.take_while(|(other, _)| other == value).map(|(_, id)| id));
        }
        ids.sort_unstable();
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
