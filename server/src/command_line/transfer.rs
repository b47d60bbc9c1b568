//! `export` and `import`: the log as JSON Lines, there and back without a difference.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use flux_reducers::{Action, Position, RecordedEvent};
use serde_json::json;

use super::{CommandError, Database, Outcome, Output, failed, progress_bar};
use crate::dispatch::Dispatch;
use crate::store::{Store, StoreBuilder};

/// Events that are imported in one transaction.
const EVENTS_AT_ONCE: usize = 500;

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
    #[arg(long, default_value_t = 0)]
    after: Position,
    /// The file; standard output if left out
    #[arg(long)]
    file: Option<PathBuf>,
}

/// A log, read from JSON Lines.
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
        let store = self.database.open_existing(builder).await?;
        let what = name(self.file.as_deref(), "standard output");
        let mut file: Box<dyn Write> = match &self.file {
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(failed(&*what))?)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let end = store.position().await?;
        let bar = progress_bar();
        bar.set_length(end.unsigned_abs());
        let mut events = store.subscribe_from(self.after).await?;
        while events.position() < end {
            let Some(batch) = events.next().await? else { break };
            for event in batch.iter().filter(|event| event.position <= end) {
                writeln!(file, "{}", super::json(&**event)?).map_err(failed(&*what))?;
            }
            bar.set_position(events.position().unsigned_abs());
        }
        file.flush().map_err(failed(&*what))?;
        bar.finish_and_clear();
        store.close().await;
        Ok(Outcome::Done)
    }
}

impl Import {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let what = name(self.file.as_deref(), "standard input");
        let lines: Box<dyn BufRead> = match &self.file {
            Some(path) => Box::new(BufReader::new(File::open(path).map_err(failed(&*what))?)),
            None => Box::new(BufReader::new(io::stdin())),
        };
        let store = self.database.open(builder).await?;
        let bar = progress_bar();
        let (mut end, mut waiting) = (store.position().await?, Vec::new());
        let begun = end;
        for (line, text) in (1..).zip(lines.lines()) {
            let text = text.map_err(failed(&*what))?;
            let event = event(line, &text, end + 1)?;
            end = event.position;
            waiting.push(event);
            if waiting.len() == EVENTS_AT_ONCE {
                import(&store, line, std::mem::take(&mut waiting)).await?;
                bar.set_position(end.unsigned_abs());
            }
        }
        import(&store, end.unsigned_abs(), waiting).await?;
        bar.finish_and_clear();
        let cells = [format!("{} events are imported; the log ends at {end}", end - begun)];
        self.output.row(&json!({ "events": end - begun, "position": end }), &cells)?;
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// Reads an event that must be the next one.
fn event(line: u64, text: &str, next: Position) -> Result<RecordedEvent, CommandError> {
    let event = serde_json::from_str::<RecordedEvent>(text)
        .map_err(|error| CommandError::Line { line, reason: error.to_string() })?;
    if event.position == next {
        return Ok(event);
    }
    let reason = format!("position {next} comes next, found {}", event.position);
    Err(CommandError::Line { line, reason })
}

async fn import(
    store: &Store,
    last_line: u64,
    events: Vec<RecordedEvent>,
) -> Result<(), CommandError> {
    let Some(first) = events.first().map(|event| event.position) else { return Ok(()) };
    let dispatch = Dispatch {
        actions: events.iter().cloned().map(Action::from).collect(),
        expected_position: Some(first - 1),
    };
    let recorded = store.dispatch_together(dispatch).await?;
    match recorded.iter().zip(&events).find(|(recorded, event)| ***recorded != **event) {
        None => Ok(()),
        Some((_, event)) => Err(CommandError::Line {
            line: last_line,
            reason: format!(
                "event {} (position {}) is recorded otherwise: times go back in this log, or it has \
                 an id twice",
                event.id, event.position
            ),
        }),
    }
}

fn name(path: Option<&Path>, otherwise: &str) -> String {
    path.map_or_else(|| otherwise.to_owned(), |path| path.display().to_string())
}
