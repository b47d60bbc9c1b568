//! `#[derive(Enumeration)]`: a unit enum as the text of its variant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Ident, LitStr, Variant};

use crate::attributes::{Serde, distinct, no_generics, variant_name};
use crate::decode;
use crate::rename::Rename;

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    no_generics(input, "Enumeration")?;
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(input.ident.span(), "`Enumeration` is for unit enums"));
    };
    let rename_all = Serde::parse(&input.attrs)?.rename_all;
    let idents: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let names = data
        .variants
        .iter()
        .map(|variant| unit_name(variant, rename_all))
        .collect::<syn::Result<Vec<_>>>()?;
    if names.is_empty() {
        return Err(syn::Error::new(input.ident.span(), "an `Enumeration` has a variant"));
    }
    distinct(names.iter(), str::eq)?;
    let (name, text) = (&input.ident, input.ident.to_string());
    let decode = decode(input, &idents, &names)?;
    Ok(quote! {
        #decode

        impl ::flux_reducers::Describe for #name {
            const NAME: &'static str = #text;
            const SHAPE: ::flux_reducers::Shape =
                ::flux_reducers::Shape::Kind(<Self as ::flux_reducers::FieldType>::KIND);
        }

        impl ::flux_reducers::FieldType for #name {
            const KIND: ::flux_reducers::Kind =
                ::flux_reducers::Kind::Enumeration(&[#(#names),*]);

            fn to_value(&self) -> ::flux_reducers::Value {
                ::flux_reducers::Value::from(match self {
                    #(Self::#idents => #names,)*
                })
            }

            fn from_value(
                value: &::flux_reducers::Value,
            ) -> ::core::result::Result<Self, ::flux_reducers::ValueError> {
                match value.as_text() {
                    #(::core::option::Option::Some(#names) => {
                        ::core::result::Result::Ok(Self::#idents)
                    })*
                    _ => ::core::result::Result::Err(::flux_reducers::ValueError::new(
                        <Self as ::flux_reducers::FieldType>::KIND,
                        value,
                    )),
                }
            }
        }

        impl ::core::convert::From<#name> for ::flux_reducers::Value {
            fn from(value: #name) -> Self {
                ::flux_reducers::FieldType::to_value(&value)
            }
        }
    })
}

fn decode(input: &DeriveInput, idents: &[&Ident], names: &[LitStr]) -> syn::Result<TokenStream> {
    let mut is_left_to_serde = Serde::parse(&input.attrs)?.is_left_to_serde;
    if let Data::Enum(data) = &input.data {
        for variant in &data.variants {
            is_left_to_serde |= Serde::parse(&variant.attrs)?.is_left_to_serde;
        }
    }
    if is_left_to_serde {
        let by_serde = quote! { ::flux_reducers::__private::by_serde(decoder) };
        return Ok(decode::of_body(input, &TokenStream::new(), &by_serde));
    }
    let Some((last, others)) = idents.split_last() else {
        return Ok(TokenStream::new());
    };
    let positions = 0..others.len();
    let body = quote! {
        let variant = ::flux_reducers::__private::variant(decoder, &[#(#names),*])?;
        ::core::result::Result::Ok(match variant {
            #(#positions => Self::#others,)*
            _ => Self::#last,
        })
    };
    Ok(decode::of_body(input, &TokenStream::new(), &body))
}

fn unit_name(variant: &Variant, rename_all: Rename) -> syn::Result<LitStr> {
    if !matches!(variant.fields, syn::Fields::Unit) {
        return Err(syn::Error::new(
            variant.fields.span(),
            "a variant of an `Enumeration` has no fields: it is kept as text",
        ));
    }
    Ok(variant_name(variant, Serde::parse(&variant.attrs)?.rename, rename_all))
}
