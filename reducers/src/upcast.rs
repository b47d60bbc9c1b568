//! Old shapes of events, read as new ones.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::action::Action;
use crate::incoming::Incoming;
use crate::rejection::Rejection;
use crate::version;

/// Functions that read an event of an older version as one of the next.
///
/// The log keeps events as they were recorded; reducers see the newest version of each. The version
/// stands in `meta.version` of an event and is 1 where it does not; `#[event(version = ..)]` of
/// [`Event`](crate::Event) writes it.
///
/// ```
/// use flux_reducers::{Action, Json, Upcasts};
/// use serde_json::json;
///
/// // Version 1 had one name, version 2 has two.
/// let upcasts = Upcasts::default().from_version("personAdded", 1, |action: Action| {
///     let name = action.payload.as_ref().and_then(|it| it.as_value()["name"].as_str());
///     let (first, last) = name.and_then(|it| it.split_once(' ')).unwrap_or_default();
///     Ok(Action { payload: Some(json!({ "first": first, "last": last }).into()), ..action })
/// });
/// let old = Action::new("personAdded").with_payload(Json::from(json!({ "name": "Ann Lee" })));
/// let new = upcasts.apply(old)?;
/// assert_eq!(new.payload.unwrap().as_value()["last"], "Lee");
/// # Ok::<(), flux_reducers::Rejection>(())
/// ```
#[derive(Clone, Default)]
pub struct Upcasts(BTreeMap<String, BTreeMap<u32, Arc<Upcast>>>);

type Upcast = dyn Fn(Action) -> Result<Action, Rejection> + Send + Sync;

impl Upcasts {
    /// Reads events of a type and version as the version after it, or as another type, whose
    /// versions begin at 1 again.
    ///
    /// ```
    /// # use flux_reducers::{Action, Upcasts};
    /// let upcasts = Upcasts::default().from_version("noteDeleted", 1, |action| {
    ///     Ok(Action { event_type: "noteRemoved".into(), ..action })
    /// });
    /// assert_eq!(upcasts.apply(Action::new("noteDeleted"))?.event_type, "noteRemoved");
    /// # Ok::<(), flux_reducers::Rejection>(())
    /// ```
    #[must_use]
    pub fn from_version(
        mut self,
        event_type: impl Into<String>,
        version: u32,
        upcast: impl Fn(Action) -> Result<Action, Rejection> + Send + Sync + 'static,
    ) -> Self {
        self.0.entry(event_type.into()).or_default().insert(version, Arc::new(upcast));
        self
    }

    /// Returns the newest version of an event.
    ///
    /// # Errors
    /// What an upcast refuses.
    ///
    /// ```
    /// # use flux_reducers::{Action, Upcasts};
    /// let known = Action::new("noteAdded");
    /// assert_eq!(Upcasts::default().apply(known.clone())?, known);
    /// # Ok::<(), flux_reducers::Rejection>(())
    /// ```
    pub fn apply(&self, mut action: Action) -> Result<Action, Rejection> {
        // Each is used once at the most: two types that are read as each other end somewhere.
        let steps = self.0.values().map(BTreeMap::len).sum();
        for _ in 0..steps {
            let version = version::of_action(&action);
            let of_type = self.0.get(&action.event_type);
            let Some(upcast) = of_type.and_then(|versions| versions.get(&version)) else {
                break;
            };
            let event_type = action.event_type.clone();
            action = upcast(action)?;
            let is_renamed = action.event_type != event_type;
            let next = if is_renamed { 1 } else { version.saturating_add(1) };
            action = version::stamped(action, next);
        }
        Ok(action)
    }

    /// Returns the types of which it reads a version.
    #[doc(hidden)]
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Tells whether an event is one that it reads as another. Of types that it does not know
    /// nothing is read.
    pub(crate) fn reads(&self, incoming: &dyn Incoming) -> Result<bool, Rejection> {
        match self.0.get(incoming.event_type()) {
            Some(versions) => Ok(versions.contains_key(&version::of(incoming)?)),
            None => Ok(false),
        }
    }
}

impl fmt::Debug for Upcasts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.iter().map(|(event_type, versions)| (event_type, versions.keys()));
        formatter.debug_map().entries(steps).finish()
    }
}
