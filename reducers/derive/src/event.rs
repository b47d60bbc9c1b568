//! `#[derive(Event)]`: the event types, the shapes of their payloads, and how they are read.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Fields, LitStr, Variant};

use crate::attributes::{Serde, distinct, no_generics, no_version, variant_name, version};
use crate::decode::{self, Record};
use crate::describe;
use crate::rename::Rename;

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
    let names = names.collect::<syn::Result<Vec<_>>>()?;
    distinct(names.iter(), str::eq)?;
    let fields = data.variants.iter().flat_map(|variant| &variant.fields);
    no_version(input.attrs.iter().chain(fields.flat_map(|field| &field.attrs)))?;
    let versions = data.variants.iter().map(version).collect::<syn::Result<Vec<_>>>()?;
    let variants = data.variants.iter().map(|variant| expand_variant(variant, &serde));
    let variants = variants.collect::<syn::Result<Vec<_>>>()?;
    let check_version = versions.iter().any(Option::is_some).then(|| {
        quote! {
            ::flux_reducers::__private::check_version(
                incoming,
                <Self as ::flux_reducers::Event>::VARIANTS,
            )?;
        }
    });
    let reading = reading(input, data.variants.iter().zip(&names), &serde, check_version.as_ref())?;
    let to_action = to_action(data.variants.iter().zip(versions.iter().copied()));
    let name = &input.ident;
    Ok(quote! {
        impl ::flux_reducers::Event for #name {
            const VARIANTS: ::core::option::Option<&'static [::flux_reducers::Variant]> =
                ::core::option::Option::Some(&[#(#variants),*]);

            const TYPES: &'static [&'static str] = &[#(#names),*];

            fn from_action(
                action: &::flux_reducers::Action,
            ) -> ::core::result::Result<
                ::core::option::Option<Self>,
                ::flux_reducers::Rejection,
            > {
                <Self as ::flux_reducers::Event>::from_incoming(action)
            }

            fn to_action(
                &self,
            ) -> ::core::result::Result<::flux_reducers::Action, ::flux_reducers::Rejection> {
                #to_action
            }

            #reading
        }
    })
}

/// How it becomes an action: with its version, where one has another than the first.
fn to_action<'a>(
    variants: impl Iterator<Item = (&'a Variant, Option<u32>)> + Clone,
) -> TokenStream {
    let action = quote! { ::flux_reducers::__private::event_to_action(self) };
    if variants.clone().all(|(_, version)| version.unwrap_or(1) == 1) {
        return action;
    }
    let arms = variants.map(|(Variant { ident, .. }, version)| {
        let version = version.unwrap_or(1);
        quote! { Self::#ident { .. } => #version }
    });
    quote! {
        let version = match self {
            #(#arms,)*
        };
        #action.map(|action| ::flux_reducers::__private::stamped(action, version))
    }
}

/// How it is read: by the derived readers, or by serde where an attribute wants that.
fn reading<'a>(
    input: &DeriveInput,
    variants: impl Iterator<Item = (&'a Variant, &'a LitStr)>,
    of_enum: &Serde,
    check_version: Option<&TokenStream>,
) -> syn::Result<TokenStream> {
    let mut is_left_to_serde = of_enum.is_left_to_serde;
    let (mut records, mut arms) = (Vec::new(), Vec::new());
    for (variant, name) in variants {
        match read_variant(input, variant, of_enum)? {
            Some((record, body)) => {
                records.push(record);
                arms.push(quote! { #name => |decoder| #body });
            }
            None => is_left_to_serde = true,
        }
    }
    let from_incoming = if is_left_to_serde {
        records.clear();
        quote! { ::flux_reducers::__private::event_by_serde(incoming) }
    } else {
        quote! {
            let decode: fn(
                &mut dyn ::flux_reducers::__private::Decoder,
            ) -> ::core::result::Result<Self, ::flux_reducers::__private::Misfit> =
                match incoming.event_type() {
                    #(#arms,)*
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                };
            ::flux_reducers::__private::read_payload(incoming, decode)
        }
    };
    Ok(quote! {
        const RECORDS: &'static [::core::option::Option<&'static [&'static str]>] =
            &[#(#records),*];

        fn from_incoming(
            incoming: &dyn ::flux_reducers::__private::Incoming,
        ) -> ::core::result::Result<
            ::core::option::Option<Self>,
            ::flux_reducers::Rejection,
        > {
            #check_version
            #from_incoming
        }
    })
}

/// Which members are read of a payload, and the expression that reads it; `None` where serde has to.
fn read_variant(
    input: &DeriveInput,
    variant: &Variant,
    of_enum: &Serde,
) -> syn::Result<Option<(TokenStream, TokenStream)>> {
    let serde = Serde::parse(&variant.attrs)?;
    if serde.is_left_to_serde {
        return Ok(None);
    }
    let (name, ident) = (&input.ident, &variant.ident);
    let none = quote! { ::core::option::Option::None };
    Ok(match &variant.fields {
        Fields::Unit => {
            let expected = format!("unit variant {name}::{ident}");
            let read = quote! { ::flux_reducers::__private::no_payload(decoder, #expected) };
            Some((none, quote! { #read.map(|()| Self::#ident) }))
        }
        Fields::Unnamed(fields) => fields.unnamed.first().map(|field| {
            let ty = &field.ty;
            let record = quote_spanned! {ty.span()=>
                <#ty as ::flux_reducers::Describe>::RECORD_OF_PAYLOAD
            };
            let read = quote_spanned! {ty.span()=>
                <#ty as ::flux_reducers::Describe>::decode_payload(decoder)
            };
            (record, quote! { #read.map(Self::#ident) })
        }),
        Fields::Named(fields) => {
            let expected = format!("struct variant {name}::{ident}");
            let path = quote! { Self::#ident };
            let rename_all = rename_all(&serde, of_enum);
            let record = decode::record(&fields.named, rename_all, &path, &expected, "Describe")?;
            record.map(|Record { names, body }| {
                let read = quote! {{
                    ::flux_reducers::__private::is_there(decoder)?;
                    #body
                }};
                (quote! { ::core::option::Option::Some(&[#(#names),*]) }, read)
            })
        }
    })
}

fn rename_all(of_variant: &Serde, of_enum: &Serde) -> Rename {
    match of_variant.rename_all {
        Rename::None => of_enum.rename_all_fields,
        own => own,
    }
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
            let shape = describe::record(&fields.named, rename_all(&serde, of_enum))?;
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
    let version = version(variant)?.unwrap_or(1);
    Ok(quote! {
        ::flux_reducers::Variant {
            event_type: #event_type,
            payload: #payload,
            version: #version,
        }
    })
}
