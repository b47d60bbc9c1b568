//! Documents in tables: queries, and what faults ask for.

use flux_reducers::{
    Condition, FILTER_PARTS_MAX, Fault, Kind, ORDER_BYTES_MAX, ORDER_CHARACTERS_MAX, Plan, Row,
    Schema, Value, Wanted,
};
use sqlx::QueryBuilder;
use tokio::sync::mpsc;

use super::connections::next_row;
use super::dialect::Dialect;
use super::own::SNAPSHOTS;
use super::tables::Tables;
use super::{Part, events, filter, history};
use crate::error::Error;
use crate::size;

/// Placeholders in one statement, a length that lists have; SQLite takes 32,766, PostgreSQL and
/// MySQL 65,535.
pub(super) const PLACEHOLDERS_MAX: usize = 16_384;

/// Bytes of rows that are handed on together, unless one row alone has more.
const PART_BYTES: usize = 64 * 1024;

/// Hands on the documents that a query asks for, as fast as they are taken. Returns whether
/// somebody still takes them.
pub(super) async fn find<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &'static Schema,
    query: &Plan,
    (plan, parts): (usize, &mpsc::Sender<Part>),
) -> Result<bool, Error> {
    let mut sql = select::<D>(tables, schema);
    filter::push(&mut sql, schema, &query.condition);
    sql.push(" ORDER BY ").push(order::<D>(schema, query));
    push_limit(&mut sql, query.limit, query.offset);
    let mut found = D::stream(connection, &mut sql);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    loop {
        let next = next_row(&mut found).await;
        let Some(row) = next.map_err(Error::database("reading"))? else { break };
        let row = document::<D>(schema, &row)?;
        bytes += size::of_row(&row);
        rows.push(row);
        if bytes >= PART_BYTES {
            bytes = 0;
            if parts.send(Part::Rows { plan, rows: std::mem::take(&mut rows) }).await.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(rows.is_empty() || parts.send(Part::Rows { plan, rows }).await.is_ok())
}

/// What was asked for, then the id; but where a field is unique, nothing after it tells more.
fn order<D: Dialect>(schema: &Schema, query: &Plan) -> String {
    let mut columns = Vec::new();
    for (field, direction) in &query.order {
        let field = &schema.fields[*field];
        let column = D::quoted(field.name);
        let is_key = schema.is_key(field);
        let counted = match field.kind {
            Kind::Text if !is_key => format!("SUBSTR({column}, 1, {ORDER_CHARACTERS_MAX})"),
            // SQLite takes the beginning of no bytes for null.
            Kind::Bytes if !is_key => format!(
                "CASE WHEN LENGTH({column}) > {ORDER_BYTES_MAX} \
                 THEN SUBSTR({column}, 1, {ORDER_BYTES_MAX}) ELSE {column} END"
            ),
            _ => column,
        };
        columns.push(format!("{counted} {}", D::direction(*direction)));
        if field.unique && !field.nullable {
            return columns.join(", ");
        }
    }
    columns.push(D::quoted(schema.id_field().name));
    columns.join(", ")
}

/// Returns the documents with these ids, those that there are.
pub(super) async fn by_id<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &'static Schema,
    ids: impl IntoIterator<Item = Value>,
) -> Result<Vec<Row>, Error> {
    let ids: Vec<_> = ids.into_iter().map(|id| Condition::equal(schema.id, id)).collect();
    let mut rows = Vec::new();
    for ids in ids.chunks(PLACEHOLDERS_MAX) {
        let mut sql = select::<D>(tables, schema);
        filter::push(&mut sql, schema, &Condition::Or(ids.to_vec()));
        rows.extend(fetch(connection, schema, sql).await?);
    }
    Ok(rows)
}

/// Returns all documents of a small table.
pub(super) async fn all<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &'static Schema,
) -> Result<Vec<Row>, Error> {
    let mut sql = select::<D>(tables, schema);
    filter::push(&mut sql, schema, &Condition::all());
    fetch(connection, schema, sql).await
}

/// Returns the documents that faults of one collection ask for: those by id with one query, those
/// by condition with another.
pub(super) async fn load<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    faults: &[&Fault],
) -> Result<Vec<Row>, Error> {
    let Some(schema) = faults.first().map(|fault| fault.schema()) else {
        return Ok(Vec::new());
    };
    let ids = faults.iter().filter_map(|fault| match fault.wanted() {
        Wanted::Document(id) => Some(id.clone()),
        Wanted::Matching(_) => None,
    });
    let mut rows = by_id::<D>(connection, tables, schema, ids).await?;
    let conditions = faults.iter().filter_map(|fault| match fault.wanted() {
        Wanted::Document(_) => None,
        Wanted::Matching(condition) => Some(condition.clone()),
    });
    for any in groups(conditions, D::ROWS_PER_STATEMENT) {
        let mut sql = select::<D>(tables, schema);
        filter::push(&mut sql, schema, &Condition::Or(any));
        rows.extend(fetch(connection, schema, sql).await?);
    }
    Ok(rows)
}

/// Divides conditions into those that one statement asks for.
fn groups(conditions: impl Iterator<Item = Condition>, most: usize) -> Vec<Vec<Condition>> {
    let (mut groups, mut parts) = (Vec::<Vec<Condition>>::new(), 0);
    for condition in conditions {
        let own = filter::parts(&condition);
        match groups.last_mut() {
            Some(group) if group.len() < most && parts + own <= FILTER_PARTS_MAX => {
                parts += own;
                group.push(condition);
            }
            _ => {
                parts = own;
                groups.push(vec![condition]);
            }
        }
    }
    groups
}

pub(super) fn select<D: Dialect>(tables: &Tables, schema: &Schema) -> QueryBuilder<D> {
    let columns: Vec<_> = schema.fields.iter().map(|field| D::quoted(field.name)).collect();
    let (columns, table) = (columns.join(", "), tables.quoted::<D>(schema.collection));
    QueryBuilder::new(format!("SELECT {columns} FROM {table} WHERE "))
}

/// MySQL has no offset without a limit.
fn push_limit<D: Dialect>(sql: &mut QueryBuilder<D>, limit: Option<u64>, offset: u64) {
    let clamped = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    sql.push(" LIMIT ");
    D::push_value(sql, &clamped(limit.unwrap_or(u64::MAX)));
    sql.push(" OFFSET ");
    D::push_value(sql, &clamped(offset));
}

pub(super) async fn fetch<D: Dialect>(
    connection: &mut D::Connection,
    schema: &'static Schema,
    sql: QueryBuilder<D>,
) -> Result<Vec<Row>, Error> {
    let rows = D::fetch(connection, sql).await.map_err(Error::database("reading"))?;
    rows.iter().map(|row| document::<D>(schema, row)).collect()
}

fn document<D: Dialect>(schema: &'static Schema, row: &D::Row) -> Result<Row, Error> {
    let read = |position: usize| {
        let field = &schema.fields[position];
        D::value(row, position, field).map_err(|error| format!("`{}`: {error}", field.name))
    };
    let values: Result<Vec<_>, _> = (0..schema.fields.len()).map(read).collect();
    let document = values.and_then(|it| schema.row(it).map_err(|error| error.to_string()));
    document.map_err(|reason| damaged::<D>(schema, row, &reason))
}

/// Tells which document can't be read: its id, and where it is an event its position.
pub(super) fn damaged<D: Dialect>(schema: &Schema, row: &D::Row, reason: &str) -> Error {
    let told = |name: &str| {
        let position = schema.fields.iter().position(|field| field.name == name)?;
        D::value(row, position, &schema.fields[position]).ok().map(|value| value.to_string())
    };
    let readable_id = told(schema.id_field().name);
    let has_id = readable_id.is_some();
    let id = readable_id.unwrap_or_else(|| "whose id can't be read".to_owned());
    if let Some(position) = told("position").filter(|_| events::is_log(schema)) {
        let event = format!("event {id} at position {position} of the log: {reason}");
        return Error::beyond_rebuild(event);
    }
    let collection = schema.collection;
    let is_rebuilt = !collection.starts_with("flux_") || collection == history::SCHEMA.collection;
    let cure = match collection {
        _ if is_rebuilt => "; a rebuild writes it anew",
        _ if collection != SNAPSHOTS.collection => "",
        // It is found by its id.
        _ if has_id => "; the next snapshot that is taken removes it",
        _ => "; a rebuild leaves it behind, with all snapshots",
    };
    Error::Damaged(format!("document {id} of `{collection}`: {reason}{cure}"))
}
