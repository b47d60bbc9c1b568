//! JSON values to and from JavaScript: exactly, or as an error that says where.

use flux_reducers::Json;
use serde_json::{Map, Number, Value};
use wasm_bindgen::prelude::JsValue;

use crate::error::Problem;
use crate::javascript::{self, List, LoneSurrogate};

/// The largest integer of which JavaScript holds all smaller ones exactly.
pub(crate) const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

/// Reads JSON; `None` for `undefined`.
pub(crate) fn decode(value: &JsValue) -> Result<Option<Value>, Problem> {
    decode_below(value, Json::DEPTH_MAX)
}

/// Writes JSON, frozen all through.
pub(crate) fn encode(value: &Value) -> Result<JsValue, Problem> {
    encode_below(value, Json::DEPTH_MAX)
}

/// Reads a text, if it is one.
pub(crate) fn text(value: &JsValue) -> Result<Option<String>, Problem> {
    javascript::text(value).map_err(|LoneSurrogate| {
        Problem::new("the text has half of a surrogate pair, which is no character")
    })
}

/// Reads a BigInt, if it is one that fits 64 bits.
pub(crate) fn big_integer(value: &JsValue) -> Result<Option<i64>, Problem> {
    if !value.is_bigint() {
        return Ok(None);
    }
    let integer = i64::try_from(value.clone());
    integer.map(Some).map_err(|_| Problem::new("the BigInt does not fit 64 bits"))
}

fn decode_below(value: &JsValue, depth_left: usize) -> Result<Option<Value>, Problem> {
    if let Some(text) = text(value)? {
        return Ok(Some(Value::String(text)));
    }
    if let Some(number) = value.as_f64() {
        return decode_number(number).map(|number| Some(Value::Number(number)));
    }
    if let Some(bool) = value.as_bool() {
        return Ok(Some(Value::Bool(bool)));
    }
    if value.is_undefined() {
        return Ok(None);
    }
    if value.is_null() {
        return Ok(Some(Value::Null));
    }
    if let Some(integer) = big_integer(value)? {
        return Ok(Some(integer.into()));
    }
    if value.is_symbol() || value.is_function() {
        let kind = if value.is_symbol() { "symbol" } else { "function" };
        return Err(Problem::new(format!("expected JSON data, found a {kind}")));
    }
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(too_deep());
    };
    if let Some(list) = List::of(value)? {
        let items = (0..list.length()?).map(|index| {
            // As in JSON: there is no `undefined` in a list.
            let item = decode_below(&list.at(index), depth_left);
            item.map(Option::unwrap_or_default).map_err(|problem| problem.in_item(index))
        });
        return items.collect::<Result<_, _>>().map(Value::Array).map(Some);
    }
    decode_object(value, depth_left).map(Some)
}

fn decode_object(value: &JsValue, depth_left: usize) -> Result<Value, Problem> {
    if !javascript::is_plain(value)? {
        return Err(not_plain(value));
    }
    let names = javascript::names_of(value)?;
    let mut members = Map::new();
    for index in 0..names.length()? {
        let js_name = names.at(index);
        let Some(name) = text(&js_name)? else {
            continue;
        };
        let item = javascript::member(value, &js_name).map_err(Problem::from);
        match item.and_then(|item| decode_below(&item, depth_left)) {
            Ok(Some(item)) => drop(members.insert(name, item)),
            Ok(None) => {}
            Err(problem) => return Err(problem.in_member(&name)),
        }
    }
    Ok(Value::Object(members))
}

fn not_plain(value: &JsValue) -> Problem {
    let class = javascript::class_name(value).unwrap_or_else(|| "object with a class".into());
    let cure = match &*class {
        "Date" => ": use `date.toISOString()`",
        "Map" => ": use `Object.fromEntries(map)`",
        "Set" => ": use `[...set]`",
        _ => "",
    };
    Problem::new(format!(
        "expected plain data (null, true, false, a number, text, a list, an object), found a \
         {class}{cure}"
    ))
}

fn decode_number(number: f64) -> Result<Number, Problem> {
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

/// Writes an integer, if JavaScript can hold it.
#[expect(clippy::cast_precision_loss, reason = "within 53 bits")]
pub(crate) fn encode_integer(integer: i64) -> Result<JsValue, Problem> {
    if integer.unsigned_abs() > SAFE_INTEGER_MAX.unsigned_abs() {
        return Err(Problem::integer(integer));
    }
    Ok(JsValue::from_f64(integer as f64))
}

fn encode_number(number: &Number) -> Result<JsValue, Problem> {
    if let Some(integer) = number.as_i64() {
        return encode_integer(integer);
    }
    match number.as_f64() {
        Some(float) if float.trunc() != float || float.abs() >= TWO_TO_64 => {
            Ok(JsValue::from_f64(float))
        }
        _ => Err(Problem::integer(number)),
    }
}

fn encode_below(value: &Value, depth_left: usize) -> Result<JsValue, Problem> {
    let deeper = || depth_left.checked_sub(1).ok_or_else(too_deep);
    Ok(match value {
        Value::Null => JsValue::NULL,
        Value::Bool(bool) => JsValue::from_bool(*bool),
        Value::Number(number) => encode_number(number)?,
        Value::String(text) => JsValue::from_str(text),
        Value::Array(items) => {
            let (depth_left, list) = (deeper()?, List::empty());
            for (index, item) in (0..).zip(items) {
                let item = encode_below(item, depth_left);
                list.push(&item.map_err(|problem| problem.in_item(index))?);
            }
            list.frozen()
        }
        Value::Object(members) => {
            let depth_left = deeper()?;
            let members = members.iter().map(|(name, item)| {
                let item = encode_below(item, depth_left);
                Ok((JsValue::from_str(name), item.map_err(|problem| problem.in_member(name))?))
            });
            let members = members.collect::<Result<Vec<_>, Problem>>()?;
            javascript::frozen_object(members.into_iter())
        }
    })
}

fn too_deep() -> Problem {
    let most = Json::DEPTH_MAX;
    Problem::new(format!("lists and objects may be nested {most} deep, found more"))
}
