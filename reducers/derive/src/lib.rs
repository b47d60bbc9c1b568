//! The derives of `flux-reducers`, which re-exports and documents them.

#![forbid(unsafe_code)]

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod attributes;
mod decode;
mod describe;
mod document;
mod enumeration;
mod event;
mod rename;

/// Makes a struct a document: its schema, a typed patch, its fields in the schema's order.
#[proc_macro_derive(Document, attributes(document, serde))]
pub fn document(input: TokenStream) -> TokenStream {
    expand(document::expand, &parse_macro_input!(input))
}

/// Makes an enum, tagged as a Flux Standard Action is, the events of a reducer.
#[proc_macro_derive(Event, attributes(event, serde))]
pub fn event(input: TokenStream) -> TokenStream {
    expand(event::expand, &parse_macro_input!(input))
}

/// Makes a unit enum a document's field, kept as the text of its variant.
#[proc_macro_derive(Enumeration, attributes(serde))]
pub fn enumeration(input: TokenStream) -> TokenStream {
    expand(enumeration::expand, &parse_macro_input!(input))
}

/// Tells the JSON shape of a struct inside of a payload.
#[proc_macro_derive(Describe, attributes(serde))]
pub fn describe(input: TokenStream) -> TokenStream {
    expand(describe::expand, &parse_macro_input!(input))
}

fn expand(
    derive: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
    input: &DeriveInput,
) -> TokenStream {
    derive(input).unwrap_or_else(|error| error.to_compile_error()).into()
}
