//! A second, plain opinion on what filters, orders and operations mean: no indexes, no plans.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use flux_reducers::{Direction, Fields, Filter, Operation, Rejection, Row, Schema, Value, code};

use crate::generate::{Orders, SCHEMAS};

/// Returns whether a row fulfils a filter, as its documentation says.
pub(crate) fn holds(filter: &Filter, schema: &Schema, row: &Row) -> bool {
    let found = |name: &str| &row[schema.position(name).expect("a field")];
    let operand = |name: &str, value: &Value| {
        let field = schema.fields[schema.position(name).expect("a field")];
        value.clone().into_kind(&field.kind).expect("a value of the kind")
    };
    let equals =
        |name: &str, value: &Value| compare(found(name), &operand(name, value)) == Ordering::Equal;
    let ordering = |name: &str, value: &Value| {
        (!found(name).is_null()).then(|| compare(found(name), &operand(name, value)))
    };
    match filter {
        Filter::Eq(name, value) => equals(name, value),
        Filter::Ne(name, value) => !equals(name, value),
        Filter::Lt(name, value) => ordering(name, value).is_some_and(Ordering::is_lt),
        Filter::Le(name, value) => ordering(name, value).is_some_and(Ordering::is_le),
        Filter::Gt(name, value) => ordering(name, value).is_some_and(Ordering::is_gt),
        Filter::Ge(name, value) => ordering(name, value).is_some_and(Ordering::is_ge),
        Filter::In(name, values) => values.iter().any(|value| equals(name, value)),
        Filter::IsNull(name) => found(name).is_null(),
        Filter::StartsWith(name, text) => {
            found(name).as_text().is_some_and(|found| found.starts_with(text.as_str()))
        }
        Filter::Contains(name, text) => {
            found(name).as_text().is_some_and(|found| found.contains(text.as_str()))
        }
        Filter::And(all) => all.iter().all(|filter| holds(filter, schema, row)),
        Filter::Or(any) => any.iter().any(|filter| holds(filter, schema, row)),
        Filter::Not(filter) => !holds(filter, schema, row),
    }
}

/// Compares two values of one field: null first, then by what they are.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => {
            left.get().partial_cmp(&right.get()).expect("no NaN")
        }
        (Value::Text(left), Value::Text(right)) => {
            left.chars().map(u32::from).cmp(right.chars().map(u32::from))
        }
        (Value::Uuid(left), Value::Uuid(right)) => left.as_u128().cmp(&right.as_u128()),
        (Value::Timestamp(left), Value::Timestamp(right)) => {
            left.as_milliseconds().cmp(&right.as_milliseconds())
        }
        (Value::Bytes(left), Value::Bytes(right)) => left.iter().cmp(right.iter()),
        (Value::Json(left), Value::Json(right)) => left.to_string().cmp(&right.to_string()),
        _ => panic!("values of two kinds in one field: {left:?} and {right:?}"),
    }
}

/// Returns the rows of a query: scanned, sorted by the orders and then the id, cut.
pub(crate) fn select(
    schema: &Schema,
    rows: &[Row],
    filter: &Filter,
    orders: &Orders,
    (offset, limit): (u64, Option<u64>),
) -> Vec<Row> {
    let mut found: Vec<_> = rows.iter().filter(|row| holds(filter, schema, row)).cloned().collect();
    found.sort_by(|left, right| {
        for (name, direction) in orders {
            let field = schema.position(name).expect("a field");
            match (compare(&left[field], &right[field]), direction) {
                (Ordering::Equal, _) => {}
                (ordering, Direction::Ascending) => return ordering,
                (ordering, Direction::Descending) => return ordering.reverse(),
            }
        }
        compare(schema.id_of(left), schema.id_of(right))
    });
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).expect("a small one"));
    found.into_iter().skip(usize::try_from(offset).expect("a small one")).take(limit).collect()
}

/// Documents by collection and id.
pub(crate) type Model = BTreeMap<(String, Value), Row>;

/// Applies one operation to plain documents; the code of the rejection where it is refused.
pub(crate) fn apply(model: &mut Model, operation: &Operation) -> Result<(), String> {
    let refused = |rejection: Rejection| rejection.code().to_owned();
    let schema =
        SCHEMAS.into_iter().find(|it| it.collection == operation.collection()).expect("a schema");
    let matching = |filter: &Filter| {
        filter.condition(schema).map_err(refused)?;
        let of_collection = model.iter().filter(|((name, _), _)| name == schema.collection);
        let rows = of_collection.map(|(_, row)| row);
        Ok::<_, String>(rows.filter(|row| holds(filter, schema, row)).cloned().collect::<Vec<_>>())
    };
    let found = |id: &Value| model.get(&(schema.collection.to_owned(), id.clone())).cloned();
    let changed = |rows: Vec<Row>, patch: &Fields| {
        let after = rows.into_iter().map(|row| schema.patch(&row, patch).map_err(refused));
        after.collect::<Result<Vec<_>, _>>()
    };
    let (gone, written) = match operation {
        Operation::Create { document, .. } => {
            let row = schema.row_from_fields(document).map_err(refused)?;
            if found(schema.id_of(&row)).is_some() {
                return Err(code::DOCUMENT_EXISTS.to_owned());
            }
            (vec![], vec![row])
        }
        Operation::Upsert { document, .. } => {
            (vec![], vec![schema.row_from_fields(document).map_err(refused)?])
        }
        Operation::UpdateById { id, patch, .. } => {
            (vec![], changed(found(id).into_iter().collect(), patch)?)
        }
        Operation::DestroyById { id, .. } => (found(id).into_iter().collect(), vec![]),
        Operation::UpdateWhere { filter, patch, .. } => {
            (vec![], changed(matching(filter)?, patch)?)
        }
        Operation::DestroyWhere { filter, .. } => (matching(filter)?, vec![]),
    };
    let key = |row: &Row| (schema.collection.to_owned(), schema.id_of(row).clone());
    for row in gone {
        model.remove(&key(&row));
    }
    for row in written {
        model.insert(key(&row), row);
    }
    if unique_values_are_unique(schema, model) { Ok(()) } else { Err(code::VALUE_TAKEN.to_owned()) }
}

fn unique_values_are_unique(schema: &Schema, model: &Model) -> bool {
    let unique = schema.fields.iter().enumerate().filter(|(_, field)| field.unique);
    unique.into_iter().all(|(position, _)| {
        let rows = model.iter().filter(|((name, _), _)| name == schema.collection);
        let mut values: Vec<_> = rows.map(|(_, row)| &row[position]).collect();
        values.retain(|value| !value.is_null());
        let all = values.len();
        values.sort_by(|left, right| compare(left, right));
        values.dedup();
        values.len() == all
    })
}
