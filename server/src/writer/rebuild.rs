//! A rebuild: the log is run again into new tables, beside those in use, which it then replaces.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_reducers::{
    Document as _, Fault, Position, RecordedEvent, Reducer, Row, Schema, Timestamp, Uuid,
};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::progress::{Progress, WorkingSet};
use crate::backend::{Backend, Built, Demand, Head, Lookup, Part, Settings, Transaction};
use crate::dispatch::{Dispatch, Received};
use crate::error::Error;
use crate::{backend, generations, log, replay, size};

/// Events whose changes are written together, and where others wait for each write.
const EVENTS_AT_ONCE: usize = 256;
const EVENTS_AT_ONCE_OF_ONE_WRITER: usize = 128;

/// Bytes of events from which on fewer are.
const BYTES_AT_ONCE: usize = 8 * 1024 * 1024;

/// Events that are read in one transaction.
const EVENTS_IN_ONE_READ: Position = 20_000;

/// Events that are read together while the head is held.
const EVENTS_IN_ONE_HELD_READ: Position = 256;

/// Events that may be missing when the head is held for the last of them, and how long those of a
/// fast rebuild may take: others wait for the head meanwhile.
const BEHIND_AT_THE_SWAP: Position = 64;
const SWAP_S: f64 = 0.005;

/// How often what others wait for is doubled.
const DOUBLED_MAX: u32 = 16;

/// How often callers are made to wait where they are about as fast as a rebuild, and how long they
/// go on in between.
const HOLDS: usize = 10;
const BETWEEN_HOLDS: Duration = Duration::from_millis(10);

/// Bytes of documents that are kept from one write to the next.
const WORKING_SET_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How far a rebuild is.
///
/// ```
/// use flux_server::RebuildProgress;
///
/// let told = |it: &RebuildProgress| format!("{} of {}, {:.0} events/s", it.position, it.head, it.rate);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RebuildProgress {
    /// The last event that is in the new tables.
    pub position: Position,
    /// The last event of the log.
    pub head: Position,
    /// Events in a second, since it began.
    pub rate: f64,
    /// How long the rest will take at this rate.
    pub left: Duration,
}

/// Runs the log into new tables until they have all of it, and lets them take the place of the
/// others. Events are dispatched and documents are read meanwhile; only for the last few events the
/// head is held.
pub(crate) async fn rebuild(
    live: Arc<dyn Backend>,
    reducer: &Reducer,
    schemas: &[&'static Schema],
    (settings, demand): (&Settings, Demand),
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<(), Error> {
    let own = generations::exclusively(&*live).await?;
    let done = build(Arc::clone(&live), reducer, schemas, (settings, demand), progress).await;
    if done.is_ok() {
        generations::drop_marked(&*live).await;
    }
    own.end().await;
    done
}

async fn build(
    live: Arc<dyn Backend>,
    reducer: &Reducer,
    schemas: &[&'static Schema],
    (settings, demand): (&Settings, Demand),
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<(), Error> {
    let owner = Uuid::now_v7();
    let Some((shadow, built)) = live.shadow(schemas, settings, demand, owner).await? else {
        return Ok(());
    };
    // Now, for they may be as large as what is built.
    generations::drop_marked(&*live).await;
    let schemas: BTreeMap<_, _> =
        schemas.iter().map(|schema| (schema.collection, *schema)).collect();
    let mut rebuild = Rebuild {
        shadow: Arc::clone(&shadow),
        owner,
        reducer,
        schemas: Arc::new(schemas),
        working_set: None,
        position: built,
        began: (Instant::now(), built),
        doubled: 0,
    };
    let done = rebuild.run(&*live, progress).await;
    let working_set = rebuild.working_set.take();
    // To free it takes long, and callers wait for the new store.
    tokio::task::spawn_blocking(move || drop(working_set));
    if let Err(error) = &done {
        // The answer to the swap may be lost, and the swap done.
        let is_swapped =
            async { live.head().await.is_ok_and(|head| head.generation == shadow.generation()) };
        if error.is_ambiguous() && is_swapped.await {
            return Ok(());
        }
        // What these reducers made of the events before, mended ones may make otherwise.
        let built =
            if let Error::ReplayStopped { .. } = error { Built::Dropped } else { Built::Left };
        // Who was taken over read what another wrote: whatever it says of it means nothing.
        if let Err(Error::RebuildUnderWay) = shadow.abandon(owner, built).await {
            return Err(Error::RebuildUnderWay);
        }
    }
    done
}

struct Rebuild<'a> {
    shadow: Arc<dyn Backend>,
    /// By which the database knows that nobody has taken it over.
    owner: Uuid,
    reducer: &'a Reducer,
    schemas: Arc<BTreeMap<&'static str, &'static Schema>>,
    working_set: Option<WorkingSet>,
    position: Position,
    /// When, and after which event.
    began: (Instant, Position),
    /// How often what others wait for was not enough to gain on them.
    doubled: u32,
}

/// A transaction that holds the head: nobody else writes.
struct Holding {
    transaction: Box<dyn Transaction>,
    head: Head,
    since: Instant,
}

impl Rebuild<'_> {
    async fn run(
        &mut self,
        live: &dyn Backend,
        progress: &mut (dyn FnMut(RebuildProgress) + Send),
    ) -> Result<(), Error> {
        let mut head = live.head().await?;
        while !self.swap(live, head.position).await? {
            // A read of the whole log would keep the database from cleaning up behind writers. What was
            // written while the head was held may be beyond what was known of it.
            let end = head.position.max(self.position);
            let behind = end - self.position;
            let written = behind.min(EVENTS_IN_ONE_READ);
            let to = self.position + written;
            self.follow(live, to, &mut |rebuild| progress(rebuild.progress(end))).await?;
            head = live.head().await?;
            if head.position - end > written / 10 * 9 {
                self.gain(live).await?;
                head = live.head().await?;
                self.double_if(behind - (head.position - self.position) < written / 10);
            }
        }
        progress(self.progress(self.position));
        Ok(())
    }

    /// Holds the head and makes the new tables the live ones, if there are few enough events to wait
    /// for them; returns whether they are.
    async fn swap(&mut self, live: &dyn Backend, head: Position) -> Result<bool, Error> {
        if head - self.position > self.affordable() {
            return Ok(false);
        }
        let Some(Holding { mut transaction, head, since }) = self.hold(live).await? else {
            return Ok(false);
        };
        let has_all = self.position == head.position;
        if has_all {
            transaction.swap(head, self.owner).await?;
        }
        transaction.commit().await?;
        self.double_if(!has_all);
        if has_all {
            let held_ms = since.elapsed().as_millis();
            tracing::info!(
                position = self.position,
                held_ms,
                "the tables are swapped: those of before are kept"
            );
        }
        Ok(has_all)
    }

    /// Gains on callers who are about as fast as this: they wait a little, again and again.
    async fn gain(&mut self, live: &dyn Backend) -> Result<(), Error> {
        for _ in 0..HOLDS {
            let Some(holding) = self.hold(live).await? else { break };
            holding.transaction.commit().await?;
            tokio::time::sleep(BETWEEN_HOLDS).await;
        }
        Ok(())
    }

    /// Lets others wait for twice as much from now on: callers whose batches are larger than that would
    /// be ahead for ever.
    fn double_if(&mut self, is_too_little: bool) {
        self.doubled = (self.doubled + u32::from(is_too_little)).min(DOUBLED_MAX);
    }

    /// Writes what the events up to one changed, some at a time.
    async fn follow(
        &mut self,
        live: &dyn Backend,
        to: Position,
        written_some: &mut (dyn FnMut(&Self) + Send),
    ) -> Result<(), Error> {
        let plans = [replay::between(RecordedEvent::SCHEMA, self.position, to)?];
        let has_one_writer = live.has_one_writer();
        let at_once = if has_one_writer { EVENTS_AT_ONCE_OF_ONE_WRITER } else { EVENTS_AT_ONCE };
        let (sender, parts) = mpsc::channel(4);
        let written = async {
            // Its own: where a write fails nobody takes any more, and the reading ends.
            let mut parts = parts;
            let (mut waiting, mut bytes) = (Vec::new(), 0);
            while let Some(part) = parts.recv().await {
                let Part::Rows { rows, .. } = part else { continue };
                for row in rows {
                    bytes += size::of_row(&row);
                    waiting.push(received(log::event(&row)?));
                    if waiting.len() == at_once || bytes > BYTES_AT_ONCE {
                        bytes = 0;
                        self.write(&std::mem::take(&mut waiting)).await?;
                        written_some(self);
                    }
                }
            }
            self.write(&waiting).await
        };
        let (read, written) = tokio::join!(live.read(&plans, sender), written);
        written.and(read)?;
        if self.position == to { Ok(()) } else { Err(replay::missing(self.position + 1)) }
    }

    async fn write(&mut self, events: &[Received]) -> Result<(), Error> {
        let from = self.position;
        match self.write_together(events).await {
            Err(error) if is_refusal(&error) => {
                let written = usize::try_from(self.position - from).unwrap_or_default();
                self.write_one_by_one(&events[written..]).await
            }
            done => done,
        }
    }

    /// Finds which of the events makes what the database refuses.
    async fn write_one_by_one(&mut self, events: &[Received]) -> Result<(), Error> {
        for event in events {
            match self.write_together(std::slice::from_ref(event)).await {
                Err(error) if is_refusal(&error) => return Err(stopped(event, &error)),
                done => done?,
            }
        }
        Ok(())
    }

    async fn write_together(&mut self, events: &[Received]) -> Result<(), Error> {
        let shadow = Arc::clone(&self.shadow);
        let mut rest = events;
        while !rest.is_empty() {
            let progress = {
                let mut lookup = shadow.background();
                self.settle(rest, &mut *lookup).await?
            };
            rest = &rest[progress.answers().len()..];
            let mut transaction = shadow.begin_build().await?;
            self.build(&mut *transaction, progress).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Holds the head and writes the next events, as many as others can wait for. None where the
    /// database refuses what one of them makes: to find which is not for others to wait for.
    async fn hold(&mut self, live: &dyn Backend) -> Result<Option<Holding>, Error> {
        let from = self.position;
        match self.write_holding(live, 2 * self.affordable()).await {
            Err(error) if is_refusal(&error) => {
                (self.position, self.working_set) = (from, None);
                Ok(None)
            }
            holding => holding.map(Some),
        }
    }

    async fn write_holding(
        &mut self,
        live: &dyn Backend,
        most: Position,
    ) -> Result<Holding, Error> {
        let shadow = Arc::clone(&self.shadow);
        let (mut transaction, head) = shadow.begin().await?;
        let since = Instant::now();
        if head.generation != live.generation() {
            return Err(Error::RebuildUnderWay);
        }
        let to = head.position.min(self.position + most);
        while self.position < to {
            // On the connection that holds the head: others wait, and it has its plans already.
            let end = to.min(self.position + EVENTS_IN_ONE_HELD_READ);
            let missing = transaction.events(self.position, end).await?;
            let missing: Vec<Received> = missing.into_iter().map(received).collect();
            let mut rest = missing.as_slice();
            while !rest.is_empty() {
                let progress = self.settle(rest, &mut *transaction).await?;
                rest = &rest[progress.answers().len()..];
                self.build(&mut *transaction, progress).await?;
            }
            if self.position < end {
                return Err(replay::missing(self.position + 1));
            }
        }
        Ok(Holding { transaction, head, since })
    }

    /// Runs events after those before: the first ones, as many as one write should take.
    async fn settle(
        &mut self,
        events: &[Received],
        lookup: &mut dyn Lookup,
    ) -> Result<Progress, Error> {
        for (position, event) in (self.position + 1..).zip(events) {
            if event.action(0).position != Some(position) {
                return Err(replay::missing(position));
            }
        }
        let working_set = match self.working_set.take() {
            Some(working_set) => working_set,
            None => {
                let schemas = self.schemas.values().copied();
                WorkingSet::empty(head_at(self.position), schemas, self.shadow.keeps_history())?
            }
        };
        let mut progress = Progress::new(working_set, HashMap::new());
        let all: Vec<&Received> = events.iter().collect();
        let mut lookup = UpTo { position: self.position, lookup };
        progress.settle(self.reducer, &mut lookup, &all, None).await?;
        for (event, answer) in events.iter().zip(progress.answers()) {
            if let Err(error) = answer {
                return Err(stopped(event, error));
            }
        }
        Ok(progress)
    }

    async fn build(
        &mut self,
        transaction: &mut dyn Transaction,
        progress: Progress,
    ) -> Result<(), Error> {
        if let Some(write) = progress.write(&self.schemas) {
            transaction.build(&write, self.owner, self.position).await?;
        }
        let (working_set, _) = progress.end();
        self.position = working_set.head.position;
        self.working_set = (working_set.bytes <= WORKING_SET_BYTES_MAX).then_some(working_set);
        Ok(())
    }

    /// How many events may be missing when the head is held.
    fn affordable(&self) -> Position {
        #[expect(clippy::cast_possible_truncation, reason = "a number of events")]
        let of_time = (self.progress(self.position).rate * SWAP_S) as Position;
        of_time.max(BEHIND_AT_THE_SWAP) << self.doubled
    }

    fn progress(&self, head: Position) -> RebuildProgress {
        let (began, first) = self.began;
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
        let (done, left) = ((self.position - first) as f64, (head - self.position) as f64);
        let rate = done / began.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        let left = Duration::try_from_secs_f64(left / rate).unwrap_or_default();
        RebuildProgress { position: self.position, head, rate, left }
    }
}

/// Looks up as if the log ended at a position: a reducer that reads it sees no event to come.
struct UpTo<'a> {
    position: Position,
    lookup: &'a mut dyn Lookup,
}

impl Lookup for UpTo<'_> {
    fn events_by_id<'a>(
        &'a mut self,
        ids: &'a [Uuid],
    ) -> BoxFuture<'a, Result<HashMap<Uuid, RecordedEvent>, Error>> {
        Box::pin(async {
            let mut events = self.lookup.events_by_id(ids).await?;
            events.retain(|_, event| event.position <= self.position);
            Ok(events)
        })
    }

    fn load<'a>(&'a mut self, faults: &'a [&'a Fault]) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        Box::pin(async {
            let rows = self.lookup.load(faults).await?;
            if !faults.iter().any(|fault| backend::is_log(fault.schema())) {
                return Ok(rows);
            }
            let mut before = Vec::with_capacity(rows.len());
            for row in rows {
                if log::event(&row)?.position <= self.position {
                    before.push(row);
                }
            }
            Ok(before)
        })
    }
}

/// An event of the log, as a dispatch that gives the same event.
fn received(event: RecordedEvent) -> Received {
    Received::new(Dispatch { actions: vec![event.into()], ..Dispatch::default() })
}

/// Whether the database will not take what an event makes, however often it is tried.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::TooLarge { .. } | Error::Refused(_))
}

fn head_at(position: Position) -> Head {
    Head { position, timestamp: Timestamp::MIN, event_id: None, generation: 0 }
}

fn stopped(event: &Received, error: &Error) -> Error {
    let action = event.action(0);
    Error::ReplayStopped {
        position: action.position.unwrap_or_default(),
        id: event.ids[0],
        event_type: action.event_type,
        reason: match error {
            Error::Rejected { rejection, .. } => rejection.to_string(),
            error => error.to_string(),
        },
    }
}
