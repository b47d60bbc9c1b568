//! Running the log again, in memory: forwards by the reducers, backwards by the history.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flux_reducers::__private::EventText;
use flux_reducers::{
    Database, Delta, Document as _, Filter, Halt, Position, Query, RecordedEvent, Reducer, Value,
};

use serde::de::IgnoredAny;

use crate::backend::Backend;
use crate::backend::event_texts::EventTexts;
use crate::backend::history::{self, Changed};
use crate::error::Error;
use crate::reading::{self, PlannedQuery};
use crate::{backend, panic};

/// Applies the events after a position, up to another one.
pub(crate) async fn forwards(
    backend: &dyn Backend,
    reducer: &Reducer,
    database: Database,
    from: Position,
    to: Position,
) -> Result<Database, Error> {
    let reducer = reducer.clone();
    let read = |sender| backend.events(from, to, sender);
    let applied =
        reading::taken_apart(read, (database, from), move |(database, reached), events| {
            let events: EventTexts = events;
            for event in events.iter() {
                *reached += 1;
                if event.position != *reached {
                    return Err(missing(*reached));
                }
                apply(&reducer, database, &event)?;
            }
            Ok(())
        });
    let (database, reached) = applied.await?;
    if reached == to { Ok(database) } else { Err(missing(reached + 1)) }
}

/// Takes back what the events after a position changed, up to another one that the database is at.
pub(crate) async fn backwards(
    backend: &dyn Backend,
    database: Database,
    from: Position,
    to: Position,
) -> Result<Database, Error> {
    let state = (database, HashSet::new());
    let changes = [between(history::SCHEMA, to, from)?];
    let taken = reading::fold(backend, &changes, state, |(database, seen), _, row| {
        let changed = Changed::from_row(&row).map_err(|error| damaged(&error))?;
        let Changed { collection, document, before, .. } = changed;
        let schema = database.schema(&collection).map_err(Error::Query)?;
        let id = Value::from_json(document.as_value(), &schema.id_field().kind);
        let id = id.map_err(|error| damaged(&error))?;
        // Of several changes of a document the first one tells what it was before all of them.
        if !seen.insert((schema.collection, id.clone())) {
            return Ok(());
        }
        let before = before.map(|before| schema.row_from_json(before.as_value()));
        let before = before.transpose().map_err(|error| damaged(&error))?;
        database.put(schema.collection, &id, before).map_err(Error::Query)
    });
    let database = taken.await?.0.0;
    if !database.schemas().any(backend::is_log) {
        return Ok(database);
    }
    let events = [between(RecordedEvent::SCHEMA, to, from)?];
    let taken = reading::fold(backend, &events, database, |database, _, row| {
        let log = RecordedEvent::SCHEMA;
        database.put(log.collection, log.id_of(&row), None).map_err(Error::Query)
    });
    Ok(taken.await?.0)
}

/// Applies one event of the log.
fn apply(reducer: &Reducer, database: &mut Database, event: &EventText<'_>) -> Result<(), Error> {
    let EventText { position, id, event_type, .. } = *event;
    caught(|| reducer.replay_incoming(database, event)).map_err(|reason| match unreadable(event) {
        Some(damage) => Error::beyond_rebuild(damage),
        None => Error::ReplayStopped { position, id, event_type: event_type.to_owned(), reason },
    })
}

/// Tells what of an event can't be read: then that it was not accepted is no fault of the reducer's.
fn unreadable(event: &EventText<'_>) -> Option<String> {
    let EventText { position, id, .. } = *event;
    let parts = [("payload", event.payload), ("meta", event.meta)];
    parts.into_iter().find_map(|(name, text)| {
        let error = serde_json::from_str::<IgnoredAny>(text?).err()?;
        Some(format!("event {id} at position {position} of the log: `{name}`: {error}"))
    })
}

/// Applies one event of the log, and returns what it changed.
pub(crate) fn changed(
    reducer: &Reducer,
    database: &mut Database,
    event: RecordedEvent,
) -> Result<Delta, Error> {
    let (position, id, event_type) = (event.position, event.id, event.event_type.clone());
    let action = event.into();
    caught(|| reducer.run(database, &action)).map_err(|reason| Error::ReplayStopped {
        position,
        id,
        event_type,
        reason,
    })
}

/// Runs a reducer, and tells why it stopped.
fn caught<T>(run: impl FnOnce() -> Result<T, Halt>) -> Result<T, String> {
    Err(match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(Halt::Rejected(rejection))) => rejection.to_string(),
        Ok(Err(Halt::Fault(fault))) => {
            format!("it reads `{}`, which is not there", fault.collection())
        }
        Err(panic) => format!("the reducer panicked: {}", panic::message(&*panic)),
    })
}

/// Returns the query of a table's rows after a position, up to another one, in their order.
pub(crate) fn between(
    schema: &'static flux_reducers::Schema,
    after: Position,
    to: Position,
) -> Result<PlannedQuery, Error> {
    let range = Filter::gt("position", after) & Filter::le("position", to);
    let query = Query::from(range).ascending("position");
    Ok((schema, query.plan(schema).map_err(Error::Query)?))
}

/// Tells that the log has a gap.
pub(crate) fn missing(position: Position) -> Error {
    Error::beyond_rebuild(format!("the log has no event at position {position}"))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::Damaged(format!("the history: {error}"))
}
