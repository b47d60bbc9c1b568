//! `#[derive(Describe)]`: the JSON shape of a struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{DeriveInput, Field};

use crate::attributes::{Serde, field_name, named_fields};
use crate::decode;

use crate::rename::Rename;

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = named_fields(input, "Describe")?;
    let shape = record(fields, Serde::parse(&input.attrs)?.rename_all)?;
    let description = implementation(input, &shape);
    let decode = decode::implementation(input, fields, "Describe")?;
    Ok(quote! { #description #decode })
}

/// The type with its name and this shape.
pub(crate) fn implementation(input: &DeriveInput, shape: &TokenStream) -> TokenStream {
    let (name, text) = (&input.ident, input.ident.to_string());
    quote! {
        impl ::flux_reducers::Describe for #name {
            const NAME: &'static str = #text;
            const SHAPE: ::flux_reducers::Shape = #shape;
        }
    }
}

/// The shape of an object with these fields.
pub(crate) fn record<'a>(
    fields: impl IntoIterator<Item = &'a Field>,
    rename_all: Rename,
) -> syn::Result<TokenStream> {
    let properties = fields.into_iter().map(|field| {
        let (name, ty) = (field_name(field, rename_all)?, &field.ty);
        Ok(quote_spanned! {ty.span()=>
            ::flux_reducers::Property {
                name: #name,
                shape: <#ty as ::flux_reducers::Describe>::SHAPE,
            }
        })
    });
    let properties = properties.collect::<syn::Result<Vec<_>>>()?;
    Ok(quote! { ::flux_reducers::Shape::Record(&[#(#properties),*]) })
}
