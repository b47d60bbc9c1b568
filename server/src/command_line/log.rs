//! `log`: events, as they were recorded.

use clap::Args;
use flux_reducers::{Position, RecordedEvent};

use super::{CommandError, Database, EVENT_TITLE, Outcome, Output, event_cells};
use crate::store::StoreBuilder;

/// Events of the log.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "log", "--after", "7", "--type", "noteAdded", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct Log {
    #[command(flatten)]
    database: Database,
    /// Only events after this position
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: Position,
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// At most so many; all if left out
    #[arg(long)]
    limit: Option<u64>,
    /// Then waits for those to come, until it is interrupted
    #[arg(long, conflicts_with = "limit")]
    follow: bool,
    #[command(flatten)]
    output: Output,
}

impl Log {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let store = self.database.open_log(builder).await?;
        let mut events = store.subscribe_from(self.after).await?;
        let end = store.position().await?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        self.output.title(&format!("{EVENT_TITLE}  payload, meta"))?;
        while left > 0 && (self.follow || events.position() < end) {
            // A position that is told to exist always brings events.
            let Some(batch) = events.next().await? else { break };
            let is_wanted = |event: &&std::sync::Arc<RecordedEvent>| {
                self.event_type.as_ref().is_none_or(|wanted| *wanted == event.event_type)
            };
            for event in batch.iter().filter(is_wanted) {
                if left == 0 || !(self.follow || event.position <= end) {
                    break;
                }
                left -= 1;
                show(self.output, event)?;
            }
        }
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// Shows one event.
fn show(output: Output, event: &RecordedEvent) -> Result<(), CommandError> {
    let json = |json: &Option<flux_reducers::Json>| {
        json.as_ref().map_or_else(String::new, ToString::to_string)
    };
    let [position, time, event_type] = event_cells(event);
    let error = if event.error == Some(true) { "error" } else { "" };
    let (payload, meta) = (json(&event.payload), json(&event.meta));
    output.row(event, &[position, time, event_type, payload, meta, error.to_owned()])
}
