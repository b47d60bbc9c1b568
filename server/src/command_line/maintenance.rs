//! `rebuild`, `snapshot` and `verify`: what keeps the tables what the log means.

use clap::Args;
use flux_reducers::Position;
use serde_json::json;

use super::{CommandError, Database, Outcome, Output, progress_bar, seen_enough, spinner};
use crate::store::{
    Broken, CollectionPreview, Compared, RebuildPreview, Store, StoreBuilder, Verification,
};

/// A rebuild of the tables.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "rebuild", "--drop-previous", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct Rebuild {
    #[command(flatten)]
    database: Database,
    /// Drops the tables of before once the new ones are in use: those that they replace, and those
    /// that are still kept from the last time. While such are kept, a rebuild without it is refused
    #[arg(long)]
    drop_previous: bool,
    /// Rebuilds nothing, and drops all tables that are not in use: those that are still kept from the
    /// last time, and those of a rebuild that was interrupted
    #[arg(long, conflicts_with_all = ["drop_previous", "downgrade", "dry_run"])]
    drop_unused: bool,
    /// Also where a newer program made the tables in use
    #[arg(long)]
    downgrade: bool,
    /// Changes nothing, and tells what would be other documents then, also where the rebuild needs
    /// --downgrade; exits with 3 if any would
    #[arg(long, conflicts_with_all = ["drop_previous", "downgrade"])]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

/// A snapshot of the documents.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "snapshot", "--list", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct Snapshot {
    #[command(flatten)]
    database: Database,
    /// Takes none, and lists those that there are
    #[arg(long)]
    list: bool,
    /// Takes those of the past that are missing, too: one each so many events
    #[arg(long, value_name = "EVENTS", conflicts_with = "list")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    every: Option<u32>,
    /// Takes none, and removes that of a position
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["list", "every"])]
    #[arg(value_parser = clap::value_parser!(i64).range(0..))]
    remove: Option<Position>,
    #[command(flatten)]
    output: Output,
}

/// A comparison with the log.
///
/// ```
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct CommandLine { #[command(subcommand)] command: flux_server::command_line::Command }
/// let url = "--database-url=sqlite://notes.db";
/// CommandLine::parse_from(["notes", "verify", "--json", url]);
/// ```
#[derive(Args, Clone, Debug)]
pub struct Verify {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    output: Output,
}

impl Rebuild {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let builder = self.database.existing(builder);
        if self.dry_run {
            let preview = builder.preview_rebuild().await?;
            tell_preview(&preview, self.output).or_else(seen_enough)?;
            return Ok(outcome(!preview.changes_anything()));
        }
        if self.drop_unused {
            return dropped(builder.drop_unused().await?, self.output);
        }
        let builder = if self.drop_previous { builder.replacing_previous() } else { builder };
        let builder = if self.downgrade { builder.downgrading() } else { builder };
        let bar = progress_bar();
        let mut events = 0;
        let rebuilt = builder.rebuild(|progress| {
            events = progress.position;
            bar.set_length(progress.head.unsigned_abs());
            bar.set_position(progress.position.unsigned_abs());
        });
        let store = rebuilt.await?;
        bar.finish_and_clear();
        let cells = [format!("the tables are rebuilt from {events} events")];
        self.output.row(&json!({ "position": events }), &cells)?;
        self.output.title("servers that run answer `superseded` from now on: start them again")?;
        // It is rebuilt whatever becomes of this.
        if self.drop_previous {
            store.drop_previous().await?;
        } else {
            let kept = "the tables of before are kept: `rebuild --drop-unused` drops them";
            self.output.title(kept)?;
        }
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// Tells whether tables were dropped.
fn dropped(any: bool, output: Output) -> Result<Outcome, CommandError> {
    let told =
        if any { "the tables that are not in use are dropped" } else { "all tables are in use" };
    output.row(&json!({ "dropped": any }), &[told.to_owned()])?;
    Ok(Outcome::Done)
}

/// Tells what a rebuild would change.
fn tell_preview(preview: &RebuildPreview, output: Output) -> Result<(), CommandError> {
    for it in &preview.first {
        let (before, after) = (&it.before, &it.after);
        let value = json!({
            "collection": it.collection,
            "id": it.id.to_json(),
            "before": before,
            "after": after,
        });
        let cells = [
            format!("{} {}:", it.collection, it.id),
            format!("{},", shown(before.as_ref())),
            format!("then {}", shown(after.as_ref())),
        ];
        output.row(&value, &cells)?;
    }
    let changes = preview.collections.iter().map(CollectionPreview::changes).sum();
    tell_more(preview.first.len(), changes, output)?;
    for it in &preview.collections {
        let value = json!({
            "collection": it.collection,
            "fields": it.fields,
            "documents": it.documents,
            "added": it.added,
            "changed": it.changed,
            "removed": it.removed,
        });
        let mut cells = vec![format!(
            "{}: of {} documents {} change, {} go, {} come",
            it.collection, it.documents, it.changed, it.removed, it.added
        )];
        cells.extend(it.fields.iter().cloned());
        output.row(&value, &cells)?;
    }
    if preview.adds_history {
        output.row(&json!({ "addsHistory": true }), &["the history would be kept".to_owned()])?;
    }
    if preview.needs_downgrading {
        output.title("a newer program made the tables in use: the rebuild needs --downgrade")?;
    }
    Ok(())
}

/// Tells that not all were told.
fn tell_more(told: usize, all: u64, output: Output) -> Result<(), CommandError> {
    match all.saturating_sub(told as u64) {
        0 => Ok(()),
        more => output.title(&format!("and {more} more")),
    }
}

/// What nobody reads to its end has come to the same.
const fn outcome(is_same: bool) -> Outcome {
    if is_same { Outcome::Done } else { Outcome::Differs }
}

fn shown(json: Option<&serde_json::Value>) -> String {
    json.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

impl Snapshot {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let store = self.database.open_existing(builder).await?;
        if let Some(position) = self.remove {
            return removed(&store, position, self.output).await;
        }
        if !self.list {
            let spinner = spinner("taking snapshots");
            if let Some(every) = self.every {
                store.take_missing_snapshots(every).await?;
            }
            store.take_snapshot().await?;
            spinner.finish_and_clear();
        }
        let all = store.snapshots().await?;
        let shows_all = self.list || self.every.is_some();
        let shown = if shows_all { &all[..] } else { &all[all.len().saturating_sub(1)..] };
        self.output.title("position  taken at                  documents  bytes")?;
        for taken in shown {
            let value = json!({
                "position": taken.position,
                "takenAt": taken.taken_at,
                "documents": taken.documents,
                "bytes": taken.bytes,
            });
            let cells = [
                format!("{:>8}", taken.position),
                taken.taken_at.to_string(),
                format!("{:>9}", taken.documents),
                taken.bytes.to_string(),
            ];
            self.output.row(&value, &cells)?;
        }
        store.close().await;
        Ok(Outcome::Done)
    }
}

/// Removes a snapshot.
async fn removed(
    store: &Store,
    position: Position,
    output: Output,
) -> Result<Outcome, CommandError> {
    if !store.remove_snapshot(position).await? {
        return Err(CommandError::NoSnapshot { position });
    }
    let cells = [format!("the snapshot of position {position} is removed")];
    output.row(&json!({ "removed": position }), &cells)?;
    store.close().await;
    Ok(Outcome::Done)
}

impl Verify {
    pub(super) async fn run(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
    ) -> Result<Outcome, CommandError> {
        let store = self.database.open_existing(builder).await?;
        let spinner = spinner("comparing with a replay of the log");
        let found = store.verify().await?;
        spinner.finish_and_clear();
        tell_verification(&found, self.output).or_else(seen_enough)?;
        store.close().await;
        Ok(outcome(found.is_sound()))
    }
}

/// Tells what a verification found.
fn tell_verification(found: &Verification, output: Output) -> Result<(), CommandError> {
    for it in &found.first {
        let value = json!({
            "compared": it.compared.name(),
            "position": it.position,
            "collection": it.collection,
            "id": it.id.to_json(),
            "expected": it.expected,
            "found": it.found,
        });
        let cells = [
            format!("{}, {} {} at {}:", it.compared.name(), it.collection, it.id, it.position),
            format!("expected {},", shown(it.expected.as_ref())),
            format!("found {}", shown(it.found.as_ref())),
        ];
        output.row(&value, &cells)?;
    }
    tell_more(found.first.len(), found.differences, output)?;
    for Broken { compared, position, reason, .. } in &found.broken {
        let compared = compared.name();
        let value = json!({ "compared": compared, "position": position, "broken": reason });
        let at = position.map_or_else(String::new, |position| format!(" at {position}"));
        output.row(&value, &[format!("{compared}{at}: can't be read: {reason}")])?;
    }
    let value = json!({
        "position": found.position,
        "documents": found.documents,
        "snapshots": found.snapshots,
        "differences": found.differences,
        "broken": found.broken.len(),
    });
    let cells = [format!(
        "{} compared, with those of {}, as of position {}: {}, {} can't be read",
        counted(found.documents, "document"),
        counted(found.snapshots, "snapshot"),
        found.position,
        counted(found.differences, "difference"),
        found.broken.len()
    )];
    output.row(&value, &cells)?;
    let is_snapshot = |compared: &Compared| *compared == Compared::Snapshot;
    let different = found.first.iter().filter(|it| is_snapshot(&it.compared)).count();
    let mut broken = found.broken.iter();
    // Not all differences are told one by one.
    if different as u64 != found.differences || broken.any(|it| !is_snapshot(&it.compared)) {
        output.title("`rebuild` writes documents and history anew")?;
    }
    let is_known = |it: &Broken| is_snapshot(&it.compared) && it.position.is_some();
    if different > 0 || found.broken.iter().any(is_known) {
        let cure = "`snapshot --remove` removes a snapshot, and `snapshot --every` takes it again";
        output.title(cure)?;
    }
    Ok(())
}

/// Returns how many there are of something, for people.
fn counted(number: u64, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
