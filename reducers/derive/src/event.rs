//! `#[derive(Event)]`: the event types and the shapes of their payloads.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Fields, LitStr, Variant};

use crate::attributes::{Serde, distinct, no_generics, variant_name};
use crate::describe;

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    no_generics(input, "Event")?;
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(input.ident.span(), "`Event` is for enums"));
    };
    let serde = Serde::parse(&input.attrs)?;
    let is = |given: &Option<LitStr>, expected| {
        given.as_ref().is_some_and(|given| given.value() == expected)
    };
    if !is(&serde.tag, "type") || !is(&serde.content, "payload") {
        return Err(syn::Error::new(
            input.ident.span(),
            "events are Flux Standard Actions: add `#[serde(tag = \"type\", content = \"payload\")]`",
        ));
    }
    let names = data.variants.iter().map(|variant| event_type(variant, &serde));
    distinct(names.collect::<syn::Result<Vec<_>>>()?.iter(), str::eq)?;
    let variants = data.variants.iter().map(|variant| expand_variant(variant, &serde));
    let variants = variants.collect::<syn::Result<Vec<_>>>()?;
    let name = &input.ident;
    Ok(quote! {
        impl ::flux_reducers::Event for #name {
            const VARIANTS: ::core::option::Option<&'static [::flux_reducers::Variant]> =
                ::core::option::Option::Some(&[#(#variants),*]);

            fn from_action(
                action: &::flux_reducers::Action,
            ) -> ::core::result::Result<
                ::core::option::Option<Self>,
                ::flux_reducers::Rejection,
            > {
                ::flux_reducers::__private::event_from_action(action)
            }

            fn to_action(
                &self,
            ) -> ::core::result::Result<::flux_reducers::Action, ::flux_reducers::Rejection> {
                ::flux_reducers::__private::event_to_action(self)
            }
        }
    })
}

fn event_type(variant: &Variant, of_enum: &Serde) -> syn::Result<LitStr> {
    Ok(variant_name(variant, Serde::parse(&variant.attrs)?.rename, of_enum.rename_all))
}

fn expand_variant(variant: &Variant, of_enum: &Serde) -> syn::Result<TokenStream> {
    let serde = Serde::parse(&variant.attrs)?;
    let event_type = event_type(variant, of_enum)?;
    let payload = match &variant.fields {
        Fields::Unit => quote! { ::core::option::Option::None },
        Fields::Named(fields) => {
            let own_rule = !matches!(serde.rename_all, crate::rename::Rename::None);
            let rename_all = if own_rule { serde.rename_all } else { of_enum.rename_all_fields };
            let shape = describe::record(&fields.named, rename_all)?;
            quote! { ::core::option::Option::Some(#shape) }
        }
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            let ty = &fields.unnamed[0].ty;
            quote_spanned! {ty.span()=>
                ::core::option::Option::Some(<#ty as ::flux_reducers::Describe>::SHAPE)
            }
        }
        Fields::Unnamed(fields) => {
            return Err(syn::Error::new(
                fields.span(),
                "a payload is one object: name the fields, or use one struct",
            ));
        }
    };
    Ok(quote! {
        ::flux_reducers::Variant { event_type: #event_type, payload: #payload }
    })
}
