//! One dispatch: events that are recorded together or not at all.

use flux_reducers::{Action, Position, Rejection, Uuid, code};

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
    /// Returns the ids that its events come with.
    pub(crate) fn event_ids(&self) -> impl Iterator<Item = Uuid> {
        self.actions.iter().filter_map(|action| action.id)
    }

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
