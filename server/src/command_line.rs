//! Subcommands for a server's binary: serve, look into the log and into the past, rebuild, verify,
//! export and import.

use std::io::{self, IsTerminal as _, Write};

use clap::{Args, Subcommand};
use flux_reducers::RecordedEvent;
use serde::Serialize;

use crate::error::Error;
use crate::store::{Store, StoreBuilder};

mod documents;
mod log;
mod maintenance;
#[cfg(feature = "service")]
mod serving;
mod transfer;

#[cfg(feature = "service")]
pub use serving::{Serve, terminated};

/// What a server's binary can do with its store, besides serving it, for which there is [`Serve`].
///
/// ```
/// # #[cfg(feature = "service")] {
/// use clap::{Parser, Subcommand};
/// use flux_server::command_line;
///
/// #[derive(Parser)]
/// struct CommandLine {
///     #[command(subcommand)]
///     command: Command,
/// }
///
/// #[derive(Subcommand)]
/// enum Command {
///     /// Serves the API.
///     Serve(command_line::Serve),
///     #[command(flatten)]
///     Store(command_line::Command),
/// }
///
/// let database = "--database-url=sqlite://notes.db";
/// let parsed = CommandLine::parse_from(["notes", "log", database, "--after", "7", "--json"]);
/// assert!(matches!(parsed.command, Command::Store(command_line::Command::Log(_))));
/// # }
/// ```
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Shows events of the log, and those to come.
    Log(log::Log),
    /// Shows every change of a document.
    History(documents::History),
    /// Shows documents as they were at a position or a time.
    At(documents::At),
    /// Runs the log into new tables, which take the place of those in use. Servers that run are to be
    /// started again then. Interrupted, it goes on where it was when it is run again.
    Rebuild(maintenance::Rebuild),
    /// Takes a snapshot, lists those that there are, or removes one.
    Snapshot(maintenance::Snapshot),
    /// Compares the tables and the snapshots with a replay of the log. Exits with 3 where something
    /// differs or can't be read, with 1 where the log itself is damaged.
    Verify(maintenance::Verify),
    /// Writes the log as JSON Lines.
    Export(transfer::Export),
    /// Reads a log of JSON Lines into a store that has none, or goes on with it. Interrupted, it goes
    /// on where it was when it is run again.
    Import(transfer::Import),
}

/// Which database.
///
/// ```
/// use flux_server::command_line::Database;
///
/// let database = Database { database_url: "sqlite://notes.db".into() };
/// ```
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// The database, such as sqlite://notes.db or postgres://user@host/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
}

/// For whom it is written.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "log", "--json", url]);
/// ```
#[derive(Args, Clone, Copy, Debug)]
pub struct Output {
    /// Writes JSON, one value a line, for programs
    #[arg(long)]
    json: bool,
}

/// What a command came to, as the code that the process exits with.
///
/// ```
/// use flux_server::command_line::Outcome;
///
/// assert_eq!(Outcome::Differs.exit_code(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done: 0. An error is 1, and a command line that is none 2.
    Done,
    /// A verification found a difference, or what can't be read, or a rebuild would make other
    /// documents: 3.
    Differs,
}

impl Outcome {
    /// Returns the code to exit with.
    ///
    /// ```
    /// # use flux_server::command_line::Outcome;
    /// assert_eq!(Outcome::Done.exit_code(), 0);
    /// ```
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differs => 3,
        }
    }
}

/// Why a command failed.
///
/// ```
/// use flux_server::command_line::CommandError;
///
/// let error = CommandError::Line { line: 7, reason: "it is no event".into() };
/// assert_eq!(error.to_string(), "line 7 of the log: it is no event");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// It can't be served, or no longer.
    #[cfg(feature = "service")]
    #[error(transparent)]
    Serve(#[from] crate::service::ServeError),
    /// What was to be read or written could not be.
    #[error("{what}: {source}")]
    File {
        /// The file.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A snapshot that is to be removed.
    #[error(
        "there is no snapshot of position {position}: `snapshot --list` shows those that there are"
    )]
    NoSnapshot {
        /// Which.
        position: flux_reducers::Position,
    },
    /// A line of a log that is to be imported.
    #[error("line {line} of the log: {reason}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An import that ended after some events.
    #[error("{source}. The log ends at {position} now: an import of the whole goes on there")]
    Midway {
        /// The last position of the log.
        position: flux_reducers::Position,
        /// Why it ended.
        #[source]
        source: Box<Self>,
    },
}

impl Command {
    /// Runs it. `builder` makes the store of a URL, as for serving it.
    ///
    /// # Errors
    /// When the store fails, or a file does.
    ///
    /// ```
    /// # use clap::Parser;
    /// # use flux_server::Store;
    /// # use flux_server::command_line::{Command, CommandError, Outcome};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[derive(Parser)]
    /// # struct CommandLine { #[command(subcommand)] command: Command }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), CommandError> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    /// # Store::open(aggregate_reducers([]), &url).await?.close().await;
    /// let arguments = ["notes", "verify", "--database-url", &url];
    /// let command = CommandLine::parse_from(arguments).command;
    /// let outcome = command.run(|url| Store::builder(aggregate_reducers([]), url)).await?;
    /// assert_eq!(outcome, Outcome::Done);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        // On the heap: a thread may have little room on its stack.
        let outcome = match self {
            Self::Log(it) => Box::pin(it.run(builder)).await,
            Self::History(it) => Box::pin(it.run(builder)).await,
            Self::At(it) => Box::pin(it.run(builder)).await,
            Self::Rebuild(it) => Box::pin(it.run(builder)).await,
            Self::Snapshot(it) => Box::pin(it.run(builder)).await,
            Self::Verify(it) => Box::pin(it.run(builder)).await,
            Self::Export(it) => Box::pin(it.run(builder)).await,
            Self::Import(it) => Box::pin(it.run(builder)).await,
        };
        outcome.or_else(|error| seen_enough(error).map(|()| Outcome::Done))
    }
}

/// Who read it has seen enough, as `head` does: that is no failure.
fn seen_enough(error: CommandError) -> Result<(), CommandError> {
    match error {
        CommandError::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        error => Err(error),
    }
}

impl Database {
    /// Opens the store for a command, and makes it where it is not there yet.
    async fn open(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Store, CommandError> {
        Ok(builder(self.database_url).for_command().open().await?)
    }

    /// Opens a store that is there.
    async fn open_existing(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Store, CommandError> {
        Ok(self.existing(builder).open().await?)
    }

    /// Opens a store that is there, whatever reducers made its tables, for its log.
    async fn open_log(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Store, CommandError> {
        Ok(self.existing(builder).for_log().open().await?)
    }

    /// Returns the builder of a store that is there: a mistyped URL is no empty log.
    fn existing(self, builder: impl FnOnce(String) -> StoreBuilder) -> StoreBuilder {
        builder(self.database_url).for_command().existing()
    }
}

impl Output {
    /// Writes a row: a JSON value, or for people its cells.
    fn row(self, value: &impl Serialize, cells: &[String]) -> Result<(), CommandError> {
        if self.json {
            return print(&json(value)?);
        }
        // Whoever may dispatch is not to write to the terminal of who reads.
        let mut line = String::new();
        for character in cells.join("  ").chars() {
            if character.is_control() {
                line.extend(character.escape_default());
            } else {
                line.push(character);
            }
        }
        print(&line)
    }

    /// Writes what tells people what they see.
    fn title(self, text: &str) -> Result<(), CommandError> {
        if self.json { Ok(()) } else { print(text) }
    }

    /// Writes what all rows have in common: for programs beside them, on standard error.
    fn preamble(self, value: &impl Serialize, text: &str) -> Result<(), CommandError> {
        if self.json {
            return writeln!(io::stderr(), "{}", json(value)?).map_err(failed("standard error"));
        }
        print(text)
    }
}

/// What stands above the cells of events.
const EVENT_TITLE: &str = "position  time                      type                ";

/// Returns the position, the time and the type of an event, one below the other.
fn event_cells(event: &RecordedEvent) -> [String; 3] {
    [
        format!("{:>8}", event.position),
        event.timestamp.to_string(),
        format!("{:<20}", event.event_type),
    ]
}

fn json(value: &impl Serialize) -> Result<String, CommandError> {
    serde_json::to_string(value).map_err(|error| {
        CommandError::Store(Error::Damaged(format!("what was read can't be JSON: {error}")))
    })
}

fn print(line: &str) -> Result<(), CommandError> {
    writeln!(io::stdout(), "{line}").map_err(failed("standard output"))
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> CommandError {
    let what = what.into();
    move |source| CommandError::File { what, source }
}

/// A sign of life on standard error, where somebody looks at it and nobody knows how much there is
/// to do.
fn spinner(doing: &'static str) -> indicatif::ProgressBar {
    let spinner = progress_bar();
    if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(doing);
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}

/// A bar of progress by events on standard error, where somebody looks at it.
fn progress_bar() -> indicatif::ProgressBar {
    bar("{bar:40} {human_pos} of {human_len} events, {per_sec}, {eta} left")
}

/// A bar of progress by the bytes of a file.
fn bar_of_bytes(length: u64) -> indicatif::ProgressBar {
    let bar = bar("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_length(length);
    bar
}

fn bar(style: &str) -> indicatif::ProgressBar {
    if !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(0);
    match indicatif::ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
