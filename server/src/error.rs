//! Why the store could not do what it was asked for.

use std::sync::Arc;
use std::time::Duration;

use flux_reducers::{Position, Rejection, SchemaError, Uuid};

use self::lasting::is_lasting;

mod lasting;

/// Why the store could not do what it was asked for. Nothing was written, unless
/// [`is_ambiguous`](Self::is_ambiguous) says otherwise.
///
/// ```
/// # use flux_server::{Error, Store};
/// # use flux_server::reducers::{Action, aggregate_reducers};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// store.close().await;
/// match store.dispatch(&Action::new("rung")).await {
///     Err(Error::Rejected { event, rejection }) => println!("event {event}: {rejection}"),
///     Err(error) if error.is_retryable() => println!("try again: {error}"),
///     Err(error) => println!("{}: {error}", error.code()),
///     Ok(event) => println!("{}", event.position),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A reducer, or the meaning of its changeset, refused one of the events.
    #[error("event {event} of the dispatch is rejected: {rejection}")]
    Rejected {
        /// Which event of the dispatch, from 0.
        event: usize,
        /// Why.
        #[source]
        rejection: Rejection,
    },
    /// A reducer panicked: a mistake in it. Nothing of the dispatch is recorded.
    #[error("the reducer panicked at event {event} of the dispatch (`{event_type}`): {message}")]
    ReducerPanicked {
        /// Which event of the dispatch, from 0.
        event: usize,
        /// Its type.
        event_type: String,
        /// What it said.
        message: String,
    },
    /// A query does not fit the schema of its collection.
    #[error(transparent)]
    Query(Rejection),
    /// The id of one of the events is in the log already, with another content.
    #[error(
        "the id {id} of event {event} of the dispatch is recorded at position {position} with \
         another content: give a new event a new id"
    )]
    EventIdTaken {
        /// Which event of the dispatch, from 0.
        event: usize,
        /// The id.
        id: Uuid,
        /// Where it is recorded.
        position: Position,
    },
    /// A dispatch with more events than the store takes at once.
    #[error("{found} events in one dispatch, at most {most} are taken: split it")]
    TooManyEvents {
        /// How many were dispatched.
        found: usize,
        /// How many are taken.
        most: usize,
    },
    /// Something was recorded since the position that the dispatch expected.
    #[error(
        "the log ends at {head} and the dispatch expected {expected}: read what is new, and \
         decide again"
    )]
    PositionMoved {
        /// The position expected.
        expected: Position,
        /// The last position of the log.
        head: Position,
    },
    /// A position that the log does not have yet.
    #[error("position {position} is not in the log, which ends at {head}")]
    PositionAhead {
        /// The position asked for.
        position: Position,
        /// The last position of the log.
        head: Position,
    },
    /// The log has another event there: its database was replaced, or restored and written again.
    #[error(
        "position {position} of the log holds another event than {expected}: it is another log; \
         read everything anew"
    )]
    LogReplaced {
        /// The position asked for.
        position: Position,
        /// The event that was seen there.
        expected: Uuid,
    },
    /// A reducer asked for documents again and again.
    #[error(
        "a reducer asked for more documents after {rounds} rounds: it reads without end, or one by \
         one what a filter finds together"
    )]
    ReadsWithoutEnd {
        /// How many times it was run.
        rounds: usize,
    },
    /// A schema that no database can hold.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The tables were made for other schemas.
    #[error(
        "the table of collection `{collection}` no longer fits its schema: {difference}. Open the \
         database with the reducers that made it, or rebuild its tables"
    )]
    SchemaChanged {
        /// The collection.
        collection: String,
        /// What is another.
        difference: String,
    },
    /// A type was asked for that is not the one of the collection's documents.
    #[error(
        "the documents of `{collection}` are of another type than the one asked for: {difference}. \
         Ask for the type that the store's reducers have"
    )]
    OtherType {
        /// The collection.
        collection: String,
        /// How the type's schema differs from the collection's.
        difference: String,
    },
    /// A table is no longer as the store made it.
    #[error(
        "table `{table}` is not as the store made it: {difference}. What reducers made, and the \
         history, can be rebuilt from the log; the store's other tables come from a backup"
    )]
    TableChanged {
        /// The table.
        table: String,
        /// What is another.
        difference: String,
    },
    /// The reducers do not accept an event that the log has: a replay can't go on.
    #[error(
        "the replay stopped at event {id} (`{event_type}`, position {position}): {reason}. Let the \
         reducers accept what was accepted once"
    )]
    ReplayStopped {
        /// The event's position.
        position: Position,
        /// Its id.
        id: Uuid,
        /// Its type.
        event_type: String,
        /// What the reducer says.
        reason: String,
    },
    /// The history is asked for of a store that keeps none, or is to be kept of a log that has events
    /// already.
    #[error(
        "the history is not kept from the beginning of this log: do without it, or let the store's \
         tables be rebuilt with it"
    )]
    HistoryNotKept,
    /// A command that looks into a store found none.
    #[error(
        "the database has no store: check its URL and the namespace, or let `serve` or `import` \
         make one"
    )]
    NoStore,
    /// The tables were made by another version of the reducers.
    #[error(
        "the tables were made by version {made_by} of the reducers, and this is version {version}: \
         {}",
        if made_by > version {
            "use the newer program, or rebuild them with this one by `downgrading` (`rebuild \
             --downgrade`)"
        } else {
            "rebuild them"
        }
    )]
    VersionChanged {
        /// The version that made them.
        made_by: u32,
        /// The version of the reducers.
        version: u32,
    },
    /// Newer tables have taken the place of those that this store uses.
    #[error(
        "the tables were rebuilt, and this store uses those of before: end it, and open one that \
         uses the new ones"
    )]
    Superseded,
    /// Another server rebuilds the tables.
    #[error("the tables are being rebuilt already, by another server: wait for it to end")]
    RebuildUnderWay,
    /// The tables that were replaced last are still there.
    #[error(
        "the tables of before the last rebuild are still kept: drop them (`drop_previous`, or \
         `rebuild --drop-unused`), or let this one replace them (`replacing_previous`, or \
         `--drop-previous`)"
    )]
    PreviousKept,
    /// A table of that name is there, and the store did not make it.
    #[error(
        "the database has a table `{table}` that this store did not make: rename it, or use \
         another database"
    )]
    TableInTheWay {
        /// The table.
        table: String,
    },
    /// The database is one that can't hold a store.
    #[error("the database can't hold a store: {0}")]
    Unsuitable(String),
    /// The tables are those of another version of the store.
    #[error(
        "the database's tables have layout {found}, and this version of the store knows {known}: \
         use the version that made them, or let it `export` the log, and `import` that with this \
         one into an empty database"
    )]
    Layout {
        /// The layout of the tables.
        found: i64,
        /// The one that this version knows.
        known: i64,
    },
    /// A namespace that can't begin the names of tables.
    #[error(
        "`{namespace}` is no namespace: a lower-case letter, then lower-case letters and digits, \
         at most {most}"
    )]
    Namespace {
        /// The namespace.
        namespace: String,
        /// The most characters that it may have.
        most: usize,
    },
    /// The URL names no database that the store knows.
    #[error("`{url}` is no database URL for this store: {reason}")]
    Url {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Too many dispatches are waiting.
    #[error("the store is busy: {waiting} dispatches are waiting; try again later")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The store is closed, or closes.
    #[error("the store is closed")]
    Closed,
    /// The database did not answer in time; what it was asked may still be done.
    #[error("no answer in {} s: dispatch again with the same ids to learn it", .waited.as_secs())]
    Unanswered {
        /// How long it was waited for.
        waited: Duration,
    },
    /// A document or an event that is larger than the database takes.
    #[error(
        "a row of `{collection}` has {bytes} bytes, and the database takes at most {most}: keep \
         large contents elsewhere, and what names them here"
    )]
    TooLarge {
        /// The collection; `events` where it is an event.
        collection: &'static str,
        /// How many bytes it has.
        bytes: usize,
        /// How many are taken.
        most: usize,
    },
    /// The database refuses what was to be written, and will refuse it again.
    #[error("the database refuses what was to be written: {}", told(.0))]
    Refused(#[source] Arc<sqlx::Error>),
    /// The database will go on to fail until somebody mends it: a right, a table, a password.
    #[error(
        "the database can't be used until somebody mends it; it failed while {doing}: {}",
        told(source)
    )]
    Unusable {
        /// What the store was doing.
        doing: &'static str,
        /// What the driver says.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The database failed.
    #[error("the database failed while {doing}: {}", told(source))]
    Database {
        /// What the store was doing.
        doing: &'static str,
        /// What the driver says.
        #[source]
        source: Arc<sqlx::Error>,
        /// Whether the transaction may have been committed all the same.
        ambiguous: bool,
    },
    /// What the database holds can't be.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A middleware failed.
    #[error("a middleware failed: {0}")]
    Middleware(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Returns the stable code, for programs.
    ///
    /// ```
    /// # use flux_server::{Error, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let error = store.schema("notes").unwrap_err();
    /// assert_eq!(error.code(), "unknown_collection");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Rejected { rejection, .. } | Self::Query(rejection) => rejection.code(),
            Self::ReducerPanicked { .. } => "reducer_panicked",
            Self::EventIdTaken { .. } => "event_id_taken",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::PositionMoved { .. } => "position_moved",
            Self::PositionAhead { .. } => "position_ahead",
            Self::LogReplaced { .. } => "log_replaced",
            Self::ReadsWithoutEnd { .. } => "reads_without_end",
            Self::Schema(_) => "schema_invalid",
            Self::SchemaChanged { .. } => "schema_changed",
            Self::OtherType { .. } => "other_type",
            Self::TableChanged { .. } => "table_changed",
            Self::ReplayStopped { .. } => "replay_stopped",
            Self::VersionChanged { .. } => "version_changed",
            Self::Superseded => "superseded",
            Self::RebuildUnderWay => "rebuild_under_way",
            Self::PreviousKept => "previous_kept",
            Self::HistoryNotKept => "history_not_kept",
            Self::NoStore => "no_store",
            Self::TableInTheWay { .. } => "table_in_the_way",
            Self::Unsuitable(_) => "database_unsuitable",
            Self::Layout { .. } => "layout_unknown",
            Self::Namespace { .. } => "namespace_invalid",
            Self::Url { .. } => "url_invalid",
            Self::Busy { .. } => "busy",
            Self::Closed => "closed",
            Self::Unanswered { .. } => "unanswered",
            Self::TooLarge { .. } => "too_large",
            Self::Refused(_) => "database_refused",
            Self::Unusable { .. } => "database_unusable",
            Self::Database { .. } => "database_failed",
            Self::Damaged(_) => "database_damaged",
            Self::Middleware(_) => "middleware_failed",
        }
    }

    /// Returns whether the same dispatch may succeed later.
    ///
    /// ```
    /// use flux_server::Error;
    ///
    /// assert!(Error::Busy { waiting: 8192 }.is_retryable());
    /// assert!(!Error::TooManyEvents { found: 2000, most: 1000 }.is_retryable());
    /// ```
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Closed | Self::Unanswered { .. } | Self::Database { .. }
        )
    }

    /// Returns whether the events may have been recorded all the same. Dispatch them again with
    /// the same ids: what is recorded is answered, and not recorded twice.
    ///
    /// ```
    /// use flux_server::Error;
    ///
    /// assert!(!Error::Closed.is_ambiguous(), "it was not even begun");
    /// ```
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::Database { ambiguous: true, .. })
    }

    /// Whether the tables are those of other reducers or schemas.
    pub(crate) const fn is_cured_by_rebuild(&self) -> bool {
        match self {
            Self::SchemaChanged { .. } | Self::TableChanged { .. } | Self::HistoryNotKept => true,
            // An older server that starts again is not to undo what a newer one made.
            Self::VersionChanged { made_by, version } => *made_by < *version,
            _ => false,
        }
    }

    /// Whether it may be the fault of one dispatch among several: the database is there, and
    /// says no.
    pub(crate) fn may_be_of_one(&self) -> bool {
        match self {
            Self::Database { source, .. } | Self::Unusable { source, .. } => {
                source.as_database_error().is_some()
            }
            Self::Closed | Self::Superseded | Self::Unanswered { .. } => false,
            _ => true,
        }
    }

    /// Damage of what no rebuild can write anew.
    pub(crate) fn beyond_rebuild(found: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("{found}; restore it from a backup"))
    }

    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match source {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Damaged(format!("{doing}: {source}"))
            }
            source if is_lasting(&source) => Self::Unusable { doing, source: Arc::new(source) },
            source => Self::Database { doing, source: Arc::new(source), ambiguous: false },
        }
    }

    /// The same, of something that the database may have done before it failed.
    pub(crate) fn or_done(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source: Arc::new(source), ambiguous: true }
    }
}

/// A middleware's own refusal, as of the dispatch's first event.
impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected { event: 0, rejection }
    }
}

/// A middleware's failure.
impl From<tower::BoxError> for Error {
    fn from(error: tower::BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::Middleware(error.into()),
        }
    }
}

/// Returns what a database says, without the line of its own source that says it.
fn told(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// Returns what of a database's URL may be shown. Where a password ends is not always clear: of
/// what may have one, only the scheme is left.
pub(crate) fn without_password(url: &str) -> String {
    match url.split_once(':') {
        Some(("sqlite", _)) | None => url.to_owned(),
        Some((scheme, _)) => format!("{scheme}:…"),
    }
}
