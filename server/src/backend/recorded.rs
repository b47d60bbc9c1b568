//! Schemas as they are recorded beside the tables that they made.

use flux_reducers::{Field, Kind, Schema};
use serde::Deserialize;

#[derive(Deserialize)]
struct RecordedSchema {
    collection: String,
    fields: Vec<RecordedField>,
    id: usize,
}

#[derive(Deserialize)]
struct RecordedField {
    name: String,
    kind: RecordedKind,
    nullable: bool,
    unique: bool,
    index: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum RecordedKind {
    Bool,
    I32,
    I64,
    U32,
    F64,
    Text,
    Uuid,
    Timestamp,
    Bytes,
    Json,
    Enumeration(Vec<String>),
}

/// Reads a recorded schema. It stays in memory for good, as those of the reducers do: it is for a
/// look at tables that other reducers made, once in a process.
pub(super) fn schema(json: &str) -> Result<&'static Schema, serde_json::Error> {
    let RecordedSchema { collection, fields, id } = serde_json::from_str(json)?;
    let fields: Vec<Field> = fields.into_iter().map(field).collect();
    let schema = Schema { collection: collection.leak(), fields: fields.leak(), id };
    Ok(Box::leak(Box::new(schema)))
}

fn field(recorded: RecordedField) -> Field {
    let RecordedField { name, kind, nullable, unique, index } = recorded;
    Field { name: name.leak(), kind: kind.into(), nullable, unique, index }
}

impl From<RecordedKind> for Kind {
    fn from(kind: RecordedKind) -> Self {
        match kind {
            RecordedKind::Bool => Self::Bool,
            RecordedKind::I32 => Self::I32,
            RecordedKind::I64 => Self::I64,
            RecordedKind::U32 => Self::U32,
            RecordedKind::F64 => Self::F64,
            RecordedKind::Text => Self::Text,
            RecordedKind::Uuid => Self::Uuid,
            RecordedKind::Timestamp => Self::Timestamp,
            RecordedKind::Bytes => Self::Bytes,
            RecordedKind::Json => Self::Json,
            RecordedKind::Enumeration(variants) => {
                let variants = variants.into_iter().map(|variant| &*variant.leak());
                Self::Enumeration(variants.collect::<Vec<_>>().leak())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_read_as_it_was_recorded() {
        let kinds = [
            Kind::Bool,
            Kind::I32,
            Kind::I64,
            Kind::U32,
            Kind::F64,
            Kind::Text,
            Kind::Uuid,
            Kind::Timestamp,
            Kind::Bytes,
            Kind::Json,
            Kind::Enumeration(&["red", "green"]),
        ];
        let fields = kinds.iter().enumerate().map(|(position, kind)| Field {
            name: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"][position],
            kind: *kind,
            nullable: position % 2 == 0,
            unique: position == 3,
            index: position == 4,
        });
        let all = Schema { collection: "all", fields: fields.collect::<Vec<_>>().leak(), id: 2 };
        assert_eq!(*schema(&serde_json::to_string(&all).unwrap()).unwrap(), all);
    }
}
