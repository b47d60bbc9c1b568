//! What a reducer reads of a state: asked for by faults, loaded from the tree.

use flux_reducers::{Condition, Database, Fault, Halt, Query, Rejection, Row, Wanted};
use wasm_bindgen::prelude::JsValue;

use crate::error::invalid_state;
use crate::state::{Id, Tree};

/// Loads what one run of a reducer after another asks for.
pub(crate) struct Loader<'a> {
    trees: &'a [Tree<'a>],
    faults: u64,
}

impl<'a> Loader<'a> {
    pub(crate) const fn new(trees: &'a [Tree<'a>]) -> Self {
        Self { trees, faults: 0 }
    }

    /// Loads what a fault asks for.
    pub(crate) fn load(&mut self, database: &mut Database, fault: &Fault) -> Result<(), Rejection> {
        let named = |tree: &&Tree<'_>| tree.codec().schema().collection == fault.collection();
        let Some(tree) = self.trees.iter().find(named) else {
            return database.schema(fault.collection()).map(|_| ());
        };
        self.faults += 1;
        match fault.wanted() {
            // A reducer that reads n documents one by one runs n times. Before that costs more
            // than to load the collection, it is loaded.
            Wanted::Document(_) if self.faults * self.faults > u64::from(tree.count()) + MANY => {
                match database.rows(fault.collection(), &Query::all()) {
                    Err(Halt::Fault(all)) => {
                        database.load(&all, matching(tree, &Condition::all())?)
                    }
                    Err(Halt::Rejected(rejection)) => Err(rejection),
                    Ok(_) => Ok(()),
                }
            }
            Wanted::Document(id) => {
                // An id that JavaScript can't hold is in no state.
                let found = match Id::new(id) {
                    Ok(id) => tree.find(&id).map_err(|broken| tree.broken(broken.reason()))?,
                    Err(_) => None,
                };
                let row = found.map(|document| decode(tree, &document)).transpose()?;
                database.load(fault, row)
            }
            Wanted::Matching(condition) => database.load(fault, matching(tree, condition)?),
        }
    }
}

/// In a small collection a few runs more are cheaper than to read it all.
const MANY: u64 = 64;

fn matching(tree: &Tree<'_>, condition: &Condition) -> Result<Vec<Row>, Rejection> {
    let mut rows = Vec::new();
    tree.for_each(&mut |document| {
        let row = decode(tree, document)?;
        if condition.matches(&row) {
            rows.push(row);
        }
        Ok(())
    })?;
    Ok(rows)
}

fn decode(tree: &Tree<'_>, document: &JsValue) -> Result<Row, Rejection> {
    tree.codec().decode(document).map_err(|rejection| {
        let invalid = invalid_state(tree.codec().schema().collection, rejection.message());
        match rejection.field() {
            Some(field) => invalid.with_field(field),
            None => invalid,
        }
    })
}
