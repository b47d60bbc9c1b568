//! How a schema differs from the one before.

use flux_reducers::{Field, Schema};

/// Tells each difference, for people; none where the same table holds the documents of both.
pub(crate) fn schema_changes(old: &Schema, new: &Schema) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let find = |schema: &Schema, name: &str| {
        schema.fields.iter().find(|field| field.name == name).copied()
    };
    let mut told = Vec::new();
    for field in new.fields {
        let name = field.name;
        match find(old, name) {
            None => told.push(format!("field `{name}` is new: {}", described(field))),
            Some(before) if before != *field => {
                let (before, now) = (described(&before), described(field));
                told.push(format!("field `{name}` was {before}, and is {now}"));
            }
            Some(_) => {}
        }
    }
    for field in old.fields.iter().filter(|field| find(new, field.name).is_none()) {
        told.push(format!("field `{}` is gone", field.name));
    }
    if told.is_empty() {
        told.push("the order of the fields, or the id, is another".to_owned());
    }
    told
}

/// Tells what a field is, such as `text, unique`.
fn described(field: &Field) -> String {
    let flags = [
        (field.nullable, "may be null"),
        (field.unique, "unique"),
        (field.index && !field.unique, "indexed"),
    ];
    let set = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, text)| (*text).to_owned());
    std::iter::once(field.kind.to_string()).chain(set).collect::<Vec<_>>().join(", ")
}
