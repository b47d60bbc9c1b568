//! Rebuilds, and the sets of tables that they make and leave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_reducers::{Position, Reducer, Schema, aggregate_reducers, event_log_reducer};

use super::preview::preview;
use super::{RebuildPreview, Store, StoreBuilder};
use crate::backend::own::Generation;
use crate::backend::{self, Demand, Settings};
use crate::error::Error;
use crate::writer::{self, RebuildProgress};
use crate::{generations, program};

/// How long it is waited while another server rebuilds the tables.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How often a server that starts tells in its log how far a rebuild is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

impl StoreBuilder {
    /// Runs the log into new tables, with these reducers, lets them take the place of those in use,
    /// and opens the store: what other systems need migrations for. Tells how far it is.
    ///
    /// Servers go on meanwhile, dispatches included; after it they answer [`Error::Superseded`], also
    /// those of the same reducers, until they are started again. The tables of before are kept until
    /// [`drop_unused`](Self::drop_unused). Interrupted, it goes on where it was when it is
    /// called again.
    ///
    /// # Errors
    /// [`Error::ReplayStopped`] where the reducers do not accept an event of the log;
    /// [`Error::RebuildUnderWay`] while another server does it; [`Error::PreviousKept`] until the
    /// tables of the last time are dropped; [`Error::VersionChanged`] where newer reducers made those
    /// in use, unless [`downgrading`](Self::downgrading); [`Error::Unsuitable`] for a database in
    /// memory, which begins anew with each start. In each case what is in use stays as it is.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    /// # let reducer = aggregate_reducers([]);
    /// # Store::open(reducer.clone(), &url).await?.close().await;
    /// let builder = Store::builder(reducer.with_version(2), url);
    /// let store = builder.rebuild(|it| println!("{} of {}", it.position, it.head)).await?;
    /// # store.close().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rebuild(
        self,
        mut progress: impl FnMut(RebuildProgress) + Send,
    ) -> Result<Store, Error> {
        let with_log = aggregate_reducers([self.reducer.clone(), event_log_reducer()]);
        with_log.database()?;
        let schemas = with_log.schemas();
        let Self { replaces_previous, downgrades, .. } = self;
        let demand = (&self.settings, Demand::Anyway { replaces_previous, downgrades });
        anew(&self.url, demand, &self.reducer, &schemas, &mut progress).await?;
        self.open().await
    }

    /// Lets a [rebuild](Self::rebuild) take the place of tables that are still kept from the one
    /// before: they are dropped once those of the new one are in use. Without it such a rebuild is
    /// refused.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    /// # let reducer = aggregate_reducers([]);
    /// # Store::open(reducer.clone(), &url).await?.close().await;
    /// for version in [2, 3] {
    ///     let builder = Store::builder(reducer.clone().with_version(version), &url);
    ///     builder.replacing_previous().rebuild(|_| {}).await?.close().await;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub const fn replacing_previous(mut self) -> Self {
        self.replaces_previous = true;
        self
    }

    /// Lets a [rebuild](Self::rebuild) undo what a newer program made: by reducers of a lower version
    /// than those that made the tables in use. Without it such a rebuild is refused: it is most likely
    /// an old program that was started by mistake.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    /// # let reducer = aggregate_reducers([]);
    /// # Store::open(reducer.clone().with_version(2), &url).await?.close().await;
    /// let builder = Store::builder(reducer.with_version(1), url);
    /// builder.downgrading().rebuild(|_| {}).await?.close().await;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn downgrading(mut self) -> Self {
        self.downgrades = true;
        self
    }

    /// Drops all tables that are not in use, without opening the store: those that were replaced
    /// last, as [`Store::drop_previous`] does, and those of a rebuild that was interrupted, which no
    /// other goes on with then. False where there are none.
    ///
    /// # Errors
    /// [`Error::RebuildUnderWay`] while a rebuild runs; [`Error::NoStore`], or [`Error::Url`] of a
    /// file, where there is no store; when the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    /// # let reducer = aggregate_reducers([]);
    /// # Store::open(reducer.clone(), &url).await?.close().await;
    /// Store::builder(reducer, url).drop_unused().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drop_unused(self) -> Result<bool, Error> {
        let live = backend::open(&self.url, &self.settings.of_existing(), None).await?;
        let dropped = generations::drop_unused(&*live).await;
        live.close().await;
        dropped
    }

    /// Tells what a rebuild would change, and changes nothing: the log is replayed in memory with
    /// these reducers, and compared with the documents that the database has. It takes memory for
    /// both.
    ///
    /// # Errors
    /// [`Error::ReplayStopped`] where the reducers do not accept an event of the log, as a rebuild
    /// would; [`Error::NoStore`], or [`Error::Url`] of a file, where there is no store.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    /// # let reducer = aggregate_reducers([]);
    /// # Store::open(reducer.clone(), &url).await?.close().await;
    /// let preview = Store::builder(reducer.with_version(2), url).preview_rebuild().await?;
    /// assert!(!preview.changes_anything());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn preview_rebuild(self) -> Result<RebuildPreview, Error> {
        preview(&self.url, &self.settings, &self.reducer).await
    }
}

impl Store {
    /// Drops the tables that were in use before the last [rebuild](StoreBuilder::rebuild), and what
    /// could not be dropped before; false where there are none.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// assert!(!store.drop_previous().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drop_previous(&self) -> Result<bool, Error> {
        generations::drop_previous(&*self.inner.backend).await
    }

    /// Returns the sets of tables that there are, and where the log ends.
    pub(crate) async fn generations(&self) -> Result<(Position, Vec<Generation>), Error> {
        generations::all(&*self.inner.backend).await
    }

    /// Returns the set that this store reads and writes.
    pub(crate) fn generation(&self) -> i64 {
        self.inner.backend.generation()
    }
}

/// Runs the log into new tables, unless another server has done so or does it just now: then waits
/// for that one.
pub(super) async fn where_newer(
    url: &str,
    settings: &Settings,
    reducer: &Reducer,
    schemas: &[&'static Schema],
) -> Result<(), Error> {
    loop {
        let demand = (settings, Demand::WhereNewer);
        match anew(url, demand, reducer, schemas, &mut told_now_and_then()).await {
            Err(Error::RebuildUnderWay) => {
                tracing::info!("another server rebuilds the tables");
                tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            }
            done => return done,
        }
    }
}

/// Tells in the log how far a rebuild is.
fn told_now_and_then() -> impl FnMut(RebuildProgress) + Send {
    let mut told_at: Option<Instant> = None;
    move |RebuildProgress { position, head, rate, left }| {
        if told_at.is_none_or(|told_at| told_at.elapsed() >= TOLD_EVERY) {
            told_at = Some(Instant::now());
            let (rate, left_s) = (rate.round(), left.as_secs());
            tracing::info!(position, head, rate, left_s, "the tables are being rebuilt");
        }
    }
}

/// Runs the log into new tables, on connections of its own.
async fn anew(
    url: &str,
    (settings, demand): (&Settings, Demand),
    reducer: &Reducer,
    schemas: &[&'static Schema],
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<(), Error> {
    let live = backend::open(url, settings, None).await?;
    if !live.is_shared() {
        return Err(Error::Unsuitable(
            "it is in memory, and its tables begin anew with each start".to_owned(),
        ));
    }
    let wants_history = settings.wants_history || live.keeps_history();
    let program = program::id();
    let settings = Settings { wants_history, program, ..settings.clone() };
    let demand = (&settings, demand);
    let rebuilt = writer::rebuild(Arc::clone(&live), reducer, schemas, demand, progress).await;
    live.close().await;
    rebuilt
}
