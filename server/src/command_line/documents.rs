//! `history` and `at`: what became of a document, and how documents were.

use clap::Args;
use flux_reducers::{Filter, Position, Query};
use serde_json::json;

use super::{CommandError, Database, EVENT_TITLE, Outcome, Output, event_cells};
use crate::error::Error;
use crate::store::{HistoryQuery, Moment, StoreBuilder};

/// The changes of a document.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "history", "notes", "7", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct History {
    #[command(flatten)]
    database: Database,
    /// Its collection
    collection: String,
    /// Its id
    id: String,
    /// Only those by events before this position
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    before: Option<Position>,
    /// At most so many, the last ones; all if left out
    #[arg(long)]
    limit: Option<u64>,
    #[command(flatten)]
    output: Output,
}

/// Documents as they were.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "at", "7", "notes", "--limit", "10", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct At {
    #[command(flatten)]
    database: Database,
    /// A position, or a time such as 2016-09-26T20:32:46.588Z
    moment: Moment,
    /// The collection
    collection: String,
    /// Only documents that fulfil this, such as {"eq":["title","Milk"]}
    #[arg(long, value_parser = filter)]
    filter: Option<Filter>,
    /// At most so many; all if left out
    #[arg(long)]
    limit: Option<u64>,
    #[command(flatten)]
    output: Output,
}

impl History {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let store = self.database.open_existing(builder).await?;
        let schema = store.schema(&self.collection)?;
        let id = schema.id_from_text(&self.id).map_err(Error::Query)?;
        let mut query = HistoryQuery::default();
        if let Some(before) = self.before {
            query = query.before(before);
        }
        if let Some(limit) = self.limit {
            query = query.limit(limit);
        }
        let changes = store.history_of(&self.collection, id, query).await?;
        if changes.is_empty() {
            self.output.title("no event has changed such a document")?;
        } else {
            self.output.title(&format!("{EVENT_TITLE}  meta, the document then"))?;
        }
        for change in changes {
            let before = change.before.as_ref().map(|row| schema.named(row));
            let after = change.after.as_ref().map(|row| schema.named(row));
            let value = json!({ "event": change.event, "before": before, "after": after });
            let now = after.map_or_else(|| Ok("removed".to_owned()), |row| super::json(&row))?;
            let [position, time, event_type] = event_cells(&change.event);
            let meta = change.event.meta.map_or_else(String::new, |meta| meta.to_string());
            self.output.row(&value, &[position, time, event_type, meta, now])?;
        }
        store.close().await;
        Ok(Outcome::Done)
    }
}

impl At {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let store = self.database.open_existing(builder).await?;
        let schema = store.schema(&self.collection)?;
        let mut query = self.filter.map_or_else(Query::all, Query::from);
        if let Some(limit) = self.limit {
            query = query.limit(limit);
        }
        let past = store.at(self.moment).await?;
        let position = past.position();
        let title = format!("as of position {position}");
        self.output.preamble(&json!({ "position": position }), &title)?;
        for row in past.read(&[(&self.collection, query)]).await?.iter().flatten() {
            let named = schema.named(row);
            self.output.row(&named, &[super::json(&named)?])?;
        }
        drop(past);
        store.close().await;
        Ok(Outcome::Done)
    }
}

fn filter(text: &str) -> Result<Filter, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
