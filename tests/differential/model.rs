//! What a dispatch does, over the whole in-memory database: what all others must do too.

use std::collections::HashMap;

use flux_reducers::{
    Action, Database, Delta, Halt, Position, RecordedEvent, Reducer, Rejection, Timestamp, Uuid,
};
use flux_server::Error;
use flux_tests::interpreter::Collections;

use crate::sequence::Dispatched;

/// A whole database and its log, changed by one dispatch after the other.
pub(crate) struct Model {
    pub(crate) reducer: Reducer,
    pub(crate) database: Database,
    pub(crate) position: Position,
    timestamp: Timestamp,
    pub(crate) log: Vec<RecordedEvent>,
    by_id: HashMap<Uuid, RecordedEvent>,
}

/// The events of a dispatch that were run, and what became of the dispatch.
pub(crate) struct Ran {
    pub(crate) events: Vec<(Action, Result<Delta, Rejection>)>,
    pub(crate) answer: Answer,
}

/// The recorded events, or the refusal.
pub(crate) type Answer = Result<Vec<RecordedEvent>, Error>;

impl Model {
    pub(crate) fn new(collections: &Collections) -> Self {
        let reducer = collections.reducer();
        Self {
            database: reducer.database().unwrap(),
            reducer,
            position: 0,
            timestamp: Timestamp::MIN,
            log: Vec::new(),
            by_id: HashMap::new(),
        }
    }

    /// Runs a dispatch: all of it, or nothing.
    pub(crate) fn dispatch(&mut self, dispatched: &Dispatched, expected: Option<Position>) -> Ran {
        let before = (self.database.clone(), self.position, self.timestamp, self.log.len());
        let mut events = Vec::new();
        let answer = self.run(&dispatched.actions, &mut events).and_then(|answer| match expected {
            Some(expected) if expected != before.1 && self.position > before.1 => {
                Err(Error::PositionMoved { expected, head: before.1 })
            }
            _ => Ok(answer),
        });
        if answer.is_err() {
            for event in self.log.split_off(before.3) {
                self.by_id.remove(&event.id);
            }
            (self.database, self.position, self.timestamp) = (before.0, before.1, before.2);
        }
        Ran { events, answer }
    }

    fn run(
        &mut self,
        actions: &[Action],
        ran: &mut Vec<(Action, Result<Delta, Rejection>)>,
    ) -> Answer {
        let mut answer = Vec::new();
        for (event, action) in actions.iter().enumerate() {
            let id = action.id.unwrap();
            if let Some(known) = self.by_id.get(&id) {
                if !is_same(action, known) {
                    return Err(Error::EventIdTaken { event, id, position: known.position });
                }
                answer.push(known.clone());
                continue;
            }
            let action = Action {
                // Time never goes back.
                timestamp: action.timestamp.max(Some(self.timestamp)),
                position: Some(self.position + 1),
                ..action.clone()
            };
            match self.reducer.run(&mut self.database, &action) {
                Ok(delta) => ran.push((action.clone(), Ok(delta))),
                Err(Halt::Fault(fault)) => panic!("the whole database has a fault: {fault}"),
                Err(Halt::Rejected(rejection)) => {
                    ran.push((action, Err(rejection.clone())));
                    return Err(Error::Rejected { event, rejection });
                }
            }
            let recorded = action.into_recorded().unwrap();
            self.position = recorded.position;
            self.timestamp = recorded.timestamp;
            self.by_id.insert(id, recorded.clone());
            self.log.push(recorded.clone());
            answer.push(recorded);
        }
        Ok(answer)
    }
}

/// Whether an action is what was recorded under its id. Its own time may have been moved on, as
/// time never goes back.
fn is_same(action: &Action, recorded: &RecordedEvent) -> bool {
    action.event_type == recorded.event_type
        && action.payload == recorded.payload
        && action.meta == recorded.meta
        && action.error == recorded.error
        && action.timestamp <= Some(recorded.timestamp)
}
