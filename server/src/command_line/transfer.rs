//! `export` and `import`: the log as JSON Lines, there and back without a difference.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use flux_reducers::{Action, Json, Position, RecordedEvent, Timestamp};
use serde_json::json;

use super::{CommandError, Database, Outcome, Output, bar_of_bytes, failed, progress_bar, spinner};
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::log::LogQuery;
use crate::store::{Store, StoreBuilder};
use crate::{replay, strict_json};

/// Events that are imported in one transaction.
const EVENTS_AT_ONCE: usize = 500;

/// Bytes of their lines from which on fewer are.
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;

/// The log, written as JSON Lines.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "export", "--file", "log.jsonl", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct Export {
    #[command(flatten)]
    database: Database,
    /// Only events after this position
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: Position,
    /// The file; standard output if left out
    #[arg(long)]
    file: Option<PathBuf>,
}

/// A log, read from JSON Lines. What the log of the store has already is compared, and not recorded
/// again: an import that ended midway goes on.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "import", "--file", "log.jsonl", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct Import {
    #[command(flatten)]
    database: Database,
    /// The file; standard input if left out
    #[arg(long)]
    file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Export {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let store = self.database.open_log(builder).await?;
        match &self.file {
            None => {
                let output = BufWriter::new(io::stdout());
                write_log(&store, self.after, "standard output", output).await?;
            }
            Some(path) => write_file(&store, self.after, path).await?,
        }
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// Writes the log into a file, or through what else has the name: a link, a pipe, a device.
async fn write_file(store: &Store, after: Position, path: &Path) -> Result<(), CommandError> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let what = path.display().to_string();
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let file = File::options().write(true).open(path).map_err(failed(&*what))?;
        return write_log(store, after, &what, BufWriter::new(file)).await;
    }
    // Only what is whole has the name: nobody could tell it from a part.
    let part = with_suffix(path, ".part");
    let of_part = part.display().to_string();
    let file = File::options().create(true).truncate(false).write(true).open(&part);
    let file = file.map_err(failed(format!("{what}, which is written as {of_part} at first")))?;
    // Two would write into each other's.
    file.try_lock().map_err(|error| {
        failed(format!("{of_part}, which another export may write"))(error.into())
    })?;
    // One that ended just now has given it its name: it is no part any more.
    fs::symlink_metadata(&part).map_err(failed(&*of_part))?;
    if let Ok(before) = fs::metadata(path) {
        // Who was not to read the one that is there is not to read this one.
        file.set_permissions(before.permissions()).map_err(failed(&*of_part))?;
    }
    file.set_len(0).map_err(failed(&*of_part))?;
    write_log(store, after, &of_part, BufWriter::new(&file)).await?;
    // Before it has the name: a power cut must not leave the name to a part either.
    file.sync_all().map_err(failed(&*of_part))?;
    fs::rename(&part, path).map_err(failed(what))
}

/// Writes the events after a position, as far as the log goes now.
async fn write_log(
    store: &Store,
    after: Position,
    what: &str,
    mut file: impl Write,
) -> Result<(), CommandError> {
    let end = store.position().await?;
    let bar = progress_bar();
    bar.set_length(end.unsigned_abs());
    let mut events = store.subscribe_from(after).await?;
    let mut next = after + 1;
    while events.position() < end {
        let Some(batch) = events.next().await? else { break };
        for event in batch.iter().filter(|event| event.position <= end) {
            if event.position != next {
                return Err(replay::missing(next).into());
            }
            next += 1;
            writeln!(file, "{}", super::json(&**event)?).map_err(failed(what))?;
        }
        bar.set_position(events.position().unsigned_abs());
    }
    file.flush().map_err(failed(what))?;
    bar.finish_and_clear();
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Import {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let what =
            self.file.as_ref().map_or("standard input".into(), |it| it.display().to_string());
        let (lines, bar): (Box<dyn BufRead>, _) = match &self.file {
            Some(path) => {
                let file = File::open(path).map_err(failed(&*what))?;
                let bar = bar_of_bytes(file.metadata().map_err(failed(&*what))?.len());
                (Box::new(BufReader::new(bar.wrap_read(file))), bar)
            }
            None => (Box::new(BufReader::new(io::stdin())), spinner("importing")),
        };
        let store = self.database.open(builder).await?;
        let begun = store.position().await?;
        let mut importing =
            Importing { store: &store, begun, last: None, waiting: Vec::new(), bytes: 0 };
        if let Err(error) = importing.take_all(lines, &what).await {
            let position = store.position().await?;
            let midway = |source| CommandError::Midway { position, source: Box::new(source) };
            return Err(if position > begun { midway(error) } else { error });
        }
        bar.finish_and_clear();
        let end = store.position().await?;
        let cells = [format!("{} events are imported; the log ends at {end}", end - begun)];
        self.output.row(&json!({ "events": end - begun, "position": end }), &cells)?;
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// An import under way. What the log has already is compared with it, so that one that ended midway
/// can be run again.
struct Importing<'a> {
    store: &'a Store,
    /// Where the log ended before.
    begun: Position,
    /// The event before the next one.
    last: Option<(Position, Timestamp)>,
    /// Events that are recorded, or compared, together; and the line of each.
    waiting: Vec<(u64, RecordedEvent)>,
    /// Of the lines of those.
    bytes: usize,
}

impl Importing<'_> {
    async fn take_all(&mut self, lines: impl BufRead, what: &str) -> Result<(), CommandError> {
        for (line, text) in (1..).zip(lines.lines()) {
            let text = text.map_err(failed(format!("{what}, line {line}")))?;
            // Some editors begin a file with a mark, and end it with an empty line.
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                self.take(line, text).await?;
            }
        }
        self.import().await
    }

    async fn take(&mut self, line: u64, text: &str) -> Result<(), CommandError> {
        let wrong = |reason: String| CommandError::Line { line, reason };
        // The event, and what is in it.
        let read = strict_json::parse(text.as_bytes(), 1 + Json::DEPTH_MAX);
        // It counts the lines of what it was given.
        let read = read.map_err(|error| error.to_string().replace("at line 1 column", "at column"));
        let event = read.and_then(|json| {
            serde_json::from_value::<RecordedEvent>(json).map_err(|error| error.to_string())
        });
        let event = event.map_err(wrong)?;
        let RecordedEvent { position, timestamp, .. } = event;
        if self.last.is_none() && position == self.begun + 1 {
            let before = self.recorded(self.begun - 1, 1).await?;
            self.last = before.first().map(|event| (event.position, event.timestamp));
        }
        match self.last {
            Some((before, _)) if position != before + 1 => {
                return Err(wrong(format!("position {} comes next, found {position}", before + 1)));
            }
            None if position < 1 || position > self.begun + 1 => {
                return Err(wrong(format!(
                    "position {} comes next, or one that the log has already, found {position}",
                    self.begun + 1
                )));
            }
            Some((_, before)) if timestamp < before => {
                return Err(wrong(format!(
                    "its time is {timestamp}, before that of the line before: {before}"
                )));
            }
            _ => self.last = Some((position, timestamp)),
        }
        self.waiting.push((line, event));
        self.bytes += text.len();
        let is_full = self.waiting.len() == EVENTS_AT_ONCE || self.bytes > BYTES_AT_ONCE;
        if is_full || position == self.begun {
            self.import().await?;
        }
        Ok(())
    }

    async fn import(&mut self) -> Result<(), CommandError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        let Some((_, first)) = waiting.first() else { return Ok(()) };
        if first.position <= self.begun {
            return self.compare(&waiting, first.position - 1).await;
        }
        self.check_ids(&waiting).await?;
        let dispatch = Dispatch {
            actions: waiting.iter().map(|(_, event)| Action::from(event.clone())).collect(),
            expected_position: Some(first.position - 1),
        };
        let recorded = self.store.dispatch_together(dispatch).await.map_err(|error| {
            let reason = error.to_string();
            match error {
                Error::Rejected { event, rejection } => {
                    line_of(&waiting, event, rejection.to_string())
                }
                Error::EventIdTaken { event, .. } | Error::ReducerPanicked { event, .. } => {
                    line_of(&waiting, event, reason)
                }
                Error::PositionMoved { head, .. } => line_of(&waiting, 0, other_writer(head)),
                error => error.into(),
            }
        })?;
        let is_other = |(recorded, (_, event)): &(&Arc<_>, &(_, _))| ***recorded != *event;
        match recorded.iter().zip(&waiting).find(is_other) {
            None => Ok(()),
            Some((recorded, (line, event))) => Err(CommandError::Line {
                line: *line,
                reason: format!(
                    "event {} is recorded otherwise: at {} and not at {}",
                    event.id, recorded.timestamp, event.timestamp
                ),
            }),
        }
    }

    /// Makes sure that no event has the id of one before it: it would be taken for that one.
    async fn check_ids(&self, waiting: &[(u64, RecordedEvent)]) -> Result<(), CommandError> {
        let ids: Vec<_> = waiting.iter().map(|(_, event)| event.id).collect();
        let known = self.store.events_by_id(&ids).await?;
        let mut known: HashMap<_, _> = known.iter().map(|it| (it.id, it.position)).collect();
        let first = waiting.first().map_or(0, |(_, event)| event.position);
        // Another import of the same log, say.
        let beyond = known.values().copied().max().filter(|position| *position >= first);
        for (line, event) in waiting {
            if let Some(position) = known.insert(event.id, event.position) {
                let same_id = format!("it has the id of the event at position {position}");
                let reason = beyond.map_or(same_id, other_writer);
                return Err(CommandError::Line { line: *line, reason });
            }
        }
        Ok(())
    }

    /// Makes sure that the log has these events.
    async fn compare(
        &self,
        waiting: &[(u64, RecordedEvent)],
        after: Position,
    ) -> Result<(), CommandError> {
        let found = self.recorded(after, waiting.len() as u64).await?;
        for (place, (line, event)) in waiting.iter().enumerate() {
            if found.get(place) != Some(event) {
                let reason = format!(
                    "the log has another event at position {}: import into an empty database",
                    event.position
                );
                return Err(CommandError::Line { line: *line, reason });
            }
        }
        Ok(())
    }

    async fn recorded(
        &self,
        after: Position,
        limit: u64,
    ) -> Result<Vec<RecordedEvent>, CommandError> {
        let query = LogQuery::default().after(after.max(0)).limit(limit);
        Ok(self.store.events(query).await?.documents)
    }
}

fn other_writer(head: Position) -> String {
    format!(
        "something else has recorded events meanwhile, up to position {head}: an import needs a \
         log that nobody else writes"
    )
}

fn line_of(waiting: &[(u64, RecordedEvent)], event: usize, reason: String) -> CommandError {
    let line = waiting.get(event).map_or(0, |(line, _)| *line);
    CommandError::Line { line, reason }
}
