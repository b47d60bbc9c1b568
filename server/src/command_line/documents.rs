//! `history` and `at`: what became of a document, and how documents were.

use clap::Args;
use flux_reducers::{Filter, Position, Query, Row, Schema, Value};
use serde_json::json;

use super::{CommandError, Database, EVENT_TITLE, Outcome, Output, event_cells};
use crate::backend;
use crate::error::Error;
use crate::store::{DocumentChange, HistoryQuery, Moment, StoreBuilder};

/// Changes that are read together: each has the document before and after.
const CHANGES_AT_ONCE: u64 = 100;

/// Characters of a cell that others are filled up to.
const CELL_WIDTH_MAX: usize = 40;

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
        let store = self.database.clone().open_existing(builder).await?;
        let schema = store.schema(&self.collection)?;
        let id = schema.id_from_text(&self.id).map_err(Error::Query)?;
        let end = store.position().await? + 1;
        let mut before = self.before.map_or(end, |before| before.min(end));
        let mut left = self.limit.unwrap_or(u64::MAX);
        // From the last one back, to tell them from the first one on: only where a page begins is
        // known of each but the last one read.
        let mut newer = Vec::new();
        let changes = loop {
            let query = HistoryQuery::default().before(before).limit(left.min(CHANGES_AT_ONCE));
            let changes = store.history_of(&self.collection, id.clone(), query).await?;
            let found = changes.len() as u64;
            left -= found;
            match changes.first() {
                Some(first) if found == CHANGES_AT_ONCE && left > 0 => {
                    newer.push(query);
                    before = first.event.position;
                }
                _ => break changes,
            }
        };
        if changes.is_empty() && newer.is_empty() && self.limit != Some(0) {
            let none = match self.before {
                _ if backend::is_log(schema) => "an event never changes: see `log`".to_owned(),
                Some(before) => format!("no event before {before} has changed such a document"),
                None => "no event has changed such a document".to_owned(),
            };
            self.output.title(&none)?;
        } else {
            self.output.title(&format!("{EVENT_TITLE}  meta, what became of it"))?;
        }
        self.tell(schema, changes)?;
        while let Some(query) = newer.pop() {
            self.tell(schema, store.history_of(&self.collection, id.clone(), query).await?)?;
        }
        store.close().await;
        Ok(Outcome::Done)
    }

    fn tell(&self, schema: &Schema, changes: Vec<DocumentChange<Row>>) -> Result<(), CommandError> {
        for change in changes {
            let before = change.before.as_ref().map(|row| schema.named(row));
            let after = change.after.as_ref().map(|row| schema.named(row));
            let value = json!({ "event": change.event, "before": before, "after": after });
            let became = match (&change.before, &change.after) {
                (None, Some(after)) => format!("created {}", super::json(&schema.named(after))?),
                (Some(before), Some(after)) => edited(schema, before, after),
                (_, None) => "removed".to_owned(),
            };
            let [position, time, event_type] = event_cells(&change.event);
            let meta = change.event.meta.map_or_else(String::new, |meta| meta.to_string());
            self.output.row(&value, &[position, time, event_type, meta, became])?;
        }
        Ok(())
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
        let rows = past.read(&[(&self.collection, query)]).await?.concat();
        let position = past.position();
        let title = format!("as of position {position}");
        self.output.preamble(&json!({ "position": position }), &title)?;
        let fields = schema.fields.iter().map(|field| field.name.to_owned()).collect();
        let cells = rows.iter().map(|row| row.values().iter().map(cell).collect());
        let mut table = aligned(std::iter::once(fields).chain(cells).collect()).into_iter();
        let heading = table.next().unwrap_or_default();
        self.output.title(&heading.join("  "))?;
        for (row, cells) in rows.iter().zip(table) {
            self.output.row(&schema.named(row), &cells)?;
        }
        drop(past);
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// Tells which fields have other values, and which.
fn edited(schema: &Schema, before: &Row, after: &Row) -> String {
    let values = before.values().iter().zip(after.values());
    let changed = schema.fields.iter().zip(values).filter(|(_, (before, after))| before != after);
    let told = changed.map(|(field, (before, after))| {
        format!("{}: {} -> {}", field.name, cell(before), cell(after))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Returns a value as people read it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Text(text) => text.escape_debug().to_string(),
        other => match other.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

/// Fills cells up so that those of a column are as wide as each other. A long one stands out: nothing
/// is left out.
fn aligned(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let columns = rows.first().map_or(0, Vec::len);
    // Nothing is to the right of the last one.
    for column in 0..columns.saturating_sub(1) {
        let widths = rows.iter().map(|cells| cells[column].chars().count());
        let width = widths.filter(|width| *width <= CELL_WIDTH_MAX).max().unwrap_or_default();
        for cells in &mut rows {
            cells[column] = format!("{:<width$}", cells[column]);
        }
    }
    rows
}

fn filter(text: &str) -> Result<Filter, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
