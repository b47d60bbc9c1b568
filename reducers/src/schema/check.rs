//! What no database can hold. Told while the program is compiled where the schema is a constant: then
//! a package of WebAssembly has no code for it.

use alloc::string::{String, ToString};

use super::{FIELDS_MAX, Field, KEYS_MAX, Kind, Schema};

const NAME_CHARACTERS_MAX: usize = 48;

/// The store's own tables, in any case: not every database tells upper from lower.
const RESERVED_PREFIX: &str = "flux_";

/// Columns that each table of PostgreSQL has.
const RESERVED_FIELDS: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// What is wrong with a schema; fields by their position.
pub(super) enum Problem {
    CollectionName,
    FieldName(usize),
    ReservedField(usize),
    SameName(usize, usize),
    IndexedJson(usize),
    NoId,
    TooMany { keys: usize },
    Id,
}

impl Problem {
    /// Returns the problem of this schema in words.
    pub(super) fn of(&self, schema: &Schema) -> String {
        let name = |position: usize| schema.fields[position].name;
        match *self {
            Self::CollectionName => alloc::format!(
                "a collection's name is a lower-case letter, then letters, digits and `_`, at \
                 most {NAME_CHARACTERS_MAX}, not beginning with `{RESERVED_PREFIX}`"
            ),
            Self::FieldName(field) => alloc::format!(
                "field `{}`: a name is a lower-case letter, then letters, digits and `_`, at most \
                 {NAME_CHARACTERS_MAX}",
                name(field)
            ),
            Self::ReservedField(field) => alloc::format!(
                "field `{}`: PostgreSQL keeps this name to itself, choose another",
                name(field)
            ),
            Self::SameName(one, other) => {
                alloc::format!("fields `{}` and `{}` differ in case only", name(one), name(other))
            }
            Self::IndexedJson(field) => {
                alloc::format!("field `{}`: JSON can't be indexed", name(field))
            }
            Self::NoId => "it has no id".to_string(),
            Self::TooMany { keys } => alloc::format!(
                "it has {} fields, of which {keys} are the id, indexed or unique: at most \
                 {FIELDS_MAX} fields can be, and at most {KEYS_MAX} of these",
                schema.fields.len()
            ),
            Self::Id => alloc::format!(
                "field `{}` can't be the id: an id is a UUID, text or an integer, never null",
                name(schema.id)
            ),
        }
    }
}

/// Returns the first problem of a schema, if it has one.
pub(super) const fn problem(schema: &Schema) -> Option<Problem> {
    if !is_name(schema.collection) || is_reserved(schema.collection) {
        return Some(Problem::CollectionName);
    }
    let mut keys = 0;
    let mut position = 0;
    while position < schema.fields.len() {
        if let Some(problem) = problem_of_field(schema, position) {
            return Some(problem);
        }
        let Field { index, unique, .. } = schema.fields[position];
        if index || unique || position == schema.id {
            keys += 1;
        }
        position += 1;
    }
    if schema.id >= schema.fields.len() {
        return Some(Problem::NoId);
    }
    if schema.fields.len() > FIELDS_MAX || keys > KEYS_MAX {
        return Some(Problem::TooMany { keys });
    }
    let Field { kind, nullable, .. } = schema.fields[schema.id];
    let can_be_id = matches!(kind, Kind::I32 | Kind::I64 | Kind::U32 | Kind::Text | Kind::Uuid);
    if nullable || !can_be_id { Some(Problem::Id) } else { None }
}

const fn problem_of_field(schema: &Schema, position: usize) -> Option<Problem> {
    let Field { name, kind, unique, index, .. } = schema.fields[position];
    if !is_name(name) {
        return Some(Problem::FieldName(position));
    }
    let mut reserved = 0;
    while reserved < RESERVED_FIELDS.len() {
        if is_same(RESERVED_FIELDS[reserved], name) {
            return Some(Problem::ReservedField(position));
        }
        reserved += 1;
    }
    let mut other = 0;
    while other < position {
        if schema.fields[other].name.eq_ignore_ascii_case(name) {
            return Some(Problem::SameName(other, position));
        }
        other += 1;
    }
    if (unique || index) && matches!(kind, Kind::Json) {
        return Some(Problem::IndexedJson(position));
    }
    None
}

const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    let begins_well = matches!(rest, [first, ..] if first.is_ascii_lowercase());
    if name.len() > NAME_CHARACTERS_MAX || !begins_well {
        return false;
    }
    while let [next, after @ ..] = rest {
        if !next.is_ascii_alphanumeric() && *next != b'_' {
            return false;
        }
        rest = after;
    }
    true
}

const fn is_reserved(name: &str) -> bool {
    match name.as_bytes().split_at_checked(RESERVED_PREFIX.len()) {
        Some((prefix, _)) => prefix.eq_ignore_ascii_case(RESERVED_PREFIX.as_bytes()),
        None => false,
    }
}

/// Compares texts while the program is compiled.
pub(crate) const fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut index = 0;
    while index < left.len() && index < right.len() && left[index] == right[index] {
        index += 1;
    }
    index == left.len() && index == right.len()
}
