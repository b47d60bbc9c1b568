//! How a store is opened: its name, its middleware, its tasks.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flux_reducers::{Reducer, aggregate_reducers, event_log_reducer};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};

use super::{DispatchService, Inner, Jobs, Recorded, Store, rebuild};
use crate::backend::{self, Settings};
use crate::dispatch::Dispatch;
use crate::error::{Error, without_password};
use crate::feed::Feed;
use crate::lock::lock;
use crate::size;
use crate::snapshot::{self, SnapshotPolicy, Snapshots};
use crate::watcher;
use crate::writer::{self, Job};

/// How often the log is looked at for what other servers wrote, unless told.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long a dispatch waits for its answer. The event may be recorded all the same: whoever
/// dispatches it again with the same id gets the answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Events in one dispatch: what fits a transaction that others wait for.
const DISPATCH_EVENTS_MAX: usize = 1000;

/// What happens where the reducers, or their schemas, are others than those that made the tables.
///
/// ```
/// use flux_server::OnChange;
///
/// assert_eq!(OnChange::default(), OnChange::Refuse);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnChange {
    /// The store does not open: what is in the tables is not what these reducers would make.
    #[default]
    Refuse,
    /// The tables are [rebuilt](StoreBuilder::rebuild) before the store opens; those that were kept
    /// from the time before are dropped in the end. Of several servers one does it, and the others wait
    /// for it. A server whose reducers have a lower version than those that made the tables does not
    /// open: it is an old one that starts again.
    Rebuild,
}

/// How a store is opened.
///
/// ```
/// # use flux_server::{Error, Store};
/// # use flux_server::reducers::aggregate_reducers;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let store = Store::builder(aggregate_reducers([]), "sqlite::memory:").open().await?;
/// # store.close().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is opened"]
pub struct StoreBuilder {
    pub(super) reducer: Reducer,
    pub(super) url: String,
    pub(super) settings: Settings,
    poll_interval: Duration,
    snapshot_policy: SnapshotPolicy,
    on_change: OnChange,
    pub(super) replaces_previous: bool,
    pub(super) downgrades: bool,
    reads_log_only: bool,
    layers: Vec<Box<dyn FnOnce(DispatchService) -> DispatchService + Send>>,
}

impl StoreBuilder {
    pub(super) fn new(reducer: Reducer, url: String) -> Self {
        let layers = Vec::new();
        let (snapshot_policy, on_change) = Default::default();
        let settings = Settings { version: reducer.version(), ..Settings::default() };
        let poll_interval = POLL_INTERVAL;
        Self {
            reducer,
            url,
            settings,
            poll_interval,
            snapshot_policy,
            on_change,
            replaces_previous: false,
            downgrades: false,
            reads_log_only: false,
            layers,
        }
    }

    /// Sets what the names of the store's tables begin with, so that several stores, one a tenant
    /// say, share a database. None unless set.
    ///
    /// A lower-case letter, then lower-case letters and digits, at most 12.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let builder = Store::builder(aggregate_reducers([]), "sqlite::memory:");
    /// let store = builder.namespace("acme").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.namespace = Some(namespace.into());
        self
    }

    /// Keeps which event changed which document, and what it was before: see
    /// [`Store::history`](Store::history). It costs a row for each change of a document.
    ///
    /// A store keeps its history from its first event on, or not at all. Once it is kept it stays
    /// so, also where this is not called.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let builder = Store::builder(aggregate_reducers([]), "sqlite::memory:");
    /// let store = builder.keep_history().open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn keep_history(mut self) -> Self {
        self.settings.wants_history = true;
        self
    }

    /// Adds a middleware on dispatch: a tower layer. The first one added is the outermost.
    ///
    /// A middleware that logs:
    /// ```
    /// # use flux_server::reducers::{Action, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flux_server::Error> {
    /// use flux_server::{Dispatch, Store};
    /// use tower::util::MapRequestLayer;
    ///
    /// let logging = MapRequestLayer::new(|dispatch: Dispatch| {
    ///     for action in &dispatch.actions {
    ///         println!("dispatching {}", action.event_type);
    ///     }
    ///     dispatch
    /// });
    /// # let reducer = aggregate_reducers([]);
    /// let store = Store::builder(reducer, "sqlite::memory:").layer(logging).open().await?;
    /// store.dispatch(&Action::new("somethingHappened")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// One that refuses events without a user:
    /// ```
    /// # use flux_server::reducers::{Action, Json, aggregate_reducers};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flux_server::Error> {
    /// use flux_server::{Dispatch, Error, Store};
    /// use tower::ServiceExt;
    /// use tower::layer::layer_fn;
    ///
    /// let with_user = layer_fn(|inner: flux_server::DispatchService| {
    ///     inner.filter(|dispatch: Dispatch| match dispatch.require_user() {
    ///         Ok(()) => Ok(dispatch),
    ///         Err(rejection) => Err(Error::from(rejection)),
    ///     })
    /// });
    /// # let reducer = aggregate_reducers([]);
    /// let store = Store::builder(reducer, "sqlite::memory:").layer(with_user).open().await?;
    /// let action = Action::new("somethingHappened");
    /// assert!(store.dispatch(&action).await.is_err());
    /// # let user: Json = serde_json::json!("ann").into();
    /// assert!(store.dispatch(&action.with_meta("user", user)).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<DispatchService> + Send + 'static,
        L::Service: Service<Dispatch, Response = Recorded> + Clone + Send + Sync + 'static,
        <L::Service as Service<Dispatch>>::Future: Send + 'static,
        <L::Service as Service<Dispatch>>::Error: Into<tower::BoxError> + 'static,
    {
        self.layers.push(Box::new(move |inner| {
            let service = layer.layer(inner);
            BoxCloneSyncService::new(service.map_err(|error| Error::from(error.into())))
        }));
        self
    }

    /// Sets how often the log is looked at for what other servers wrote; 1 s unless told. On
    /// PostgreSQL they tell each other, and this is for what is missed.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let builder = Store::builder(aggregate_reducers([]), "sqlite::memory:");
    /// let store = builder.poll_interval(std::time::Duration::from_millis(100)).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets when snapshots are taken, in the background: the time machine begins there. None are
    /// unless told.
    ///
    /// ```
    /// # use flux_server::{Error, SnapshotPolicy, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let builder = Store::builder(aggregate_reducers([]), "sqlite::memory:");
    /// let policy = SnapshotPolicy::default().every_events(50_000);
    /// let store = builder.snapshots(policy).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.snapshot_policy = policy;
        self
    }

    /// Sets what happens where the reducers, or their schemas, are others than those that made the
    /// tables. The store does not open unless told.
    ///
    /// ```
    /// # use flux_server::{Error, OnChange, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let builder = Store::builder(aggregate_reducers([]), "sqlite::memory:");
    /// let store = builder.on_change(OnChange::Rebuild).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    /// Makes it open the store as a command needs it, beside servers: it begins no rebuild, takes no
    /// snapshots by itself, and records events as they are, whatever a middleware thinks of them.
    #[cfg(feature = "command-line")]
    pub(crate) fn for_command(mut self) -> Self {
        (self.on_change, self.snapshot_policy) = Default::default();
        self.layers.clear();
        self
    }

    /// Makes it refuse a database that has no store yet.
    #[cfg(feature = "command-line")]
    pub(crate) const fn existing(mut self) -> Self {
        self.settings.must_exist = true;
        self
    }

    /// Makes it take the tables of any reducers: only the log is read.
    #[cfg(feature = "command-line")]
    pub(crate) const fn for_log(mut self) -> Self {
        self.reads_log_only = true;
        self
    }

    /// Opens the store.
    ///
    /// # Errors
    /// When the database can't be opened, or its tables do not fit the schemas.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let store = Store::builder(aggregate_reducers([]), "sqlite::memory:").open().await?;
    /// assert_eq!(store.position().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(self) -> Result<Store, Error> {
        let with_log = aggregate_reducers([self.reducer.clone(), event_log_reducer()]);
        // Refuses schemas that no database can hold, before any table is made.
        let collections = with_log.database()?;
        let schemas = with_log.schemas();
        let checked = (!self.reads_log_only).then_some(&schemas[..]);
        let backend = match backend::open(&self.url, &self.settings, checked).await {
            Err(error) if error.is_cured_by_rebuild() && self.on_change == OnChange::Rebuild => {
                tracing::info!(because = %error, "rebuilding the tables");
                rebuild::where_newer(&self.url, &self.settings, &self.reducer, &schemas).await?;
                backend::open(&self.url, &self.settings, Some(&schemas)).await?
            }
            opened => opened?,
        };
        let feed = Arc::new(Feed::new(backend.head().await?.position));
        let (sender, receiver) = mpsc::channel(writer::WAITING_MAX);
        let reducer = self.reducer;
        let writer =
            writer::run(Arc::clone(&backend), reducer.clone(), Arc::clone(&feed), receiver);
        let snapshots = Snapshots::new(Arc::clone(&backend), &reducer)?;
        if !self.snapshot_policy.is_never() {
            let feed = Arc::downgrade(&feed);
            tokio::spawn(snapshot::run(snapshots.clone(), self.snapshot_policy, feed));
        }
        if backend.is_shared() {
            let feed = Arc::downgrade(&feed);
            let uses_tables = !self.reads_log_only;
            let watched = watcher::run(Arc::clone(&backend), feed, self.poll_interval, uses_tables);
            tokio::spawn(watched);
        }
        let jobs: Jobs = Arc::new(Mutex::new(Some(sender)));
        let service =
            self.layers.into_iter().rev().fold(innermost(&jobs), |inner, layer| layer(inner));
        let inner = Inner {
            backend,
            reducer,
            snapshots,
            past: Arc::default(),
            collections,
            schemas,
            feed: Mutex::new(Some(feed)),
            jobs,
            writer: Mutex::new(Some(tokio::spawn(writer))),
        };
        Ok(Store { inner: Arc::new(inner), service })
    }
}

/// The service below all middleware: hands the dispatch to the writer and waits for its answer.
fn innermost(jobs: &Jobs) -> DispatchService {
    let jobs = Arc::clone(jobs);
    let room = Arc::new(Semaphore::new(writer::WAITING_BYTES_MAX));
    BoxCloneSyncService::new(tower::service_fn(move |dispatch: Dispatch| {
        let (jobs, room) = (lock(&jobs).clone(), Arc::clone(&room));
        async move {
            let found = dispatch.actions.len();
            if found > DISPATCH_EVENTS_MAX {
                return Err(Error::TooManyEvents { found, most: DISPATCH_EVENTS_MAX });
            }
            let bytes: usize = dispatch.actions.iter().map(size::of_action).sum();
            let busy = Error::Busy { waiting: writer::WAITING_MAX };
            // A dispatch that is larger than all that may wait goes alone.
            let share = u32::try_from(bytes.min(writer::WAITING_BYTES_MAX)).unwrap_or(u32::MAX);
            let room = room.try_acquire_many_owned(share).map_err(|_| busy)?;
            let (answer, answered) = oneshot::channel();
            jobs.ok_or(Error::Closed)?.try_send(Job::new(dispatch, bytes, room, answer)).map_err(
                |error| match error {
                    mpsc::error::TrySendError::Full(_) => {
                        Error::Busy { waiting: writer::WAITING_MAX }
                    }
                    mpsc::error::TrySendError::Closed(_) => Error::Closed,
                },
            )?;
            match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
                Ok(answer) => answer.map_err(|_| Error::Closed)?,
                Err(_) => Err(Error::Unanswered { waited: ANSWER_TIMEOUT }),
            }
        }
    }))
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = without_password(&self.url);
        formatter.debug_struct("StoreBuilder").field("url", &url).finish_non_exhaustive()
    }
}
