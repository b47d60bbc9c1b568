//! Conditions as SQL. Each is true or false, never NULL, so that NOT means what it means in memory.

use flux_reducers::{Comparison, Condition, Schema, Value};
use sqlx::{QueryBuilder, Sqlite};

use super::quoted;

/// Appends the condition to a statement.
pub(super) fn push(sql: &mut QueryBuilder<Sqlite>, schema: &Schema, condition: &Condition) {
    let column = |field: &usize| quoted(schema.fields[*field].name);
    match condition {
        Condition::Compare { field, comparison, value } => {
            let column = column(field);
            sql.push(format_args!("({column} IS NOT NULL AND {column} {} ", operator(*comparison)));
            push_value(sql, value);
            sql.push(")");
        }
        Condition::IsNull { field } => {
            sql.push(format_args!("({} IS NULL)", column(field)));
        }
        Condition::StartsWith { field, text } => {
            let column = column(field);
            sql.push(format_args!("({column} IS NOT NULL AND substr({column}, 1, length("));
            sql.push_bind(text.clone()).push(")) = ").push_bind(text.clone()).push(")");
        }
        Condition::Contains { field, text } => {
            let column = column(field);
            sql.push(format_args!("({column} IS NOT NULL AND instr({column}, "));
            sql.push_bind(text.clone()).push(") > 0)");
        }
        Condition::And(all) => push_all(sql, schema, all, " AND ", "1"),
        Condition::Or(any) => push_all(sql, schema, any, " OR ", "0"),
        Condition::Not(condition) => {
            sql.push("(NOT ");
            push(sql, schema, condition);
            sql.push(")");
        }
    }
}

/// Appends a value as a bound parameter.
pub(super) fn push_value(sql: &mut QueryBuilder<Sqlite>, value: &Value) {
    match value {
        Value::Null => sql.push("NULL"),
        Value::Bool(bool) => sql.push_bind(*bool),
        Value::Integer(integer) => sql.push_bind(*integer),
        Value::Float(float) => sql.push_bind(float.get()),
        Value::Text(text) => sql.push_bind(text.clone()),
        Value::Uuid(uuid) => sql.push_bind(*uuid),
        Value::Timestamp(timestamp) => sql.push_bind(timestamp.as_milliseconds()),
        Value::Bytes(bytes) => sql.push_bind(bytes.clone()),
        Value::Json(json) => sql.push_bind(json.to_string()),
    };
}

fn push_all(
    sql: &mut QueryBuilder<Sqlite>,
    schema: &Schema,
    conditions: &[Condition],
    operator: &str,
    of_none: &str,
) {
    if let Some(values) = same_field(conditions).filter(|_| operator == " OR ") {
        return push_in(sql, schema, values.0, &values.1);
    }
    sql.push("(");
    if conditions.is_empty() {
        sql.push(of_none);
    }
    for (position, condition) in conditions.iter().enumerate() {
        if position > 0 {
            sql.push(operator);
        }
        push(sql, schema, condition);
    }
    sql.push(")");
}

/// Alternatives of one field are one IN: an OR of a thousand is too deep for SQLite.
fn push_in(sql: &mut QueryBuilder<Sqlite>, schema: &Schema, field: usize, values: &[&Value]) {
    let column = quoted(schema.fields[field].name);
    sql.push(format_args!("({column} IS NOT NULL AND {column} IN ("));
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            sql.push(", ");
        }
        push_value(sql, value);
    }
    sql.push("))");
}

fn same_field(conditions: &[Condition]) -> Option<(usize, Vec<&Value>)> {
    let mut same: Option<(usize, Vec<&Value>)> = None;
    for condition in conditions {
        let Condition::Compare { field, comparison: Comparison::Eq, value } = condition else {
            return None;
        };
        match &mut same {
            None => same = Some((*field, vec![value])),
            Some((other, values)) if other == field => values.push(value),
            Some(_) => return None,
        }
    }
    same
}

const fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}
