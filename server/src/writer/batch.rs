//! One transaction for many dispatches: load what the reducers ask for, reduce, write the net
//! change.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use flux_reducers::{
    Action, Change, Database, Delta, Fault, Halt, RecordedEvent, Reducer, Schema, Uuid, Value,
    Wanted,
};

use crate::backend::{Backend, Head, Lookup, Write};
use crate::clock::now;
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::size;

/// Bytes of documents that the working set keeps from one batch to the next.
const WORKING_SET_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What it takes to know of a document that it is not there.
const ABSENT_BYTES: usize = 128;

/// Rounds of loading in one batch: a reducer that still asks for more after these never ends.
const FAULT_ROUNDS_MAX: usize = 10_000;

/// What commits batches, with what it keeps between them.
pub(super) struct Batch {
    backend: Arc<dyn Backend>,
    reducer: Reducer,
    schemas: BTreeMap<&'static str, &'static Schema>,
    /// What is left of the last batch, unless it failed.
    working_set: Option<WorkingSet>,
    /// Whether the head was where it was left when that was last asked for.
    is_alone: bool,
}

/// Documents as of a head, those that were asked for.
#[derive(Clone)]
struct WorkingSet {
    /// Another one in the database means that somebody else wrote.
    head: Head,
    database: Database,
    /// About how many bytes were loaded or written since it was empty.
    bytes: usize,
}

/// What became of each dispatch, and what is new in the log.
pub(super) struct Outcome {
    pub(super) answers: Vec<Answer>,
    pub(super) recorded: Vec<Arc<RecordedEvent>>,
}

/// The recorded events of one dispatch, or why it was refused.
type Answer = Result<Vec<Arc<RecordedEvent>>, Error>;

impl Batch {
    pub(super) fn new(backend: Arc<dyn Backend>, reducer: Reducer) -> Self {
        let schemas = reducer.schemas();
        let schemas = schemas.into_iter().map(|schema| (schema.collection, schema)).collect();
        Self { backend, reducer, schemas, working_set: None, is_alone: true }
    }

    /// Commits what is accepted of the dispatches; each one is accepted or refused as a whole.
    ///
    /// Where nobody else writes, the head is where it was left, and most likely no event is known
    /// yet. To assume so saves asking for both; whoever is wrong begins again, holding the head.
    pub(super) async fn commit(&mut self, dispatches: &[&Dispatch]) -> Result<Outcome, Error> {
        // On an error it stays dropped: the next batch reads what the database really holds.
        let warm = self.working_set.take().filter(|warm| warm.bytes <= WORKING_SET_BYTES_MAX);
        if let Some(warm) = warm.clone()
            && self.is_alone
            && let Some(progress) = self.commit_assuming(warm, dispatches).await?
        {
            return Ok(self.keep(progress));
        }
        let progress = self.commit_holding(warm, dispatches).await?;
        Ok(self.keep(progress))
    }

    /// Commits, should the head be that of the working set and no event be known; else `None`.
    async fn commit_assuming(
        &self,
        warm: WorkingSet,
        dispatches: &[&Dispatch],
    ) -> Result<Option<Progress>, Error> {
        let head = warm.head;
        let mut assumption = self.backend.assume().await?;
        let mut progress = Progress::new(warm, HashMap::new());
        let mut absent = Absent::new();
        match self.settle(&mut *assumption, &mut progress, dispatches, Some(&mut absent)).await {
            Ok(()) => {}
            Err(error @ Error::Database { .. }) => return Err(error),
            // Documents of different moments may contradict each other.
            Err(_) => return Ok(None),
        }
        // What is refused may be an event that is sent again, which is in its own way.
        let refused = dispatches.iter().zip(&progress.answers).filter(|(_, it)| it.is_err());
        let refused: Vec<_> = refused.map(|(dispatch, _)| *dispatch).collect();
        if !known_events(&mut *assumption, &refused).await?.is_empty() {
            return Ok(None);
        }
        // Only where it is written does the database tell whether it was there.
        if !absent.iter().all(|(collection, id)| progress.creates(collection, id)) {
            return Ok(None);
        }
        let holds = match self.write(&progress) {
            Some(write) => assumption.commit(&write, head).await?,
            None => assumption.holds(head).await?,
        };
        Ok(holds.then_some(progress))
    }

    async fn commit_holding(
        &mut self,
        warm: Option<WorkingSet>,
        dispatches: &[&Dispatch],
    ) -> Result<Progress, Error> {
        let (mut transaction, head) = self.backend.begin().await?;
        self.is_alone = warm.as_ref().is_none_or(|warm| warm.head == head);
        let working_set = match warm.filter(|warm| warm.head == head) {
            Some(warm) => warm,
            None => {
                let database = Database::partial(self.schemas.values().copied())?;
                WorkingSet { head, database, bytes: 0 }
            }
        };
        let known = known_events(&mut *transaction, dispatches).await?;
        let mut progress = Progress::new(working_set, known);
        self.settle(&mut *transaction, &mut progress, dispatches, None).await?;
        match self.write(&progress) {
            Some(write) => {
                transaction.write(&write).await?;
                transaction.commit().await?;
            }
            None => transaction.rollback().await?,
        }
        Ok(progress)
    }

    /// Returns what is to be written, if anything.
    fn write<'a>(&'a self, progress: &'a Progress) -> Option<Write<'a>> {
        let Progress { working_set, delta, recorded: events, .. } = progress;
        let write = Write { schemas: &self.schemas, delta, events, head: working_set.head };
        (!events.is_empty()).then_some(write)
    }

    fn keep(&mut self, progress: Progress) -> Outcome {
        self.working_set = Some(progress.working_set);
        Outcome { answers: progress.answers, recorded: progress.recorded }
    }

    /// Runs the dispatches in order. One that reads what is not loaded is run again once it is,
    /// and with it all after it: until then those run ahead only to tell what they will read. What
    /// is to be created is assumed to be absent where the assumptions are collected.
    async fn settle(
        &self,
        lookup: &mut dyn Lookup,
        progress: &mut Progress,
        dispatches: &[&Dispatch],
        mut absent: Option<&mut Absent>,
    ) -> Result<(), Error> {
        for _ in 0..FAULT_ROUNDS_MAX {
            let mut faults: BTreeMap<(&str, Wanted), Fault> = BTreeMap::new();
            for dispatch in dispatches.iter().skip(progress.answers.len()) {
                match progress.run_assuming(&self.reducer, dispatch, absent.as_deref_mut())? {
                    Err(Stop::Faults(more)) => faults.extend(
                        more.into_iter()
                            .map(|fault| ((fault.collection(), fault.wanted().clone()), fault)),
                    ),
                    result if faults.is_empty() => progress.settle(result),
                    _ => {}
                }
            }
            if faults.is_empty() {
                return Ok(());
            }
            load(lookup, &mut progress.working_set, faults.values()).await?;
        }
        Err(Error::Damaged(format!(
            "a reducer asked for more documents after {FAULT_ROUNDS_MAX} rounds: it reads without \
             end"
        )))
    }
}

/// Documents that are assumed not to be there: their collections and ids.
type Absent = BTreeSet<(&'static str, Value)>;

/// The dispatches that are settled, and the state after them.
struct Progress {
    working_set: WorkingSet,
    delta: Delta,
    /// Events in the log or in this batch, those whose ids were dispatched.
    known: HashMap<Uuid, Arc<RecordedEvent>>,
    answers: Vec<Answer>,
    recorded: Vec<Arc<RecordedEvent>>,
}

/// A dispatch that ran on the state after those before it.
struct Run {
    database: Database,
    delta: Delta,
    head: Head,
    answer: Vec<Arc<RecordedEvent>>,
    recorded: Vec<Arc<RecordedEvent>>,
}

/// Why a dispatch did not run to its end.
enum Stop {
    Refused(Error),
    Faults(Vec<Fault>),
}

impl Progress {
    fn new(working_set: WorkingSet, known: HashMap<Uuid, Arc<RecordedEvent>>) -> Self {
        let (delta, answers, recorded) = Default::default();
        Self { working_set, delta, known, answers, recorded }
    }

    /// Runs a dispatch, and again as long as all that it lacks may be assumed to be absent.
    fn run_assuming(
        &mut self,
        reducer: &Reducer,
        dispatch: &Dispatch,
        absent: Option<&mut Absent>,
    ) -> Result<Result<Run, Stop>, Error> {
        let Some(absent) = absent else {
            return Ok(self.run(reducer, dispatch));
        };
        loop {
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
    }

    fn run(&self, reducer: &Reducer, dispatch: &Dispatch) -> Result<Run, Stop> {
        let mut run = Run {
            database: self.working_set.database.clone(),
            delta: Delta::default(),
            head: self.working_set.head,
            answer: Vec::with_capacity(dispatch.actions.len()),
            recorded: Vec::new(),
        };
        // After a fault the events that follow run only to tell what they will read.
        let mut faults = Vec::new();
        for (event, action) in dispatch.actions.iter().enumerate() {
            let known = action.id.and_then(|id| {
                let recorded = run.recorded.iter().find(|recorded| recorded.id == id);
                recorded.or_else(|| self.known.get(&id)).cloned()
            });
            if let Some(known) = known {
                if !is_same(action, &known) && faults.is_empty() {
                    let (id, position) = (known.id, known.position);
                    return Err(Stop::Refused(Error::EventIdTaken { event, id, position }));
                }
                run.answer.push(known);
                continue;
            }
            match run.reduce_caught(reducer, event, action) {
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
    fn creates(&self, collection: &str, id: &Value) -> bool {
        let mut collections = self.delta.collections();
        let changes = collections.find(|(name, _)| *name == collection);
        let change = changes.and_then(|(_, changes)| changes.get(id));
        change.is_some_and(|change| change.before.is_none() && change.after.is_some())
    }

    fn settle(&mut self, result: Result<Run, Stop>) {
        match result {
            Ok(run) => {
                self.working_set.head = run.head;
                self.working_set.database = run.database;
                self.working_set.bytes += run.delta.collections().map(written_bytes).sum::<usize>();
                self.delta.merge(run.delta);
                self.known.extend(run.recorded.iter().map(|event| (event.id, Arc::clone(event))));
                self.recorded.extend(run.recorded);
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
        event: usize,
        action: &Action,
    ) -> Result<(), Stop> {
        match catch_unwind(AssertUnwindSafe(|| self.reduce(reducer, action))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Halt::Fault(fault))) => Err(Stop::Faults(vec![fault])),
            Ok(Err(Halt::Rejected(rejection))) => {
                Err(Stop::Refused(Error::Rejected { event, rejection }))
            }
            Err(panic) => Err(Stop::Refused(Error::ReducerPanicked {
                event,
                event_type: action.event_type.clone(),
                message: panic_message(&*panic),
            })),
        }
    }

    fn reduce(&mut self, reducer: &Reducer, action: &Action) -> Result<(), Halt> {
        let position = self.head.position + 1;
        // Time never goes back in the log, whatever the clock does.
        let timestamp = action.timestamp.unwrap_or_else(now).max(self.head.timestamp);
        let action = Action {
            id: Some(action.id.unwrap_or_else(Uuid::now_v7)),
            timestamp: Some(timestamp),
            position: Some(position),
            ..action.clone()
        };
        self.delta.merge(reducer.run(&mut self.database, &action)?);
        if let Some(event) = action.into_recorded() {
            let event = Arc::new(event);
            self.answer.push(Arc::clone(&event));
            self.recorded.push(event);
            self.head = Head { position, timestamp };
        }
        Ok(())
    }
}

async fn known_events(
    lookup: &mut dyn Lookup,
    dispatches: &[&Dispatch],
) -> Result<HashMap<Uuid, Arc<RecordedEvent>>, Error> {
    let actions = dispatches.iter().flat_map(|dispatch| &dispatch.actions);
    let ids: Vec<_> = actions.filter_map(|action| action.id).collect();
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
        working_set.bytes += rows.iter().map(size::of_row).sum::<usize>();
        working_set.bytes += faults.len() * ABSENT_BYTES;
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

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "?".to_owned())
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
