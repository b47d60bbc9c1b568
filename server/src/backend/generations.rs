//! Generations: the sets of tables that versions of the reducers made of one log. One is live; one
//! may be built beside it, and the one before is kept until it is dropped.

use std::collections::BTreeSet;

use flux_reducers::{Document as _, Position, Schema, Uuid, Value};
use sqlx::QueryBuilder;

use super::connections::{STEP_TIMEOUT, answer};
use super::dialect::Dialect;
use super::own::{GENERATIONS, Generation, GenerationState};
use super::tables::{self, Purpose, Tables};
use super::{Built, Demand, Head, Settings, documents, events, history};
use crate::clock::now;
use crate::error::Error;

/// A generation that is being built.
pub(super) struct Claimed {
    pub(super) tables: Tables,
    /// As far as it is built.
    pub(super) position: Position,
    pub(super) keeps_history: bool,
}

/// Makes the tables of a new generation, or takes over those of a rebuild that was interrupted. None
/// where what is live is what is demanded. Only one server at a time gets here.
pub(super) async fn claim<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schemas: &[&'static Schema],
    (settings, demand): (&Settings, Demand),
    owner: Uuid,
) -> Result<Option<Claimed>, Error> {
    let locked = D::lock_tables(connection, &tables.channel()).await;
    locked.map_err(Error::database("connecting"))?;
    let head = events::head::<D>(connection, tables, "").await?;
    let all = all::<D>(connection, tables).await?;
    let live = all.iter().find(|it| it.id == head.generation);
    let live = live.ok_or_else(|| damaged(&"it lacks the live one"))?;
    if !is_wanted::<D>(connection, (tables, schemas), (settings, demand), live, head).await? {
        return Ok(None);
    }
    let replaces_previous =
        matches!(demand, Demand::WhereNewer | Demand::Anyway { replaces_previous: true, .. });
    let next = all.iter().map(|it| it.id).max().unwrap_or_default() + 1;
    let mut begun = None;
    for it in all.iter().filter(|it| it.id != live.id) {
        let of = tables.of_generation(it.id);
        match it.state {
            GenerationState::Kept if !replaces_previous => return Err(Error::PreviousKept),
            // Until the new one is in use.
            GenerationState::Kept => {}
            GenerationState::Building
                if it.version == settings.version
                    && it.program.is_some()
                    && it.program == settings.program
                    && fits::<D>(connection, &of, schemas, settings).await? =>
            {
                begun = Some((of, it.position));
            }
            // It is dropped once these are begun: a failure of that is none of theirs.
            state => {
                mark_dropped::<D>(connection, &of, state).await?;
            }
        }
    }
    let is_new = begun.is_none();
    let (of, position) = begun.unwrap_or_else(|| (tables.of_generation(next), 0));
    if is_new {
        let generation = Generation {
            id: next,
            version: settings.version,
            state: GenerationState::Begun,
            position: 0,
            owner: None,
            seen_at: None,
            program: settings.program,
        };
        tables::insert::<D>(connection, tables, GENERATIONS, &generation).await?;
    }
    let (history, purpose) = (settings.wants_history, Purpose::Building);
    let keeps_history =
        tables::prepare_collections::<D>(connection, &of, schemas, history, purpose).await?;
    // Once all its tables are there: not every database takes those back with the transaction.
    let changes = [own(owner), is_building(), seen_now()];
    set::<D>(connection, tables, of.generation(), &changes, &[]).await?;
    Ok(Some(Claimed { tables: of, position, keeps_history }))
}

/// Whether the live generation is to be rebuilt.
async fn is_wanted<D: Dialect>(
    connection: &mut D::Connection,
    (tables, schemas): (&Tables, &[&'static Schema]),
    (settings, demand): (&Settings, Demand),
    live: &Generation,
    head: Head,
) -> Result<bool, Error> {
    let downgrades = matches!(demand, Demand::Anyway { downgrades: true, .. });
    if live.version > settings.version && !downgrades {
        return Err(Error::VersionChanged { made_by: live.version, version: settings.version });
    }
    if demand == Demand::WhereNewer {
        let of = tables.of_generation(live.id);
        let is_same = live.version == settings.version
            && fits::<D>(connection, &of, schemas, settings).await?;
        return Ok(!is_same);
    }
    if head.generation == tables.generation() { Ok(true) } else { Err(Error::RebuildUnderWay) }
}

/// Records how far a generation is built, as long as it is the owner's and as far as that one left
/// it. It locks the row: another who took over meanwhile is told from this one.
pub(super) async fn advance<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    owner: Uuid,
    (from, to): (Position, Position),
) -> Result<(), Error> {
    let is_own = [own(owner), is_building(), ("position", from.into())];
    let changes = [("position", to.into()), seen_now()];
    set::<D>(connection, tables, tables.generation(), &changes, &is_own).await
}

/// Holds what is recorded of a generation until the transaction ends, if that is the live one.
pub(super) async fn hold_live<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<(), Error> {
    let live = [("state", "live".into())];
    let told = [("id", tables.generation().into()), ("state", "live".into())];
    match update::<D>(connection, tables, &live, &told).await? {
        0 => Err(Error::Superseded),
        _ => Ok(()),
    }
}

/// Makes a generation the live one, in a transaction that holds the head. One that was kept so far
/// is to be dropped.
pub(super) async fn swap<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    head: Head,
    owner: Uuid,
) -> Result<(), Error> {
    let to = tables.generation();
    let (kept, dropped) = ([("state", "kept".into())], [("state", "dropped".into())]);
    update::<D>(connection, tables, &dropped, &kept).await?;
    let live = [("state", "live".into()), ("owner", Value::Null)];
    set::<D>(connection, tables, to, &live, &[own(owner), is_building()]).await?;
    let was_live = [("state", "live".into())];
    set::<D>(connection, tables, head.generation, &kept, &was_live).await?;
    let table = tables.quoted::<D>("flux_head");
    let mut sql = QueryBuilder::new(format!("UPDATE {table} SET generation = "));
    D::push_value(&mut sql, &Value::Integer(to));
    sql.push(" WHERE id = 1");
    let swapped = answer(STEP_TIMEOUT, D::execute(connection, sql)).await;
    swapped.map(|_| ()).map_err(Error::database("swapping the tables"))
}

/// Ends the building of a generation, if it is still the owner's.
pub(super) async fn abandon<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    owner: Uuid,
    built: Built,
) -> Result<(), Error> {
    let is_own = [own(owner), is_building()];
    let nobody = [("owner", Value::Null)];
    set::<D>(connection, tables, tables.generation(), &nobody, &is_own).await?;
    if built == Built::Dropped {
        mark_dropped::<D>(connection, tables, GenerationState::Building).await?;
        drop::<D>(connection, tables).await?;
    }
    Ok(())
}

/// Records that a generation is to be dropped, as long as it is in this state; returns whether it was.
pub(super) async fn mark_dropped<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    state: GenerationState,
) -> Result<bool, Error> {
    let dropped = [("state", "dropped".into()), ("owner", Value::Null)];
    let told = [("id", tables.generation().into()), ("state", state.into())];
    Ok(update::<D>(connection, tables, &dropped, &told).await? > 0)
}

/// Drops the tables of a generation that is to be dropped, and what is recorded of it and of its
/// snapshots. The parts of those are removed before: they may be many.
pub(super) async fn drop<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<(), Error> {
    // Another may have dropped it, and a new one may have its number. It holds the row meanwhile.
    if !mark_dropped::<D>(connection, tables, GenerationState::Dropped).await? {
        return Ok(());
    }
    let id = Value::from(tables.generation());
    tables::drop_collections::<D>(connection, tables).await?;
    for (table, column) in [
        ("flux_snapshots", "generation"),
        ("flux_schemas", "generation"),
        ("flux_generations", "id"),
    ] {
        let table = tables.quoted::<D>(table);
        let column = D::quoted(column);
        let mut sql = QueryBuilder::new(format!("DELETE FROM {table} WHERE {column} = "));
        D::push_value(&mut sql, &id);
        D::execute(connection, sql).await.map_err(Error::database("dropping a generation"))?;
    }
    Ok(())
}

/// Whether tables are those of these schemas.
async fn fits<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schemas: &[&'static Schema],
    settings: &Settings,
) -> Result<bool, Error> {
    let recorded = tables::recorded_collections::<D>(connection, tables).await?;
    let wanted = settings.wants_history.then_some(history::SCHEMA);
    let wanted = schemas.iter().copied().filter(|it| !events::is_log(it)).chain(wanted);
    let names: BTreeSet<_> = wanted.map(|schema| schema.collection).collect();
    if recorded.iter().map(String::as_str).collect::<BTreeSet<_>>() != names {
        return Ok(false);
    }
    let history = settings.wants_history;
    let checked =
        tables::prepare_collections::<D>(connection, tables, schemas, history, Purpose::Building);
    match checked.await {
        Ok(_) => Ok(true),
        Err(Error::SchemaChanged { .. } | Error::TableChanged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn all<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
) -> Result<Vec<Generation>, Error> {
    let all = documents::all::<D>(connection, tables, GENERATIONS).await?;
    all.iter().map(Generation::from_row).collect::<Result<_, _>>().map_err(|error| damaged(&error))
}

fn own(owner: Uuid) -> (&'static str, Value) {
    ("owner", Value::Uuid(owner))
}

fn seen_now() -> (&'static str, Value) {
    ("seenAt", Value::Timestamp(now()))
}

fn is_building() -> (&'static str, Value) {
    ("state", "building".into())
}

/// Changes what is recorded of a generation, as long as it is as expected.
async fn set<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    id: i64,
    changes: &[(&'static str, Value)],
    expected: &[(&'static str, Value)],
) -> Result<(), Error> {
    let of_it: Vec<_> = [("id", id.into())].into_iter().chain(expected.iter().cloned()).collect();
    match update::<D>(connection, tables, changes, &of_it).await? {
        1 => Ok(()),
        // Where nothing is expected, nothing has changed: it is as it should be.
        _ if expected.is_empty() => Ok(()),
        _ => Err(Error::RebuildUnderWay),
    }
}

/// Changes what is recorded of the generations that are as told, and returns how many were.
async fn update<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    changes: &[(&'static str, Value)],
    told: &[(&'static str, Value)],
) -> Result<u64, Error> {
    let table = tables.quoted::<D>(GENERATIONS.collection);
    let mut sql = QueryBuilder::new(format!("UPDATE {table} SET "));
    for (position, (name, value)) in changes.iter().enumerate() {
        sql.push(format_args!("{}{} = ", if position > 0 { ", " } else { "" }, D::quoted(name)));
        if let Value::Null = value {
            sql.push("NULL");
        } else {
            D::push_value(&mut sql, value);
        }
    }
    for (position, (name, value)) in told.iter().enumerate() {
        let joined = if position > 0 { " AND " } else { " WHERE " };
        sql.push(format_args!("{joined}{} = ", D::quoted(name)));
        D::push_value(&mut sql, value);
    }
    let changed = answer(STEP_TIMEOUT, D::execute(connection, sql)).await;
    changed.map_err(Error::database("recording a generation"))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::beyond_rebuild(format!("`flux_generations`: {error}"))
}
