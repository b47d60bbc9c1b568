//! The partial working set: what it does not hold is loaded from a whole database, which does not
//! know yet what has happened since.

use flux_reducers::{Database, Delta, Fault, Halt, Query, Reducer, Rejection, Row, Wanted};

use crate::model::Ran;

/// A database of which only what was asked for is loaded.
pub(crate) struct Partial {
    reducer: Reducer,
    partial: Database,
    /// As of when it last forgot everything.
    whole: Database,
}

impl Partial {
    pub(crate) fn new(reducer: Reducer, whole: Database) -> Self {
        let partial = Database::partial(reducer.schemas()).unwrap();
        Self { reducer, partial, whole }
    }

    /// Begins anew: nothing is loaded.
    pub(crate) fn forget(&mut self, whole: Database) {
        self.partial = Database::partial(self.reducer.schemas()).unwrap();
        self.whole = whole;
    }

    /// Runs the same events, all or nothing, and compares the result of each.
    pub(crate) fn dispatch(&mut self, ran: &Ran) -> Result<(), String> {
        loop {
            let mut run = self.partial.clone();
            match self.run(&mut run, ran)? {
                Some(fault) => self.load(&fault),
                None if ran.answer.is_ok() => {
                    self.partial = run;
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }

    fn run(&self, database: &mut Database, ran: &Ran) -> Result<Option<Fault>, String> {
        for (action, expected) in &ran.events {
            let found: Result<Delta, Rejection> = match self.reducer.run(database, action) {
                Ok(delta) => Ok(delta),
                Err(Halt::Rejected(rejection)) => Err(rejection),
                Err(Halt::Fault(fault)) => return Ok(Some(fault)),
            };
            if found != *expected {
                return Err(format!("expected {expected:?}\n   found {found:?}"));
            }
        }
        Ok(None)
    }

    /// Returns the answer to a query.
    pub(crate) fn rows(&mut self, collection: &str, query: &Query) -> Result<Vec<Row>, Rejection> {
        loop {
            match self.partial.rows(collection, query) {
                Ok(rows) => return Ok(rows),
                Err(Halt::Rejected(rejection)) => return Err(rejection),
                Err(Halt::Fault(fault)) => self.load(&fault),
            }
        }
    }

    fn load(&mut self, fault: &Fault) {
        let mut rows = self.whole.rows(fault.collection(), &Query::all()).unwrap();
        rows.retain(|row| match fault.wanted() {
            Wanted::Document(id) => fault.schema().id_of(row) == id,
            Wanted::Matching(condition) => condition.matches(row),
        });
        self.partial.load(fault, rows).unwrap();
    }
}
