//! The statements that write a batch: few, each of many rows, and how many rows each must affect.

use std::collections::BTreeMap;

use flux_reducers::{Change, Condition, Row, Schema, Value};
use sqlx::QueryBuilder;

use super::dialect::Dialect;
use super::documents::PLACEHOLDERS_MAX;
use super::tables::Tables;
use super::{Head, Write, events, filter, history};
use crate::error::Error;
use crate::size;

/// Bytes in one statement, unless one row alone has more: below the packets that MySQL takes.
const STATEMENT_BYTES: usize = 1024 * 1024;

/// One statement of a batch.
pub(super) enum Statement<'a> {
    /// Moves the head, from a position where that is not known to be held.
    MoveHead { from: Option<Head>, to: Head },
    /// Removes rows that are there.
    Delete { schema: &'static Schema, ids: Vec<&'a Value> },
    /// Adds rows that are not there.
    Insert { schema: &'static Schema, rows: Vec<&'a Row> },
    /// Changes rows that are there. Their unique values stay, so that only the id can be in the
    /// way.
    Update { schema: &'static Schema, rows: Vec<&'a Row> },
}

/// What a batch adds, and nothing ever changes.
pub(super) struct Log {
    events: Vec<Row>,
    history: Vec<Row>,
}

impl Log {
    pub(super) fn of(write: &Write<'_>) -> Result<Self, Error> {
        Ok(Self { events: events::rows(write.events)?, history: history::rows(write)? })
    }
}

/// Returns the statements that add rows.
pub(super) fn inserts<'a, D: Dialect>(
    schema: &'static Schema,
    rows: &'a [Row],
) -> impl Iterator<Item = Statement<'a>> {
    let parts = parts::<D>(schema, &rows.iter().collect::<Vec<_>>());
    parts.into_iter().map(move |rows| Statement::Insert { schema, rows })
}

/// Returns the statements of a batch, in an order in which no row is in another's way.
pub(super) fn statements<'a, D: Dialect>(
    write: &'a Write<'_>,
    log: &'a Log,
    from: Option<Head>,
    row_bytes_max: usize,
) -> Result<Vec<Statement<'a>>, Error> {
    let mut statements = vec![Statement::MoveHead { from, to: write.head }];
    push_documents::<D>(&mut statements, write);
    statements.extend(inserts::<D>(events::SCHEMA, &log.events));
    statements.extend(inserts::<D>(history::SCHEMA, &log.history));
    checked(statements, row_bytes_max)
}

/// Returns the statements that write what events changed, and not the events.
pub(super) fn documents<'a, D: Dialect>(
    write: &'a Write<'_>,
    history: &'a [Row],
    row_bytes_max: usize,
) -> Result<Vec<Statement<'a>>, Error> {
    let mut statements = Vec::new();
    push_documents::<D>(&mut statements, write);
    statements.extend(inserts::<D>(history::SCHEMA, history));
    checked(statements, row_bytes_max)
}

/// Makes sure that the database takes each row.
fn checked(
    statements: Vec<Statement<'_>>,
    row_bytes_max: usize,
) -> Result<Vec<Statement<'_>>, Error> {
    statements.iter().try_for_each(|statement| statement.check(row_bytes_max))?;
    Ok(statements)
}

fn push_documents<'a, D: Dialect>(statements: &mut Vec<Statement<'a>>, write: &'a Write<'_>) {
    for (collection, changes) in write.delta.collections() {
        // The log is written from the events, whether or not a reducer keeps it too.
        if let Some(schema) = write.schemas.get(collection)
            && !events::is_log(schema)
        {
            push_changes::<D>(statements, schema, changes);
        }
    }
}

/// Tells whether the database refuses what was written, or fails.
pub(super) fn refusal<D: Dialect>(error: sqlx::Error) -> Error {
    if error.as_database_error().is_some_and(D::blames_data) {
        return Error::Refused(error.into());
    }
    Error::database("writing")(error)
}

/// Whether the statements may run in any order: none frees a unique value that another needs.
pub(super) fn are_independent(statements: &[Statement<'_>]) -> bool {
    statements.iter().all(|statement| match statement {
        Statement::Delete { schema: of, .. } => {
            unique_fields(of).next().is_none()
                || !statements
                    .iter()
                    .any(|other| matches!(other, Statement::Insert { schema, .. } if schema == of))
        }
        _ => true,
    })
}

impl Statement<'_> {
    /// Returns how many rows it must affect. Another number means that somebody else wrote.
    pub(super) fn expected<D: Dialect>(&self) -> u64 {
        match self {
            Self::MoveHead { .. } => 1,
            Self::Delete { ids, .. } => ids.len() as u64,
            Self::Insert { rows, .. } => rows.len() as u64,
            Self::Update { rows, .. } => D::AFFECTED_BY_UPDATE * rows.len() as u64,
        }
    }

    /// Makes sure that the database takes each of its rows.
    fn check(&self, row_bytes_max: usize) -> Result<(), Error> {
        let (Self::Insert { schema, rows } | Self::Update { schema, rows }) = self else {
            return Ok(());
        };
        match rows.iter().map(|row| size::written(row)).find(|bytes| *bytes > row_bytes_max) {
            None => Ok(()),
            Some(bytes) => {
                let (collection, most) = (schema.collection, row_bytes_max);
                Err(Error::TooLarge { collection, bytes, most })
            }
        }
    }

    /// Appends its SQL.
    pub(super) fn push<D: Dialect>(&self, sql: &mut QueryBuilder<D>, tables: &Tables) {
        match self {
            Self::MoveHead { from, to } => {
                let (position, timestamp) = (D::quoted("position"), D::quoted("timestamp"));
                let table = tables.quoted::<D>("flux_head");
                sql.push(format_args!("UPDATE {table} SET {position} = "));
                D::push_value(sql, &Value::Integer(to.position));
                sql.push(format_args!(", {timestamp} = "));
                D::push_value(sql, &Value::Timestamp(to.timestamp));
                sql.push(", event_id = ");
                D::push_value(sql, &to.event_id.map_or(Value::Null, Value::Uuid));
                sql.push(" WHERE id = 1");
                if let Some(from) = from {
                    sql.push(format_args!(" AND {position} = "));
                    D::push_value(sql, &Value::Integer(from.position));
                    sql.push(" AND generation = ");
                    D::push_value(sql, &Value::Integer(from.generation));
                    // Another event there means that the log was replaced.
                    if let Some(id) = from.event_id {
                        sql.push(" AND event_id = ");
                        D::push_value(sql, &Value::Uuid(id));
                    }
                }
            }
            Self::Delete { schema, ids } => {
                sql.push(format_args!(
                    "DELETE FROM {} WHERE ",
                    tables.quoted::<D>(schema.collection)
                ));
                let any = ids.iter().map(|id| Condition::equal(schema.id, (*id).clone())).collect();
                filter::push(sql, schema, &Condition::Or(any));
            }
            Self::Insert { schema, rows } => push_insert(sql, tables, schema, rows),
            Self::Update { schema, rows } => {
                push_insert(sql, tables, schema, rows);
                let id = D::quoted(schema.id_field().name);
                let columns = schema.fields.iter().map(|field| D::quoted(field.name));
                let columns: Vec<_> = columns.filter(|column| *column != id).collect();
                sql.push(D::on_conflict(&id, &columns));
            }
        }
    }

    /// Runs it by itself.
    pub(super) async fn run<D: Dialect>(
        &self,
        connection: &mut D::Connection,
        tables: &Tables,
    ) -> Result<(), Error> {
        let mut sql = QueryBuilder::new("");
        self.push::<D>(&mut sql, tables);
        let affected = D::execute(connection, sql).await.map_err(refusal::<D>)?;
        let expected = self.expected::<D>();
        if affected == expected {
            return Ok(());
        }
        Err(Error::Damaged(format!(
            "{affected} rows of table `{}` changed where {expected} should have: something besides \
             this store writes it",
            self.table()
        )))
    }

    fn table(&self) -> &'static str {
        match self {
            Self::MoveHead { .. } => "flux_head",
            Self::Delete { schema, .. }
            | Self::Insert { schema, .. }
            | Self::Update { schema, .. } => schema.collection,
        }
    }
}

/// Returns the fields beside the id of which no two documents have the same value.
fn unique_fields(schema: &Schema) -> impl Iterator<Item = usize> {
    let fields = schema.fields.iter().enumerate();
    fields
        .filter(|(position, field)| field.unique && *position != schema.id)
        .map(|(position, _)| position)
}

/// Appends the net change of one collection. What is gone or holds a unique value that moves is
/// deleted first.
fn push_changes<'a, D: Dialect>(
    statements: &mut Vec<Statement<'a>>,
    schema: &'static Schema,
    changes: &'a BTreeMap<Value, Change>,
) {
    let unique: Vec<usize> = unique_fields(schema).collect();
    let (mut gone, mut new, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (id, change) in changes {
        match (&change.before, &change.after) {
            (None, Some(after)) => new.push(after),
            (Some(before), Some(after)) if unique.iter().all(|it| before[*it] == after[*it]) => {
                changed.push(after);
            }
            (Some(_), Some(after)) => {
                gone.push(id);
                new.push(after);
            }
            (Some(_), None) => gone.push(id),
            (None, None) => {}
        }
    }
    for ids in gone.chunks(PLACEHOLDERS_MAX) {
        statements.push(Statement::Delete { schema, ids: ids.to_vec() });
    }
    let inserts = parts::<D>(schema, &new).into_iter();
    statements.extend(inserts.map(|rows| Statement::Insert { schema, rows }));
    let updates = parts::<D>(schema, &changed).into_iter();
    statements.extend(updates.map(|rows| Statement::Update { schema, rows }));
}

fn push_insert<D: Dialect>(
    sql: &mut QueryBuilder<D>,
    tables: &Tables,
    schema: &Schema,
    rows: &[&Row],
) {
    let columns: Vec<_> = schema.fields.iter().map(|field| D::quoted(field.name)).collect();
    let (table, columns) = (tables.quoted::<D>(schema.collection), columns.join(", "));
    sql.push(format_args!("INSERT INTO {table} ({columns}) "));
    D::push_rows(sql, schema, rows);
}

/// Divides rows into statements: neither too many rows, nor too many bytes, and of few lengths.
fn parts<'a, D: Dialect>(schema: &Schema, rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let most = usize::min(PLACEHOLDERS_MAX / schema.fields.len().max(1), D::ROWS_PER_STATEMENT);
    let (mut parts, mut rest) = (Vec::new(), rows);
    while !rest.is_empty() {
        let mut bytes = 0;
        let within = rest.iter().take(most).take_while(|row| {
            bytes += size::of_row(row);
            bytes <= STATEMENT_BYTES
        });
        let (part, more) = rest.split_at(D::length_at_most(within.count().max(1)));
        parts.push(part.to_vec());
        rest = more;
    }
    parts
}
