//! The sets of tables: what the database says of a rebuild, wherever it runs.

use flux_reducers::{Document as _, Position, Query};

use super::Store;
use crate::backend::own::{GENERATIONS, Generation};
use crate::error::Error;
use crate::reading;

impl Store {
    /// Returns the sets of tables that there are, and where the log ends.
    pub(crate) async fn generations(&self) -> Result<(Position, Vec<Generation>), Error> {
        let plans = [(GENERATIONS, Query::all().plan(GENERATIONS).map_err(Error::Query)?)];
        let found = reading::fold(&*self.inner.backend, &plans, Vec::new(), |all, _, row| {
            let generation = Generation::from_row(&row);
            all.push(generation.map_err(|error| {
                Error::Damaged(format!("`{}`: {error}", GENERATIONS.collection))
            })?);
            Ok(())
        });
        let (generations, end) = found.await?;
        Ok((end.position, generations))
    }

    /// Returns the set that this store reads and writes.
    pub(crate) fn generation(&self) -> i64 {
        self.inner.backend.generation()
    }
}
