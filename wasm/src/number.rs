//! Numbers to and from JavaScript: exactly, or as an error.

use flux_reducers::__private::{Misfit, Token, float_text};
use serde_json::Number;

use crate::error::code;

/// The largest integer of which JavaScript holds all smaller ones exactly.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

/// Returns a number of JSON.
pub(crate) fn token(number: f64) -> Result<Token<'static>, Misfit> {
    match safe_integer(number) {
        Some(integer) => Ok(Token::Integer(integer)),
        None if number.abs() < TWO_TO_64 && is_whole(number) => Err(unsafe_integer(number)),
        None if number.is_finite() => Ok(Token::Float(number)),
        None => {
            Err(Misfit::new(["expected a finite number, found ", &float_text(number)].concat()))
        }
    }
}

/// Whether a number is one without a fraction.
pub(crate) fn is_whole(number: f64) -> bool {
    // What is larger has none.
    number.is_finite() && (number.abs() >= TWO_TO_53 || safe_integer(number).is_some())
}

/// Returns the integer, if the number is one and JavaScript can't have rounded it.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "within 53 bits")]
pub(crate) fn safe_integer(number: f64) -> Option<i64> {
    let integer = number as i64;
    (number.abs() < TWO_TO_53 && integer as f64 == number).then_some(integer)
}

/// Returns an integer as a number, if JavaScript can hold it.
#[expect(clippy::cast_precision_loss, reason = "within 53 bits")]
pub(crate) fn of_integer(integer: i64) -> Result<f64, Misfit> {
    if integer.unsigned_abs() > SAFE_INTEGER_MAX.unsigned_abs() {
        return Err(out_of_range(&integer.to_string()));
    }
    Ok(integer as f64)
}

/// Returns a number of JSON, if JavaScript can hold it.
pub(crate) fn of_json(number: &Number) -> Result<f64, Misfit> {
    if let Some(integer) = number.as_i64() {
        return of_integer(integer);
    }
    match number.as_f64() {
        Some(float) if !is_whole(float) || float.abs() >= TWO_TO_64 => Ok(float),
        _ => Err(out_of_range(&number.to_string())),
    }
}

/// Tells that JavaScript may have rounded an integer.
#[cold]
pub(crate) fn unsafe_integer(number: f64) -> Misfit {
    out_of_range(&float_text(number))
}

#[cold]
fn out_of_range(number: &str) -> Misfit {
    let reason = [
        number,
        " is beyond the integers that JavaScript holds exactly, -(2^53 - 1) to 2^53 - 1: carry it \
         as text",
    ]
    .concat();
    Misfit { code: Some(code::INTEGER_OUT_OF_RANGE), ..Misfit::new(reason) }
}
