//! How the derived types are read from payloads.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{DeriveInput, Field, LitStr};

use crate::attributes::{Serde, field_name};
use crate::rename::Rename;

/// What is read of an object: its members' names in the order in which they are asked for, and the
/// expression that reads them from `decoder`.
pub(crate) struct Record {
    pub(crate) names: Vec<LitStr>,
    pub(crate) body: TokenStream,
}

/// Reads an object with these fields into what `path` constructs; `None` where serde has to. `of` is
/// the trait that the fields have.
pub(crate) fn record<'a>(
    fields: impl IntoIterator<Item = &'a Field>,
    rename_all: Rename,
    path: &TokenStream,
    expected: &str,
    of: &str,
) -> syn::Result<Option<Record>> {
    let of = format_ident!("{of}");
    let mut members = Vec::new();
    let mut present = Vec::new();
    for (position, field) in fields.into_iter().enumerate() {
        let serde = Serde::parse(&field.attrs)?;
        if serde.is_left_to_serde {
            return Ok(None);
        }
        let (name, ident, ty) = (field_name(field, rename_all)?, &field.ident, &field.ty);
        let member = format_ident!("member_{position}");
        let read = quote_spanned! {ty.span()=>
            let #member = <#ty as ::flux_reducers::#of>::decode_member(decoder, #name)?;
        };
        present.push(if serde.is_default {
            quote! { #ident: #member.unwrap_or_default() }
        } else {
            quote_spanned! {ty.span()=>
                #ident: <#ty as ::flux_reducers::#of>::present(#member, #name)?
            }
        });
        members.push((name, read));
    }
    // As objects in normal form have them: so what is told of several misfits is the same.
    members.sort_by_key(|(name, _)| name.value());
    let (names, reads): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    let body = quote! {{
        ::flux_reducers::__private::record(decoder, &[#(#names),*], #expected)?;
        #(#reads)*
        decoder.end_record();
        ::core::result::Result::Ok(#path { #(#present),* })
    }};
    Ok(Some(Record { names, body }))
}

/// The type as it is read from payloads.
pub(crate) fn implementation<'a>(
    input: &DeriveInput,
    fields: impl IntoIterator<Item = &'a Field>,
    of: &str,
) -> syn::Result<TokenStream> {
    let (name, serde) = (&input.ident, Serde::parse(&input.attrs)?);
    let expected = format!("struct {name}");
    let record = record(fields, serde.rename_all, &quote! { Self }, &expected, of)?;
    let is_left_to_serde = serde.is_left_to_serde || serde.is_default;
    let (names, body) = match record.filter(|_| !is_left_to_serde) {
        Some(Record { names, body }) => (
            quote! {
                const RECORD: ::core::option::Option<&'static [&'static str]> =
                    ::core::option::Option::Some(&[#(#names),*]);
            },
            body,
        ),
        None => (TokenStream::new(), quote! { ::flux_reducers::__private::by_serde(decoder) }),
    };
    Ok(of_body(input, &names, &body))
}

/// The implementation with this body.
pub(crate) fn of_body(input: &DeriveInput, names: &TokenStream, body: &TokenStream) -> TokenStream {
    let name = &input.ident;
    quote! {
        impl ::flux_reducers::__private::Decode for #name {
            #names

            fn decode(
                decoder: &mut dyn ::flux_reducers::__private::Decoder,
            ) -> ::core::result::Result<Self, ::flux_reducers::__private::Misfit> {
                #body
            }
        }
    }
}
