//! Running dispatches one after the other: load what the reducers ask for, reduce, keep the net
//! change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use flux_reducers::{
    Action, Change, Database, Delta, Fault, Halt, RecordedEvent, Reducer, Schema, Uuid, Value,
    Wanted,
};

use crate::backend::{Head, Lookup, Write};
use crate::dispatch::Received;
use crate::error::Error;
use crate::{panic, size};

/// What it takes to know of a document that it is not there.
const ABSENT_BYTES: usize = 128;

/// Rounds of loading for one dispatch: a reducer that still asks for more after these never ends.
const FAULT_ROUNDS_MAX: usize = 1_000;

const READS_WITHOUT_END: Error = Error::ReadsWithoutEnd { rounds: FAULT_ROUNDS_MAX };

/// Bytes of documents that a batch loads and writes, unless one dispatch alone takes more.
const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Dispatches that may load together before it is known how large the documents are.
const FIRST_LOADS_MAX: usize = 64;

/// Documents as of a head, those that were asked for.
#[derive(Clone)]
pub(super) struct WorkingSet {
    /// Another one in the database means that somebody else wrote.
    pub(super) head: Head,
    database: Database,
    keeps_history: bool,
    /// About how many bytes were loaded or written since it was empty.
    pub(super) bytes: usize,
    loads: Loads,
}

/// How much was loaded, to tell how much the next loads will be.
#[derive(Clone, Copy, Default)]
struct Loads {
    count: usize,
    bytes: usize,
}

impl WorkingSet {
    pub(super) fn empty(
        head: Head,
        schemas: impl Iterator<Item = &'static Schema>,
        keeps_history: bool,
    ) -> Result<Self, Error> {
        let database = Database::partial(schemas)?;
        Ok(Self { head, database, keeps_history, bytes: 0, loads: Loads::default() })
    }

    /// Returns how many dispatches may load together.
    fn affordable(&self) -> usize {
        match self.loads {
            Loads { count: 0, .. } => FIRST_LOADS_MAX,
            Loads { count, bytes } => (BATCH_BYTES_MAX / (bytes / count).max(1)).max(1),
        }
    }
}

/// What became of each dispatch, and what is new in the log.
pub(super) struct Outcome {
    pub(super) answers: Vec<Answer>,
    pub(super) recorded: Vec<Arc<RecordedEvent>>,
}

/// The recorded events of one dispatch, or why it was refused.
pub(crate) type Answer = Result<Vec<Arc<RecordedEvent>>, Error>;

/// Documents that are assumed not to be there: their collections and ids.
pub(super) type Absent = BTreeSet<(&'static str, Value)>;

/// The dispatches that are settled, and the state after them.
pub(super) struct Progress {
    /// The state that it began with.
    before: WorkingSet,
    pub(super) working_set: WorkingSet,
    delta: Delta,
    /// Events in the log or in this batch, those whose ids were dispatched.
    known: HashMap<Uuid, Arc<RecordedEvent>>,
    answers: Vec<Answer>,
    recorded: Vec<Arc<RecordedEvent>>,
    /// What each of the recorded events changed; empty where no history is kept.
    deltas: Vec<Delta>,
}

/// A dispatch that ran on the state after those before it.
struct Run {
    database: Database,
    delta: Delta,
    head: Head,
    answer: Vec<Arc<RecordedEvent>>,
    recorded: Vec<Arc<RecordedEvent>>,
    keeps_history: bool,
    deltas: Vec<Delta>,
}

/// Why a dispatch did not run to its end.
enum Stop {
    Refused(Error),
    Faults(Vec<Fault>),
}

impl Progress {
    pub(super) fn new(before: WorkingSet, known: HashMap<Uuid, Arc<RecordedEvent>>) -> Self {
        let (delta, answers, recorded, deltas) = Default::default();
        Self { working_set: before.clone(), before, delta, known, answers, recorded, deltas }
    }

    /// Runs dispatches after those that are settled, in order, unless that would take too much
    /// memory: then the last ones stay as they are. One that reads what is not loaded is run again
    /// once it is, and with it all after it: until then those run ahead only to tell what they will
    /// read. What is to be created is assumed to be absent where the assumptions are collected.
    pub(super) async fn settle(
        &mut self,
        reducer: &Reducer,
        lookup: &mut dyn Lookup,
        dispatches: &[&Received],
        mut absent: Option<&mut Absent>,
    ) -> Result<(), Error> {
        let before = self.answers.len();
        let mut rounds = 0;
        while self.answers.len() < before + dispatches.len() && !self.is_full() {
            let settled = self.answers.len();
            let mut faults: BTreeMap<(&str, Wanted), Fault> = BTreeMap::new();
            let ahead = self.working_set.affordable();
            for dispatch in dispatches.iter().skip(settled - before).take(ahead) {
                match self.run_assuming(reducer, dispatch, absent.as_deref_mut())? {
                    Err(Stop::Faults(more)) => faults.extend(
                        more.into_iter()
                            .map(|fault| ((fault.collection(), fault.wanted().clone()), fault)),
                    ),
                    result if faults.is_empty() => self.keep(result),
                    _ => {}
                }
            }
            rounds = if self.answers.len() > settled { 0 } else { rounds + 1 };
            if rounds > FAULT_ROUNDS_MAX {
                self.keep(Err(Stop::Refused(READS_WITHOUT_END)));
            } else {
                load(lookup, &mut self.working_set, faults.values()).await?;
            }
        }
        Ok(())
    }

    /// Whether it has loaded and written as much as one transaction should. What one dispatch
    /// takes can't be divided.
    fn is_full(&self) -> bool {
        let grown = self.working_set.bytes - self.before.bytes;
        grown > BATCH_BYTES_MAX && !self.answers.is_empty()
    }

    /// Returns what became of the dispatches that are settled.
    pub(super) fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// Returns where the log ended before.
    pub(super) fn head_before(&self) -> Head {
        self.before.head
    }

    /// Returns what is to be written, if anything.
    pub(super) fn write<'a>(
        &'a self,
        schemas: &'a BTreeMap<&'static str, &'static Schema>,
    ) -> Option<Write<'a>> {
        let Self { working_set, delta, recorded: events, deltas, .. } = self;
        let write = Write { schemas, delta, events, deltas, head: working_set.head };
        (!events.is_empty()).then_some(write)
    }

    /// Takes back all of it.
    pub(super) fn undo(self) -> WorkingSet {
        self.before
    }

    /// Ends it, once it is committed.
    pub(super) fn end(self) -> (WorkingSet, Outcome) {
        let Self { working_set, answers, recorded, .. } = self;
        (working_set, Outcome { answers, recorded })
    }

    /// Runs a dispatch, and again as long as all that it lacks may be assumed to be absent.
    fn run_assuming(
        &mut self,
        reducer: &Reducer,
        dispatch: &Received,
        absent: Option<&mut Absent>,
    ) -> Result<Result<Run, Stop>, Error> {
        let Some(absent) = absent else {
            return Ok(self.run(reducer, dispatch));
        };
        for _ in 0..FAULT_ROUNDS_MAX {
            let faults = match self.run(reducer, dispatch) {
                Err(Stop::Faults(faults)) if faults.iter().all(Fault::is_to_be_created) => faults,
                result => return Ok(result),
            };
            for fault in faults {
                if let Wanted::Document(id) = fault.wanted() {
                    self.working_set.bytes += ABSENT_BYTES;
                    self.working_set.database.load(&fault, []).map_err(Error::Query)?;
                    absent.insert((fault.collection(), id.clone()));
                }
            }
        }
        Ok(Err(Stop::Refused(READS_WITHOUT_END)))
    }

    fn run(&self, reducer: &Reducer, received: &Received) -> Result<Run, Stop> {
        let Received { dispatch, ids, .. } = received;
        let mut run = Run {
            database: self.working_set.database.clone(),
            delta: Delta::default(),
            head: self.working_set.head,
            answer: Vec::with_capacity(dispatch.actions.len()),
            recorded: Vec::new(),
            keeps_history: self.working_set.keeps_history,
            deltas: Vec::new(),
        };
        // After a fault the events that follow run only to tell what they will read.
        let mut faults = Vec::new();
        for (event, (action, id)) in dispatch.actions.iter().zip(ids).enumerate() {
            // An id that the store has drawn is in no dispatch twice.
            let of_dispatch = action.id.and_then(|id| run.recorded.iter().find(|it| it.id == id));
            if let Some(known) = of_dispatch.or_else(|| self.known.get(id)).cloned() {
                if !is_same(action, &known) && faults.is_empty() {
                    let (id, position) = (known.id, known.position);
                    return Err(Stop::Refused(Error::EventIdTaken { event, id, position }));
                }
                run.answer.push(known);
                continue;
            }
            match run.reduce_caught(reducer, received, event) {
                Ok(()) => {}
                Err(Stop::Faults(more)) => faults.extend(more),
                Err(refused) if faults.is_empty() => return Err(refused),
                // On a state that is not the true one a refusal means nothing yet.
                Err(_) => {}
            }
        }
        if !faults.is_empty() {
            return Err(Stop::Faults(faults));
        }
        let head = self.working_set.head.position;
        match dispatch.expected_position {
            Some(expected) if expected != head && !run.recorded.is_empty() => {
                Err(Stop::Refused(Error::PositionMoved { expected, head }))
            }
            _ => Ok(run),
        }
    }

    /// Whether a document is written that was not there.
    pub(super) fn creates(&self, collection: &str, id: &Value) -> bool {
        let mut collections = self.delta.collections();
        let changes = collections.find(|(name, _)| *name == collection);
        let change = changes.and_then(|(_, changes)| changes.get(id));
        change.is_some_and(|change| change.before.is_none() && change.after.is_some())
    }

    fn keep(&mut self, result: Result<Run, Stop>) {
        match result {
            Ok(run) => {
                self.working_set.head = run.head;
                self.working_set.database = run.database;
                self.working_set.bytes += run.delta.collections().map(written_bytes).sum::<usize>();
                self.delta.merge(run.delta);
                self.known.extend(run.recorded.iter().map(|event| (event.id, Arc::clone(event))));
                self.recorded.extend(run.recorded);
                self.deltas.extend(run.deltas);
                self.answers.push(Ok(run.answer));
            }
            Err(Stop::Refused(error)) => self.answers.push(Err(error)),
            Err(Stop::Faults(_)) => {}
        }
    }
}

impl Run {
    /// Reduces one event. What a panic leaves half done is the run's own copy, which is dropped.
    fn reduce_caught(
        &mut self,
        reducer: &Reducer,
        received: &Received,
        event: usize,
    ) -> Result<(), Stop> {
        let action = received.action(event);
        match catch_unwind(AssertUnwindSafe(|| self.reduce(reducer, action))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Halt::Fault(fault))) => Err(Stop::Faults(vec![fault])),
            Ok(Err(Halt::Rejected(rejection))) => {
                Err(Stop::Refused(Error::Rejected { event, rejection }))
            }
            Err(panic) => Err(Stop::Refused(Error::ReducerPanicked {
                event,
                event_type: received.dispatch.actions[event].event_type.clone(),
                message: panic::message(&*panic),
            })),
        }
    }

    fn reduce(&mut self, reducer: &Reducer, mut action: Action) -> Result<(), Halt> {
        let position = self.head.position + 1;
        // Time never goes back in the log, whatever the clock does.
        action.timestamp = action.timestamp.max(Some(self.head.timestamp));
        action.position = Some(position);
        let delta = reducer.run(&mut self.database, &action)?;
        if self.keeps_history {
            self.deltas.push(delta.clone());
        }
        self.delta.merge(delta);
        if let Some(event) = action.into_recorded() {
            let (timestamp, event_id) = (event.timestamp, Some(event.id));
            self.head = Head { position, timestamp, event_id, ..self.head };
            let event = Arc::new(event);
            self.answer.push(Arc::clone(&event));
            self.recorded.push(event);
        }
        Ok(())
    }
}

/// Returns the events that are in the log already, of those with these ids.
pub(super) async fn known_events(
    lookup: &mut dyn Lookup,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Arc<RecordedEvent>>, Error> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let events = lookup.events_by_id(&ids).await?;
    Ok(events.into_iter().map(|(id, event)| (id, Arc::new(event))).collect())
}

/// Loads what faults ask for, one query a collection.
async fn load<'a>(
    lookup: &mut dyn Lookup,
    working_set: &mut WorkingSet,
    faults: impl Iterator<Item = &'a Fault>,
) -> Result<(), Error> {
    let mut by_collection: BTreeMap<&str, Vec<&Fault>> = BTreeMap::new();
    for fault in faults {
        by_collection.entry(fault.collection()).or_default().push(fault);
    }
    for faults in by_collection.into_values() {
        let mut rows = lookup.load(&faults).await?;
        let bytes = rows.iter().map(size::of_row).sum::<usize>() + faults.len() * ABSENT_BYTES;
        working_set.bytes += bytes;
        working_set.loads.bytes += bytes;
        working_set.loads.count += faults.len();
        for fault in faults {
            let rows = std::mem::take(&mut rows);
            working_set.database.load(fault, rows).map_err(Error::Query)?;
        }
    }
    Ok(())
}

fn written_bytes((_, changes): (&str, &BTreeMap<Value, Change>)) -> usize {
    changes.values().map(|change| change.after.as_ref().map_or(ABSENT_BYTES, size::of_row)).sum()
}

/// Whether an action is what was recorded under its id: a retry. Its own time may have been moved
/// on when it was recorded, for time never goes back.
fn is_same(action: &Action, recorded: &RecordedEvent) -> bool {
    action.event_type == recorded.event_type
        && action.payload == recorded.payload
        && action.meta == recorded.meta
        && action.error == recorded.error
        && action.timestamp.is_none_or(|timestamp| timestamp <= recorded.timestamp)
}
