//! Conditions as SQL. Each is true or false, never NULL, so that NOT means what it means in memory.

use flux_reducers::__private::after_all_with;
use flux_reducers::{Comparison, Condition, Schema, Value};
use sqlx::QueryBuilder;

use super::dialect::Dialect;

/// Appends the condition to a statement.
pub(super) fn push<D: Dialect>(sql: &mut QueryBuilder<D>, schema: &Schema, condition: &Condition) {
    let column = |field: &usize| D::quoted(schema.fields[*field].name);
    match condition {
        Condition::Compare { field, comparison, value } => {
            let column = column(field);
            sql.push(format_args!("({column} IS NOT NULL AND {column} {} ", operator(*comparison)));
            D::push_value(sql, value);
            sql.push(")");
        }
        Condition::IsNull { field } => {
            sql.push(format_args!("({} IS NULL)", column(field)));
        }
        Condition::StartsWith { field, text } => {
            let column = column(field);
            sql.push(format_args!("({column} IS NOT NULL AND "));
            // A range in the order of code points: what an index can look up.
            sql.push(format_args!("{column} >= "));
            D::push_value(sql, &Value::Text(text.clone()));
            if let Some(end) = after_all_with(text) {
                sql.push(format_args!(" AND {column} < "));
                D::push_value(sql, &Value::from(end));
            }
            sql.push(")");
        }
        Condition::Contains { field, text } => {
            let column = column(field);
            sql.push(format_args!("({column} IS NOT NULL AND "));
            D::push_contains(sql, &column, text);
            sql.push(")");
        }
        Condition::And(all) => push_all(sql, schema, all, " AND ", "1 = 1"),
        Condition::Or(any) => match same_field(any) {
            Some((field, values)) => {
                let column = column(&field);
                sql.push(format_args!("({column} IS NOT NULL AND "));
                D::push_in(sql, &schema.fields[field], &column, &values);
                sql.push(")");
            }
            None => push_all(sql, schema, any, " OR ", "1 = 0"),
        },
        Condition::Not(condition) => {
            sql.push("(NOT ");
            push(sql, schema, condition);
            sql.push(")");
        }
    }
}

/// Returns of how many parts a condition is made.
pub(super) fn parts(condition: &Condition) -> usize {
    match condition {
        Condition::And(conditions) | Condition::Or(conditions) => {
            1 + conditions.iter().map(parts).sum::<usize>()
        }
        Condition::Not(condition) => 1 + parts(condition),
        _ => 1,
    }
}

fn push_all<D: Dialect>(
    sql: &mut QueryBuilder<D>,
    schema: &Schema,
    conditions: &[Condition],
    operator: &str,
    of_none: &str,
) {
    sql.push("(");
    match conditions {
        [] => drop(sql.push(of_none)),
        [one] => push(sql, schema, one),
        // In halves: to a parser a chain of a thousand is as deep.
        several => {
            let (first, second) = several.split_at(several.len() / 2);
            push_all(sql, schema, first, operator, of_none);
            sql.push(operator);
            push_all(sql, schema, second, operator, of_none);
        }
    }
    sql.push(")");
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
