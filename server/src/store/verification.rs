//! Verification: whether the tables, and the snapshots, are what a replay of the log makes.

use flux_reducers::{
    Database, Document as _, Filter, Position, Query, RecordedEvent, Reducer, Row, Timestamp, Value,
};

use super::differences::differences;
use super::{Inner, Store};
use crate::backend::Head;
use crate::backend::history::{self, Changed};
use crate::backend::own::GenerationState;
use crate::error::Error;
use crate::snapshot::Records;
use crate::{backend, log, reading, replay, size};

/// Differences that are told one by one; the others are counted.
const DIFFERENCES_TOLD_MAX: usize = 100;

/// Events whose changes are compared together.
const EVENTS_AT_ONCE: Position = 1_000;

/// About how many bytes of changes from which on fewer are.
const BYTES_AT_ONCE: usize = 16 * 1024 * 1024;

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
    /// The first 100 of them.
    pub first: Vec<Difference>,
    /// What can't be read, and was not compared.
    pub broken: Vec<Broken>,
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

/// What a verification compares with the log.
///
/// ```
/// use flux_server::Compared;
///
/// assert_eq!(Compared::Snapshot.name(), "snapshot");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compared {
    /// The documents as they are now: a rebuild writes them anew.
    Documents,
    /// Those of a snapshot: it can be removed.
    Snapshot,
    /// What is told of a change: a rebuild writes it anew.
    History,
}

impl Compared {
    /// Returns its name, for programs.
    ///
    /// ```
    /// # use flux_server::Compared;
    /// assert_eq!(Compared::History.name(), "history");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Snapshot => "snapshot",
            Self::History => "history",
        }
    }
}

/// What can't be read.
///
/// ```
/// use flux_server::Broken;
///
/// let told = |it: &Broken| format!("{}: {}", it.compared.name(), it.reason);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// Which of what is compared.
    pub compared: Compared,
    /// The position as of which it is: that of a snapshot, where it is known, or of the end of the
    /// log.
    pub position: Option<Position>,
    /// What is wrong with it, for people.
    pub reason: String,
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
    /// Where it was found.
    pub compared: Compared,
    /// The position as of which it is: that of a snapshot, of a change, or of the end of the log.
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
    /// It takes memory for all documents three times.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the log can't be relied on: an event that can't be read, a gap, an
    /// event beyond its end, times that go back, or an end that is not what is recorded of it;
    /// [`Error::ReplayStopped`] where the reducers no longer accept an event of it.
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
        self.verify_generations().await?;
        let logged = self.verify_log().await?;
        let mut verification = Verification::default();
        let now = inner.documents_now().await;
        let now = verification.unless_broken(Compared::Documents, logged, now)?;
        let end = now.as_ref().map_or(logged, |(end, _)| *end);
        verification.position = end;
        let mut replayed = (0, inner.snapshots.empty().clone());
        let Records { readable, broken } = inner.snapshots.records().await?;
        for (_, reason) in broken {
            let (compared, position) = (Compared::Snapshot, None);
            verification.broken.push(Broken { compared, position, reason });
        }
        for snapshot in readable {
            if snapshot.position > end {
                // It may have been taken since.
                let end = inner.backend.head().await?.position;
                if snapshot.position > end {
                    let ended = Err(Error::Damaged(format!("the log ends at {end} already")));
                    verification.unless_broken::<()>(
                        Compared::Snapshot,
                        snapshot.position,
                        ended,
                    )?;
                }
                continue;
            }
            replayed = inner.replay_on(replayed, snapshot.position).await?;
            let found = inner.snapshots.load(&snapshot).await;
            // It may have been removed since: only so many are kept.
            if matches!(found, Err(Error::Damaged(_))) && !inner.snapshots.has(&snapshot).await? {
                continue;
            }
            let (of, position) = (Compared::Snapshot, snapshot.position);
            if let Some(found) = verification.unless_broken(of, position, found)? {
                verification.compare(of, position, (&replayed.1, &found))?;
                verification.snapshots += 1;
            }
        }
        let (_, expected) = inner.replay_on(replayed, end).await?;
        if let Some((_, now)) = now {
            verification.compare(Compared::Documents, end, (&expected, &now))?;
        }
        if inner.backend.keeps_history() {
            // The log was read before: what can't be read now is of the history.
            let compared = verification.compare_history(inner, end).await;
            verification.unless_broken(Compared::History, end, compared)?;
        }
        Ok(verification)
    }

    /// Makes sure that what is recorded of the sets of tables is that this one is in use.
    async fn verify_generations(&self) -> Result<(), Error> {
        let own = self.generation();
        let (_, all) = self.generations().await?;
        let live = all.iter().filter(|it| it.state == GenerationState::Live);
        let live: Vec<_> = live.map(|it| it.id).collect();
        if live == [own] {
            return Ok(());
        }
        // It may have been replaced since.
        self.position_in_use().await?;
        let found = format!(
            "set {own} of the tables is in use, and `flux_generations` tells so of {live:?}"
        );
        // A rebuild takes no other one for live than the one in use.
        Err(if live.contains(&own) {
            Error::Damaged(format!("{found}; a rebuild mends it"))
        } else {
            Error::beyond_rebuild(found)
        })
    }

    /// Makes sure of what a replay does not look at, and returns where the log ended.
    async fn verify_log(&self) -> Result<Position, Error> {
        let log = RecordedEvent::SCHEMA;
        let ended = self.inner.backend.head().await?;
        let all = [(log, Query::all().ascending("position").plan(log).map_err(Error::Query)?)];
        let begun = LogSoFar { ended, last: 0, time: Timestamp::MIN, has_end: ended.position == 0 };
        let read = reading::fold(&*self.inner.backend, &all, begun, |log, _, row| {
            log.take(&log::event(&row)?).map_err(Error::beyond_rebuild)
        });
        let (LogSoFar { last, has_end, .. }, head) = read.await?;
        if last < head.position {
            return Err(replay::missing(last + 1));
        }
        if last > head.position {
            return Err(Error::beyond_rebuild(format!(
                "the log has an event at position {last}, and ends at {}",
                head.position
            )));
        }
        if !has_end {
            return Err(Error::beyond_rebuild(format!(
                "the log has no event at position {}, or not the one that `flux_head` tells of",
                ended.position
            )));
        }
        Ok(ended.position)
    }
}

/// What a log is found to be that is read from its beginning.
struct LogSoFar {
    /// What was recorded of its end.
    ended: Head,
    /// The last event's.
    last: Position,
    time: Timestamp,
    /// Whether that end was among its events.
    has_end: bool,
}

impl LogSoFar {
    fn take(&mut self, event: &RecordedEvent) -> Result<(), String> {
        let RecordedEvent { position, timestamp, id, .. } = *event;
        if position < 1 {
            return Err(format!("the log has an event at position {position}"));
        }
        if position != self.last + 1 {
            return Err(format!("the log has no event at position {}", self.last + 1));
        }
        if timestamp < self.time {
            return Err(format!(
                "the event at position {position} is of {timestamp}, before the one before it: {}",
                self.time
            ));
        }
        let Head { position: end, timestamp: time, event_id, .. } = self.ended;
        self.has_end |= (end, time, event_id) == (position, timestamp, Some(id));
        (self.last, self.time) = (position, timestamp);
        Ok(())
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
        let database = inner.snapshots.empty().clone();
        let mut changes = Changes { database, to: 0, rows: vec![], bytes: 0 };
        while changes.to < end {
            let from = changes.to;
            changes = changes.next(inner, end).await?;
            if changes.to == from {
                return Err(replay::missing(from + 1));
            }
            let plan = [replay::between(history::SCHEMA, from, changes.to)?];
            let (found, _) = reading::rows(&*inner.backend, &plan).await?;
            let mut found: Vec<_> = found.into_iter().flatten().collect();
            let mut expected = std::mem::take(&mut changes.rows);
            let of = history::SCHEMA;
            let by_id = |one: &Row, other: &Row| of.id_of(one).cmp(of.id_of(other));
            found.sort_by(by_id);
            expected.sort_by(by_id);
            self.compare_changes(&expected, &found);
        }
        let outside = Filter::gt("position", end) | Filter::lt("position", 1);
        let plan =
            [(history::SCHEMA, Query::from(outside).plan(history::SCHEMA).map_err(Error::Query)?)];
        let (found, head) = reading::rows(&*inner.backend, &plan).await?;
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        // Some are of events that were recorded since.
        found.retain(|row| !(1..=head.position).contains(&position_of(row)));
        self.compare_changes(&[], &found);
        Ok(())
    }

    fn compare_changes(&mut self, expected: &[Row], found: &[Row]) {
        let of = history::SCHEMA;
        differences((of, expected), (of, found), |id, expected, found| {
            let change = expected.as_ref().or(found.as_ref());
            let position = change.and_then(|change| change["position"].as_i64());
            self.tell(Difference {
                compared: Compared::History,
                position: position.unwrap_or_default(),
                collection: of.collection,
                id: id.clone(),
                expected,
                found,
            });
        });
    }

    /// Returns what was read, and notes what could not be.
    fn unless_broken<T>(
        &mut self,
        compared: Compared,
        position: Position,
        read: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match read {
            Err(Error::Damaged(reason)) => {
                self.broken.push(Broken { compared, position: Some(position), reason });
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    fn tell(&mut self, difference: Difference) {
        self.differences += 1;
        if self.first.len() < DIFFERENCES_TOLD_MAX {
            self.first.push(difference);
        }
    }

    fn compare(
        &mut self,
        compared: Compared,
        position: Position,
        (expected, found): (&Database, &Database),
    ) -> Result<(), Error> {
        for schema in expected.schemas().filter(|schema| !backend::is_log(schema)) {
            let rows = |database| super::rows(database, schema.collection, &Query::all());
            let (expected, found) = (rows(expected)?, rows(found)?);
            self.documents += found.len() as u64;
            differences((schema, &expected), (schema, &found), |id, expected, found| {
                let (collection, id) = (schema.collection, id.clone());
                self.tell(Difference { compared, position, collection, id, expected, found });
            });
        }
        Ok(())
    }
}

/// Returns the position of the event that made a change.
fn position_of(change: &Row) -> Position {
    Changed::from_row(change).map_or(0, |change| change.position)
}

/// What some events change, as the history is to tell it.
struct Changes {
    database: Database,
    /// The last of the events.
    to: Position,
    rows: Vec<Row>,
    bytes: usize,
}

impl Changes {
    /// Runs the next events, until what they change is many bytes.
    async fn next(self, inner: &Inner, end: Position) -> Result<Self, Error> {
        let plan =
            [replay::between(RecordedEvent::SCHEMA, self.to, end.min(self.to + EVENTS_AT_ONCE))?];
        let reducer = inner.reducer.clone();
        let next = Self { bytes: 0, ..self };
        let run = reading::fold(&*inner.backend, &plan, next, move |changes, _, row| {
            if changes.bytes < BYTES_AT_ONCE { changes.run(&reducer, &row) } else { Ok(()) }
        });
        Ok(run.await?.0)
    }

    fn run(&mut self, reducer: &Reducer, event: &Row) -> Result<(), Error> {
        let event = log::event(event)?;
        self.to = event.position;
        let delta = replay::changed(reducer, &mut self.database, event)?;
        let schema = |name: &str| self.database.schema(name).ok();
        let rows = history::rows_of(self.to, &delta, schema)?;
        self.bytes += rows.iter().map(size::of_row).sum::<usize>();
        self.rows.extend(rows);
        Ok(())
    }
}
