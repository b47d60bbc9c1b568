//! What a reducer reads of a state, asked for by faults, and what it makes of it.

use flux_reducers::{
    Action, Change, Condition, Database, Delta, Fault, Halt, Json, Query, Rejection, Row, Schema,
    Value, Wanted, code as core_code,
};
use wasm_bindgen::prelude::JsValue;

use crate::border::Crossing;
use crate::bytes::{Reader, Writer, misfit};

/// What becomes of a document.
mod fate {
    pub(super) const DESTROYED: u8 = 0;
    pub(super) const PUT: u8 = 1;
}

/// Whether the payload's id is that of a document.
mod likely {
    pub(super) const ABSENT: u8 = 1;
    pub(super) const THERE: u8 = 2;
}

/// In a small collection a few runs more are cheaper than to read it all.
const MANY: u64 = 64;

/// Documents that cross together.
const DOCUMENTS_AT_ONCE: usize = 1024;

/// The documents of a state, while a reducer runs.
pub(crate) struct Documents<'a> {
    crossing: &'a Crossing,
    /// Has texts that need not cross again.
    action: &'a Reader,
    faults: u64,
}

impl<'a> Documents<'a> {
    pub(crate) const fn new(crossing: &'a Crossing, action: &'a Reader) -> Self {
        Self { crossing, action, faults: 0 }
    }

    /// Loads what a fault asks for.
    pub(crate) fn load(&mut self, database: &mut Database, fault: &Fault) -> Result<(), Rejection> {
        let Some(collection) = self.crossing.position(fault.collection()) else {
            return database.schema(fault.collection()).map(|_| ());
        };
        self.faults += 1;
        match fault.wanted() {
            Wanted::Document(_) if self.is_many(collection) => {
                match database.rows(fault.collection(), &Query::all()) {
                    Err(Halt::Fault(all)) => {
                        database.load(&all, self.matching(collection, &Condition::all())?)
                    }
                    Err(Halt::Rejected(rejection)) => Err(rejection),
                    Ok(_) => Ok(()),
                }
            }
            Wanted::Document(id) => database.load(fault, self.find(collection, id)?),
            Wanted::Matching(condition) => {
                database.load(fault, self.matching(collection, condition)?)
            }
        }
    }

    /// Returns the state after the changes.
    pub(crate) fn apply(&self, delta: &Delta) -> Result<JsValue, Rejection> {
        let mut writer = Writer::new(Some(self.action));
        writer.count(delta.collections().count());
        for (name, changes) in delta.collections() {
            let Some(collection) = self.crossing.position(name) else {
                continue;
            };
            let schema = self.crossing.schemas()[collection];
            writer.byte(u8::try_from(collection).unwrap_or(u8::MAX));
            writer.count(changes.len());
            for (id, change) in changes {
                write_change(&mut writer, schema, id, change)?;
            }
        }
        self.crossing.apply(writer.bytes())
    }

    /// A reducer that reads n documents one by one runs n times. Before that costs more than to
    /// load the collection, it is loaded.
    fn is_many(&self, collection: usize) -> bool {
        let runs = self.faults * self.faults;
        runs > MANY && runs > self.crossing.count(collection) + MANY
    }

    fn find(&self, collection: usize, id: &Value) -> Result<Option<Row>, Rejection> {
        let mut writer = Writer::new(Some(self.action));
        // An id that JavaScript can't hold is in no state.
        if writer.value(id).is_err() {
            return Ok(None);
        }
        self.crossing.find(collection, writer.bytes())
    }

    fn matching(&self, collection: usize, condition: &Condition) -> Result<Vec<Row>, Rejection> {
        let mut rows = Vec::new();
        self.crossing.for_each(collection, |row| {
            if condition.matches(&row) {
                rows.push(row);
            }
        })?;
        Ok(rows)
    }
}

/// Loads the documents that JavaScript takes for what the action is about. A hint, and no more: what
/// is loaded decides nothing, and what is wrong with it shows where the reducer asks for it.
pub(crate) fn load_likely(
    reader: &mut Reader,
    schemas: &[&'static Schema],
    action: &Action,
    database: &mut Database,
) {
    let payload = action.payload.as_ref().map(Json::as_value);
    for schema in schemas {
        let row = match reader.byte() {
            likely::ABSENT => None,
            likely::THERE => match reader.document(schema) {
                Ok(row) => Some(row),
                // What comes after it can't be found any more.
                Err(_) => return,
            },
            _ => continue,
        };
        let id = payload.and_then(|payload| payload.get(schema.id_field().name));
        let id = id.and_then(|id| Some((id, Value::from_json(id, &schema.id_field().kind).ok()?)));
        // Only where it is written as it is in the state was the right document looked for.
        if let Some((json, id)) = id
            && id.to_json() == *json
            && let Err(Halt::Fault(fault)) = database.row(schema.collection, &id)
        {
            database.load(&fault, row).ok();
        }
    }
}

fn write_change(
    writer: &mut Writer<'_>,
    schema: &'static Schema,
    id: &Value,
    change: &Change,
) -> Result<(), Rejection> {
    let Some(after) = &change.after else {
        writer.byte(fate::DESTROYED);
        return write_id(writer, schema, id);
    };
    writer.byte(fate::PUT);
    write_id(writer, schema, id)?;
    let before = change.before.as_ref().map(Row::values);
    let is_changed = |field: usize| before.is_none_or(|before| before[field] != after[field]);
    let fields = || (0_u8..).zip(schema.fields).filter(|(field, _)| is_changed((*field).into()));
    writer.byte(u8::try_from(fields().count()).unwrap_or(u8::MAX));
    for (field, declared) in fields() {
        writer.byte(field);
        let written = writer.value(&after[field.into()]);
        written.map_err(|problem| misfit(schema, problem, declared.name))?;
    }
    Ok(())
}

fn write_id(writer: &mut Writer<'_>, schema: &Schema, id: &Value) -> Result<(), Rejection> {
    writer.value(id).map_err(|problem| {
        let problem = problem.in_member(schema.id_field().name);
        problem.into_rejection(core_code::INVALID_VALUE, "an id is wrong")
    })
}

/// Writes rows, part by part.
pub(crate) fn parts<'a>(
    schema: &'static Schema,
    rows: &'a [Row],
) -> impl Iterator<Item = Result<Vec<u8>, Rejection>> + 'a {
    rows.chunks(DOCUMENTS_AT_ONCE).map(move |rows| {
        let mut writer = Writer::new(None);
        writer.count(rows.len());
        for row in rows {
            for (value, field) in row.values().iter().zip(schema.fields) {
                let written = writer.value(value);
                written.map_err(|problem| misfit(schema, problem, field.name))?;
            }
        }
        Ok(writer.bytes().to_vec())
    })
}
