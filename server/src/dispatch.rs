//! One dispatch: events that are recorded together or not at all.

use flux_reducers::{Action, Position, Rejection, Timestamp, Uuid, code};

use crate::clock::now;

/// The events of one dispatch, as the middleware sees them.
///
/// ```
/// use flux_server::Dispatch;
/// use flux_server::reducers::Action;
///
/// let dispatch = Dispatch { actions: vec![Action::new("rung")], ..Dispatch::default() };
/// assert!(dispatch.require_user().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispatch {
    /// The events, in order. Each sees what those before it changed.
    pub actions: Vec<Action>,
    /// Where the log must end for them to be recorded; anywhere where it is `None`.
    pub expected_position: Option<Position>,
}

impl Dispatch {
    /// Returns a rejection unless every event has a user in `meta.user`.
    ///
    /// # Errors
    /// A rejection `invalid_payload` that names the field.
    ///
    /// ```
    /// use flux_server::Dispatch;
    /// use flux_server::reducers::Action;
    ///
    /// let action = Action::new("noteAdded");
    /// assert!(Dispatch { actions: vec![action.clone()], ..Dispatch::default() }.require_user().is_err());
    /// assert!(Dispatch { actions: vec![action.with_meta("user", "ann")], ..Dispatch::default() }.require_user().is_ok());
    /// # use flux_server::reducers::Json;
    /// ```
    pub fn require_user(&self) -> Result<(), Rejection> {
        let has_user = |action: &Action| {
            action.meta("user").and_then(|user| user.as_str()).is_some_and(|user| !user.is_empty())
        };
        if self.actions.iter().all(has_user) {
            return Ok(());
        }
        Err(Rejection::new(code::INVALID_PAYLOAD, "say who you are: `meta.user` is missing")
            .with_field("meta.user"))
    }
}

/// A dispatch with what the store adds to events that come without it. That is made once, however
/// often the events are reduced: what a reducer reads may depend on it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) dispatch: Dispatch,
    /// Of each event.
    pub(crate) ids: Vec<Uuid>,
    /// Of the events that have none.
    pub(crate) timestamp: Timestamp,
}

impl Received {
    pub(crate) fn new(dispatch: Dispatch) -> Self {
        let ids = dispatch.actions.iter().map(|action| action.id.unwrap_or_else(Uuid::now_v7));
        Self { ids: ids.collect(), timestamp: now(), dispatch }
    }

    /// Returns the ids that its events came with.
    pub(crate) fn given_ids(&self) -> impl Iterator<Item = Uuid> {
        self.dispatch.actions.iter().filter_map(|action| action.id)
    }

    /// Returns an event with its id and its time.
    pub(crate) fn action(&self, event: usize) -> Action {
        let (action, id) = (&self.dispatch.actions[event], self.ids[event]);
        let timestamp = action.timestamp.unwrap_or(self.timestamp);
        Action { id: Some(id), timestamp: Some(timestamp), ..action.clone() }
    }
}
