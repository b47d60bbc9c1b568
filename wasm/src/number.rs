//! Numbers to and from JavaScript: exactly, or as an error.

use serde_json::Number;

use crate::error::Problem;

/// The largest integer of which JavaScript holds all smaller ones exactly.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

pub(crate) fn decode(number: f64) -> Result<Number, Problem> {
    if number.trunc() == number && number.abs() < TWO_TO_64 {
        return safe_integer(number).map(Number::from).ok_or_else(|| Problem::integer(number));
    }
    Number::from_f64(number)
        .ok_or_else(|| Problem::new(format!("expected a finite number, found {number}")))
}

/// Returns the integer, if the number is one and JavaScript can't have rounded it.
#[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
pub(crate) fn safe_integer(number: f64) -> Option<i64> {
    (number.trunc() == number && number.abs() < TWO_TO_53).then_some(number as i64)
}

/// Returns an integer as a number, if JavaScript can hold it.
#[expect(clippy::cast_precision_loss, reason = "within 53 bits")]
pub(crate) fn of_integer(integer: i64) -> Result<f64, Problem> {
    if integer.unsigned_abs() > SAFE_INTEGER_MAX.unsigned_abs() {
        return Err(Problem::integer(integer));
    }
    Ok(integer as f64)
}

/// Returns a number of JSON, if JavaScript can hold it.
pub(crate) fn of_json(number: &Number) -> Result<f64, Problem> {
    if let Some(integer) = number.as_i64() {
        return of_integer(integer);
    }
    match number.as_f64() {
        Some(float) if float.trunc() != float || float.abs() >= TWO_TO_64 => Ok(float),
        _ => Err(Problem::integer(number)),
    }
}
