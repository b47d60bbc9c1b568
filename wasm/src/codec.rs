//! Documents to and from JavaScript, by their schema: no reflection, names crossed once.

use flux_reducers::{Json, Kind, Rejection, Row, Schema, Value, code as core_code};
use wasm_bindgen::prelude::JsValue;

use crate::error::Problem;
use crate::javascript::{self, Record};
use crate::json;

/// One collection's schema with the names of its fields as JavaScript has them.
pub(crate) struct Codec {
    schema: &'static Schema,
    names: Vec<JsValue>,
}

impl Codec {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        let names = schema.fields.iter().map(|field| JsValue::from_str(field.name)).collect();
        Self { schema, names }
    }

    pub(crate) const fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Returns a document's id as it is in JavaScript.
    pub(crate) fn id_of(&self, document: &JsValue) -> Result<JsValue, javascript::Threw> {
        javascript::member(document, &self.names[self.schema.id])
    }

    /// Reads a document. Members that the schema does not have are left alone.
    pub(crate) fn decode(&self, document: &JsValue) -> Result<Row, Rejection> {
        let mut values = Vec::with_capacity(self.names.len());
        for (name, field) in self.names.iter().zip(self.schema.fields) {
            let value = javascript::member(document, name).map_err(Problem::from);
            let value = value.and_then(|value| decode_value(&value, field.kind));
            values.push(value.map_err(|problem| self.misfit(problem, field.name))?);
        }
        self.schema.row(values)
    }

    /// Refuses members that the schema does not have.
    pub(crate) fn check_names(&self, document: &JsValue) -> Result<(), Rejection> {
        let unreadable = |threw| self.misfit(Problem::from(threw), "");
        let names = javascript::names_of(document).map_err(unreadable)?;
        for index in 0..names.length().map_err(unreadable)? {
            let name = names.at(index);
            if !self.names.contains(&name) {
                self.schema.position(&name.as_string().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Writes a document, frozen. Of an earlier version of it, what did not change is kept.
    pub(crate) fn encode(
        &self,
        row: &Row,
        earlier: Option<(&Row, &JsValue)>,
    ) -> Result<JsValue, Rejection> {
        let mut document = Record::empty();
        for (position, (name, value)) in self.names.iter().zip(row.values()).enumerate() {
            let kept = earlier.filter(|(before, _)| before[position] == *value);
            let value = match kept.map(|(_, earlier)| javascript::member(earlier, name)) {
                Some(Ok(kept)) => kept,
                _ => encode_value(value)
                    .map_err(|problem| self.misfit(problem, self.schema.fields[position].name))?,
            };
            document = document.with(name, &value);
        }
        Ok(document.frozen())
    }

    fn misfit(&self, problem: Problem, field: &str) -> Rejection {
        let problem = if field.is_empty() { problem } else { problem.in_member(field) };
        let what = format!("a document of collection `{}` is wrong", self.schema.collection);
        problem.into_rejection(core_code::INVALID_VALUE, &what)
    }
}

/// Writes a value, frozen.
pub(crate) fn encode_value(value: &Value) -> Result<JsValue, Problem> {
    Ok(match value {
        Value::Null => JsValue::NULL,
        Value::Bool(bool) => JsValue::from_bool(*bool),
        Value::Integer(integer) => json::encode_integer(*integer)?,
        Value::Float(float) => JsValue::from_f64(float.get()),
        Value::Text(text) => JsValue::from_str(text),
        Value::Json(value) => json::encode(value.as_value())?,
        // Text in JSON.
        Value::Uuid(_) | Value::Timestamp(_) | Value::Bytes(_) => json::encode(&value.to_json())?,
    })
}

/// Reads a value; what text stands for is read by the schema.
fn decode_value(value: &JsValue, kind: Kind) -> Result<Value, Problem> {
    if value.is_undefined() || value.is_null() {
        return Ok(Value::Null);
    }
    if matches!(kind, Kind::Json) {
        return Ok(json::decode(value)?.map(Json::new).into());
    }
    if let Some(text) = json::text(value)? {
        return Ok(Value::from(text));
    }
    if let Some(number) = value.as_f64() {
        return match (kind, json::safe_integer(number)) {
            (Kind::I32 | Kind::I64 | Kind::U32, Some(integer)) => Ok(Value::from(integer)),
            (Kind::I64, None) if number.trunc() == number => Err(Problem::integer(number)),
            _ => Ok(Value::from(number)),
        };
    }
    if let Some(bool) = value.as_bool() {
        return Ok(Value::Bool(bool));
    }
    if let Some(integer) = json::big_integer(value)? {
        return Ok(Value::from(integer));
    }
    // Only for its message: the kinds left are none of objects, functions and symbols.
    json::decode(value)?;
    Err(Problem::new(format!("expected {kind}, found a list or an object")))
}
