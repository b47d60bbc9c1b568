//! What JavaScript has to know of a reducer.

use flux_reducers::{Action, Event, Kind, Schema, Upcasts};

use crate::bytes::ReadJson;
use crate::writer::{WriteJson, Writer};

/// The types of some events, and the members that are read of their payloads.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "private to the macro")]
pub struct Events {
    /// None where any type may be one of them.
    types: &'static [&'static str],
    records: &'static [Option<&'static [&'static str]>],
}

impl Events {
    /// Returns all that there may be.
    #[must_use]
    pub const fn all() -> Self {
        Self::of::<Action>()
    }

    /// Returns those of an event type.
    #[must_use]
    pub const fn of<E: Event>() -> Self {
        Self { types: E::TYPES, records: E::RECORDS }
    }

    /// Adds the types that upcasts read. The payloads of these cross as a whole, not by the members
    /// of the newest shape.
    pub(crate) fn with_upcasts(events: &[Self], upcasts: &Upcasts) -> Vec<Self> {
        let is_read = |name: &str| upcasts.event_types().any(|event_type| event_type == name);
        let is_known = |name: &str| events.iter().any(|it| it.types.contains(&name));
        let mut all: Vec<_> = events.iter().map(|it| it.whole_where(is_read)).collect();
        // A reducer lives as long as its package does.
        let old = upcasts.event_types().filter(|name| !is_known(name));
        let old: Vec<&'static str> = old.map(|name| &*name.to_owned().leak()).collect();
        if !old.is_empty() {
            all.push(Self { types: old.leak(), records: &[] });
        }
        all
    }

    fn whole_where(&self, is_read: impl Fn(&str) -> bool) -> Self {
        let records = self.types.iter().zip(self.records);
        let records = records.map(|(name, record)| record.filter(|_| !is_read(name)));
        Self { types: self.types, records: records.collect::<Vec<_>>().leak() }
    }
}

/// What a reducer is about.
pub(crate) struct Description<'a> {
    /// Whether its state has the collections by their names.
    pub(crate) is_root: bool,
    pub(crate) schemas: &'a [&'static Schema],
    pub(crate) events: &'a [Events],
    /// How fields of any JSON cross, if there are such.
    pub(crate) json: Option<(ReadJson, WriteJson)>,
}

impl Description<'_> {
    /// Returns the types of its events; none where it takes all.
    pub(crate) fn types(&self) -> Vec<&'static str> {
        let mut types = Vec::new();
        for events in self.events {
            if events.types.is_empty() {
                return Vec::new();
            }
            types.extend_from_slice(events.types);
        }
        types
    }

    /// Writes it for `border/description.js`.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), None, None);
        writer.flag(self.is_root);
        writer.count(self.schemas.len());
        for schema in self.schemas {
            writer.text(schema.collection);
            writer.count(schema.id);
            writer.count(schema.fields.len());
            for field in schema.fields {
                writer.text(field.name);
                writer.byte(kind_code(field.kind));
                writer.flag(field.nullable);
                writer.flag(schema.is_key(field));
                let variants = if let Kind::Enumeration(names) = field.kind { names } else { &[] };
                writer.count(variants.len());
                variants.iter().for_each(|name| writer.text(name));
            }
        }
        self.write_types(&mut writer);
        writer.into_bytes()
    }

    fn write_types(&self, writer: &mut Writer<'_>) {
        let types = self.types();
        writer.flag(!types.is_empty());
        writer.count(types.len());
        for events in self.events {
            for (index, event_type) in events.types.iter().enumerate() {
                // Reducers within a root reducer may read one payload by other names.
                let record = events.records.get(index).copied().flatten();
                let names = record.filter(|_| !self.is_root);
                writer.text(event_type);
                writer.flag(names.is_some());
                writer.count(names.unwrap_or_default().len());
                names.unwrap_or_default().iter().for_each(|name| writer.text(name));
            }
        }
    }
}

/// By which JavaScript knows a kind.
const fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Bool => 0,
        Kind::I32 => 1,
        Kind::U32 => 2,
        Kind::I64 => 3,
        Kind::Text => 4,
        Kind::Uuid => 5,
        Kind::Timestamp => 6,
        Kind::F64 => 7,
        Kind::Enumeration(_) => 8,
        // Left to WebAssembly.
        Kind::Bytes => 9,
        Kind::Json => 10,
    }
}
