//! Verification: whether the tables, and the snapshots, are what a replay of the log makes.

use flux_reducers::{Database, Document as _, Position, Query, RecordedEvent, Row, Value};

use super::differences::differences;
use super::{Inner, Store};
use crate::backend::history;
use crate::error::Error;
use crate::snapshot::is_log;
use crate::{log, reading, replay};

/// Differences that are told one by one; the others are counted.
const DIFFERENCES_TOLD_MAX: usize = 100;

/// Events whose changes are compared together.
const EVENTS_AT_ONCE: Position = 1_000;

/// What a verification found.
///
/// ```
/// use flux_server::Verification;
///
/// assert!(Verification::default().is_sound());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The last event of the log, as of which it is.
    pub position: Position,
    /// Documents that were compared, those of each snapshot too.
    pub documents: u64,
    /// Snapshots that were compared.
    pub snapshots: u64,
    /// How many documents differ.
    pub differences: u64,
    /// The first of them.
    pub first: Vec<Difference>,
    /// Positions of snapshots that can't be read, with the reason.
    pub broken: Vec<(Position, String)>,
}

impl Verification {
    /// Whether nothing differs and nothing is broken.
    ///
    /// ```
    /// # use flux_server::Verification;
    /// assert!(Verification::default().is_sound());
    /// ```
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.differences == 0 && self.broken.is_empty()
    }
}

/// A document that is not what the log makes of it.
///
/// ```
/// use flux_server::Difference;
///
/// let told = |it: &Difference| format!("{} of {} at {}", it.id, it.collection, it.position);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The position as of which it is: that of a snapshot, or of the end of the log.
    pub position: Position,
    /// Its collection.
    pub collection: &'static str,
    /// Its id.
    pub id: Value,
    /// What the log makes of it, as JSON; `None` where it makes none.
    pub expected: Option<serde_json::Value>,
    /// What was found.
    pub found: Option<serde_json::Value>,
}

impl Store {
    /// Compares all documents, all snapshots, and the history where it is kept, with a replay of the
    /// log: positions are dense, the reducers accept every event, and nothing but them has written
    /// the tables.
    ///
    /// It takes memory for all documents twice.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the log has a gap; [`Error::ReplayStopped`] where the reducers no
    /// longer accept an event of it.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// store.dispatch(&Action::new("rung")).await?;
    /// assert!(store.verify().await?.is_sound());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(&self) -> Result<Verification, Error> {
        let inner = &*self.inner;
        let (end, now) = inner.documents_now().await?;
        let mut verification = Verification { position: end, ..Verification::default() };
        let mut replayed = (0, inner.snapshots.empty().clone());
        for snapshot in inner.snapshots.list().await? {
            if snapshot.position > end {
                continue;
            }
            replayed = inner.replay_on(replayed, snapshot.position).await?;
            match inner.snapshots.load(&snapshot).await {
                Ok(found) => verification.compare(snapshot.position, &replayed.1, &found)?,
                // It may have been removed since: only so many are kept.
                Err(Error::Damaged(_)) if !inner.snapshots.has(&snapshot).await? => continue,
                Err(Error::Damaged(reason)) => {
                    verification.broken.push((snapshot.position, reason));
                }
                Err(error) => return Err(error),
            }
            verification.snapshots += 1;
        }
        let (_, expected) = inner.replay_on(replayed, end).await?;
        verification.compare(end, &expected, &now)?;
        if inner.backend.keeps_history() {
            verification.compare_history(inner, end).await?;
        }
        Ok(verification)
    }
}

impl Inner {
    async fn replay_on(
        &self,
        (from, database): (Position, Database),
        to: Position,
    ) -> Result<(Position, Database), Error> {
        let replayed = replay::forwards(&*self.backend, &self.reducer, database, from, to).await?;
        Ok((to, replayed))
    }
}

impl Verification {
    /// Compares what is told of each event with what it changes, some events at a time.
    async fn compare_history(&mut self, inner: &Inner, end: Position) -> Result<(), Error> {
        let mut database = inner.snapshots.empty().clone();
        let mut from = 0;
        while from < end {
            let to = end.min(from + EVENTS_AT_ONCE);
            let plans = [
                replay::between(RecordedEvent::SCHEMA, from, to)?,
                replay::between(history::SCHEMA, from, to)?,
            ];
            let read =
                reading::fold(&*inner.backend, &plans, [vec![], vec![]], |all, plan, row| {
                    all[plan].push(row);
                    Ok(())
                });
            let [events, mut found] = read.await?.0;
            let mut expected = Vec::with_capacity(found.len());
            for event in &events {
                let event = log::event(event)?;
                let position = event.position;
                let delta = replay::changed(&inner.reducer, &mut database, event)?;
                let schema = |name: &str| database.schema(name).ok();
                expected.extend(history::rows_of(position, &delta, schema)?);
            }
            let by_id = |row: &Row| history::SCHEMA.id_of(row).clone();
            found.sort_by_key(by_id);
            expected.sort_by_key(by_id);
            let of = history::SCHEMA;
            differences((of, &expected), (of, &found), |id, expected, found| {
                self.tell(to, of.collection, id, expected, found);
            });
            from = to;
        }
        Ok(())
    }

    fn tell(
        &mut self,
        position: Position,
        collection: &'static str,
        id: &Value,
        expected: Option<serde_json::Value>,
        found: Option<serde_json::Value>,
    ) {
        self.differences += 1;
        if self.first.len() < DIFFERENCES_TOLD_MAX {
            self.first.push(Difference { position, collection, id: id.clone(), expected, found });
        }
    }

    fn compare(
        &mut self,
        position: Position,
        expected: &Database,
        found: &Database,
    ) -> Result<(), Error> {
        for schema in expected.schemas().filter(|schema| !is_log(schema)) {
            let rows = |database| super::rows(database, schema.collection, &Query::all());
            let (expected, found) = (rows(expected)?, rows(found)?);
            self.documents += found.len() as u64;
            differences((schema, &expected), (schema, &found), |id, expected, found| {
                self.tell(position, schema.collection, id, expected, found);
            });
        }
        Ok(())
    }
}
