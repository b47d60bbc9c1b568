//! What a reducer reads of a state, asked for by faults, and what it makes of it.

use flux_reducers::{
    Change, Database, Delta, Fault, Halt, Rejection, Row, Schema, Value, Wanted, code as core_code,
};

use crate::action::CrossedAction;
use crate::border::Crossing;
use crate::bytes::{Reader, not_held};
use crate::writer::Writer;

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

/// The documents of a state, while a reducer runs.
pub(crate) struct Documents<'a> {
    crossing: &'a Crossing,
    /// What is reduced, if anything: it has texts that need not cross again.
    action: Option<&'a CrossedAction>,
    faults: u64,
}

impl<'a> Documents<'a> {
    pub(crate) const fn new(crossing: &'a Crossing, action: Option<&'a CrossedAction>) -> Self {
        Self { crossing, action, faults: 0 }
    }

    /// Loads the documents that JavaScript takes for what the action is about. A hint, and no more:
    /// what is loaded decides nothing, and what is wrong with it shows where the reducer asks for it.
    pub(crate) fn load_likely(&self, database: &mut Database) {
        let Some(action) = self.action else {
            return;
        };
        action.with_likely(|reader| {
            for schema in self.crossing.schemas() {
                if self.load_likely_of(reader, schema, database).is_none() {
                    // What comes after it can't be found any more.
                    return;
                }
            }
        });
    }

    fn load_likely_of(
        &self,
        reader: &mut Reader,
        schema: &'static Schema,
        database: &mut Database,
    ) -> Option<()> {
        let likely = reader.byte();
        if likely != likely::ABSENT && likely != likely::THERE {
            return Some(());
        }
        // Only where it is written as it is in the state was the right document looked for.
        let id = reader.canonical_id(schema.id_field().kind)?;
        if likely == likely::ABSENT {
            return database.load_absent(schema.collection, &id).ok();
        }
        let count = usize::from(reader.byte());
        if count == schema.fields.len() {
            let row = self.crossing.row(reader, schema).ok()?;
            load_one(database, schema, &id, row);
            return Some(());
        }
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            let field = usize::from(reader.byte());
            let value = match schema.fields.get(field) {
                Some(_) if field == schema.id => id.clone(),
                Some(declared) => reader.field(declared.kind).ok()?,
                None => return None,
            };
            fields.push((field, value));
        }
        database.load_outline(schema.collection, fields).ok()
    }

    /// Loads what a fault asks for.
    pub(crate) fn load(&mut self, database: &mut Database, fault: &Fault) -> Result<(), Rejection> {
        let Some(collection) = self.crossing.position(fault.collection()) else {
            return database.schema(fault.collection()).map(|_| ());
        };
        self.faults += 1;
        match fault.wanted() {
            Wanted::Document(_) if self.is_many(collection) => {
                let all = database.fault_for_all(fault.collection())?;
                database.load(&all, self.matching(collection, &all)?)
            }
            Wanted::Document(id) => database.load(fault, self.find(collection, id)?),
            Wanted::Matching(_) => database.load(fault, self.matching(collection, fault)?),
        }
    }

    /// Writes the changes, and returns where they are.
    pub(crate) fn write(&self, delta: &Delta) -> Result<usize, Rejection> {
        self.with_known(|known| {
            self.crossing.changes(|bytes| {
                let mut writer = Writer::new(bytes, known, self.crossing.write_json());
                writer.count(delta.collections().count());
                for (name, changes) in delta.collections() {
                    let Some(collection) = self.crossing.position(name) else {
                        continue;
                    };
                    let schema = self.crossing.schemas()[collection];
                    writer.byte(u8::try_from(collection).unwrap_or(u8::MAX));
                    writer.count(changes.len());
                    for (id, change) in changes.iter() {
                        write_change(&mut writer, schema, id, change)?;
                    }
                }
                Ok(writer.into_bytes())
            })
        })
    }

    /// A reducer that reads n documents one by one runs n times. Before that costs more than to
    /// load the collection, it is loaded.
    fn is_many(&self, collection: usize) -> bool {
        let runs = self.faults * self.faults;
        runs > MANY && runs > self.crossing.count(collection) + MANY
    }

    fn find(&self, collection: usize, id: &Value) -> Result<Option<Row>, Rejection> {
        self.with_known(|known| {
            let mut writer = Writer::new(Vec::new(), known, None);
            // An id that JavaScript can't hold is in no state.
            if writer.value(id).is_err() {
                return Ok(None);
            }
            self.crossing.find(collection, &writer.into_bytes())
        })
    }

    /// Calls a function with the texts that JavaScript has.
    fn with_known<T>(&self, call: impl FnOnce(Option<&Reader>) -> T) -> T {
        match self.action {
            Some(action) => action.with(|reader| call(Some(reader))),
            None => call(None),
        }
    }

    fn matching(&self, collection: usize, fault: &Fault) -> Result<Vec<Row>, Rejection> {
        let mut rows = Vec::new();
        self.crossing.for_each(collection, narrowed(fault), &mut |row| {
            if fault.wants(&row) {
                rows.push(row);
            }
        })?;
        Ok(rows)
    }
}

/// Returns the field by which JavaScript can look up what a fault asks for, and the spans of its value
/// as it reads them.
fn narrowed(fault: &Fault) -> Option<(usize, Vec<u8>)> {
    let mut writer = Writer::new(Vec::new(), None, None);
    let mut are_held = true;
    let field = fault.looked_up(&mut |span| {
        writer.flag(true);
        for bound in [span.first(), span.last()] {
            writer.flag(bound.is_some());
            are_held &= bound.is_none_or(|value| writer.value(value).is_ok());
        }
    })?;
    writer.flag(false);
    are_held.then(|| (field, writer.into_bytes()))
}

fn load_one(database: &mut Database, schema: &'static Schema, id: &Value, row: Row) {
    if let Err(Halt::Fault(fault)) = database.row(schema.collection, id) {
        database.load(&fault, Some(row)).ok();
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
    let counted = writer.length();
    writer.byte(0);
    let mut count = 0;
    for ((field, declared), value) in (0_u8..).zip(schema.fields).zip(after.values()) {
        if before.is_some_and(|before| before[usize::from(field)] == *value) {
            continue;
        }
        writer.byte(field);
        let written = writer.value(value);
        written.map_err(|misfit| not_held(schema, misfit, declared.name))?;
        count += 1;
    }
    writer.byte_at(counted, count);
    Ok(())
}

fn write_id(writer: &mut Writer<'_>, schema: &Schema, id: &Value) -> Result<(), Rejection> {
    writer.value(id).map_err(|misfit| {
        let misfit = misfit.in_member(schema.id_field().name);
        misfit.into_rejection(core_code::INVALID_VALUE, "an id is wrong")
    })
}
