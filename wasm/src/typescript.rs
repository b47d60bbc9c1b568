//! TypeScript declarations, made from schemas and shapes while the package is compiled.

use flux_reducers::{Collection, Document, Event, Kind, Property, Reduction, Schema, Shape};

/// More than any app should need; the text is made at compile time and is not in the package's
/// WebAssembly.
const BYTES_MAX: usize = 1 << 18;

/// A text that grows while constants are evaluated.
#[expect(missing_debug_implementations, reason = "private to the macro")]
pub struct Text {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl Text {
    /// Creates an empty one.
    #[must_use]
    #[expect(clippy::new_without_default, clippy::large_stack_arrays, reason = "only constants")]
    pub const fn new() -> Self {
        Self { bytes: [0; BYTES_MAX], length: 0 }
    }

    /// Returns what was written.
    ///
    /// # Panics
    /// Never: only texts are written.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => panic!("declarations are UTF-8"),
        }
    }

    const fn byte(&mut self, byte: u8) {
        assert!(self.length < BYTES_MAX, "the TypeScript declarations are too long");
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    pub(crate) const fn push(&mut self, text: &str) -> &mut Self {
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            self.byte(*first);
            rest = after;
        }
        self
    }

    const fn quoted(&mut self, text: &str) {
        self.byte(b'"');
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            if matches!(first, b'"' | b'\\') {
                self.byte(b'\\');
            }
            self.byte(*first);
            rest = after;
        }
        self.byte(b'"');
    }

    const fn member_name(&mut self, name: &str) {
        let mut rest = name.as_bytes();
        let mut is_identifier = !matches!(rest, [] | [b'0'..=b'9', ..]);
        while let [first, after @ ..] = rest {
            is_identifier &= first.is_ascii_alphanumeric() || matches!(first, b'_' | b'$');
            rest = after;
        }
        if is_identifier {
            self.push(name);
        } else {
            self.quoted(name);
        }
    }

    /// Writes the name of the state's type: `NotesState` for `notes`.
    const fn state_name(&mut self, reducer: &str) {
        if let [first, rest @ ..] = reducer.as_bytes() {
            self.byte(first.to_ascii_uppercase());
            let mut rest = rest;
            while let [next, after @ ..] = rest {
                self.byte(*next);
                rest = after;
            }
        }
        self.push("State");
    }

    const fn number(&mut self, number: u32) {
        if number >= 10 {
            self.number(number / 10);
        }
        self.byte(b"0123456789"[(number % 10) as usize]);
    }

    const fn kind(&mut self, kind: Kind) {
        match kind {
            Kind::Bool => self.push("boolean"),
            Kind::I32 | Kind::I64 | Kind::U32 | Kind::F64 => self.push("number"),
            Kind::Text | Kind::Uuid | Kind::Timestamp | Kind::Bytes => self.push("string"),
            Kind::Json => self.push("unknown"),
            Kind::Enumeration(variants) => {
                let mut index = 0;
                while index < variants.len() {
                    if index > 0 {
                        self.push(" | ");
                    }
                    self.quoted(variants[index]);
                    index += 1;
                }
                self
            }
        };
    }

    const fn shape(&mut self, shape: &Shape, is_input: bool) {
        match shape {
            Shape::Kind(kind) => self.kind(*kind),
            Shape::Nullable(shape) => {
                self.shape(shape, is_input);
                self.push(" | null");
            }
            Shape::List(items) => {
                self.push("readonly (");
                self.shape(items, is_input);
                self.push(")[]");
            }
            Shape::Record(properties) => {
                self.push("{ ");
                self.members(properties, is_input, "; ");
                self.push("}");
            }
        }
    }

    /// Writes an object's members. What may be null may be missing where it is read, as payloads
    /// are; a document has all its fields.
    const fn members(&mut self, properties: &[Property], is_input: bool, end: &str) {
        let mut index = 0;
        while index < properties.len() {
            let Property { name, shape } = &properties[index];
            self.push("readonly ").member_name(name);
            self.push(if is_input && matches!(shape, Shape::Nullable(_)) { "?: " } else { ": " });
            self.shape(shape, is_input);
            self.push(end);
            index += 1;
        }
    }

    const fn interface(&mut self, name: &str, shape: &Shape) {
        self.push("/** A document. */\nexport interface ").push(name).push(" {\n  ");
        if let Shape::Record(properties) = shape {
            self.members(properties, false, ";\n  ");
        }
        self.length -= 2;
        self.push("}\n\n");
    }

    /// Writes the events' union; of every type of event, the type of all actions.
    const fn events<E: Event>(&mut self, name: &str, suffix: &str) {
        self.push("/** What can happen: a Flux Standard Action. */\nexport type ");
        self.push(name).push(suffix).push(" =");
        match E::VARIANTS {
            None => {
                self.push(" { readonly type: string; readonly payload?: unknown }");
            }
            Some(variants) => {
                let mut index = 0;
                while index < variants.len() {
                    self.push("\n  | { readonly type: ").quoted(variants[index].event_type);
                    match &variants[index].payload {
                        None => {}
                        Some(payload) => {
                            let may_miss = matches!(payload, Shape::Nullable(_));
                            self.push("; readonly payload").push(if may_miss {
                                "?: "
                            } else {
                                ": "
                            });
                            self.shape(payload, true);
                        }
                    }
                    if variants[index].version > 1 {
                        self.push("; readonly meta: { readonly version: ");
                        self.number(variants[index].version);
                        self.push("; readonly [name: string]: unknown }");
                    }
                    self.push(" }");
                    index += 1;
                }
                if variants.is_empty() {
                    self.push(" never");
                }
            }
        }
        self.push(";\n\n");
        if E::VARIANTS.is_some() {
            self.push("export interface Actions extends ActionCreators<");
            self.push(name).push(suffix).push("> {}\n\n");
        }
    }

    const fn function(&mut self, name: &str) {
        self.push(
            "/**\n * A Redux reducer: the same state where nothing changes. It never throws.\n * From \
             wasm-pack's target `web` it works once `await init()` has ended.\n */\n",
        );
        self.push("export function ").push(name).push("(state: ").state_name(name);
        self.push(" | undefined, action: { readonly type: string }): ").state_name(name);
        self.push(";\n");
    }
}

/// Returns the declarations for the reducer of one collection.
#[must_use]
pub const fn collection_types<T: Document, E: Event>(
    name: &str,
    _: fn(&Collection<T>, &E) -> Reduction,
) -> Text {
    let mut text = Text::new();
    document_types::<T>(&mut text);
    text.events::<E>(T::NAME, "Event");
    text.push("/** The state of the collection. */\nexport type ").state_name(name);
    text.push(" = CollectionState<").push(T::NAME).push(">;\n\n").function(name);
    text
}

/// Writes the declarations for a document.
pub const fn document_types<T: Document>(text: &mut Text) {
    text.interface(T::NAME, &T::SHAPE);
}

/// Writes the declarations for events; of their path the last part is the name.
pub const fn event_types<E: Event>(text: &mut Text, path: &str) {
    let mut start = path.len();
    while start > 0 && !matches!(path.as_bytes()[start - 1], b':' | b' ') {
        start -= 1;
    }
    text.events::<E>(path.split_at(start).1, "");
}

/// Returns the declarations for a root reducer, after those for its documents and events.
#[must_use]
pub const fn root_types(
    mut text: Text,
    name: &str,
    documents: &[(&'static Schema, &'static str)],
) -> Text {
    text.push("/** The state of the collections. */\nexport interface ").state_name(name);
    text.push(" {\n");
    let mut index = 0;
    while index < documents.len() {
        let (schema, document) = documents[index];
        text.push("  readonly ").push(schema.collection).push(": CollectionState<");
        text.push(document).push(">;\n");
        index += 1;
    }
    text.push("}\n\n").function(name);
    text
}

#[cfg(test)]
mod tests;
