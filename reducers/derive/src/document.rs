//! `#[derive(Document)]`: schema, typed patch, fields in the schema's order.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{DeriveInput, Field, Ident, LitStr, Type};

use crate::attributes::{Serde, distinct, field_name, for_each_meta, named_fields};
use crate::{decode, describe};

struct Member<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    name: LitStr,
    is_id: bool,
    unique: bool,
    index: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let collection = collection(input)?;
    let rename_all = Serde::parse(&input.attrs)?.rename_all;
    let fields = named_fields(input, "Document")?;
    let members = fields
        .iter()
        .map(|field| member(field, field_name(field, rename_all)?))
        .collect::<syn::Result<Vec<_>>>()?;
    let mut members = members;
    distinct(members.iter().map(|member| &member.name), str::eq_ignore_ascii_case)?;
    let id = id_position(input, &members)?;
    members[id].is_id = true;
    let description = describe::implementation(input, &shape(&members));
    let document = implementation(input, &collection, &members, id);
    let patch = patch(input, &members, id);
    let decode = decode::implementation(input, fields, "FieldType")?;
    Ok(quote! { #description #document #patch #decode })
}

fn shape(members: &[Member<'_>]) -> TokenStream {
    let properties = members.iter().map(|Member { ty, name, .. }| {
        let shape = quote_spanned! {ty.span()=> <#ty as ::flux_reducers::FieldType>::FIELD_SHAPE };
        quote! { ::flux_reducers::Property { name: #name, shape: #shape } }
    });
    quote! { ::flux_reducers::Shape::Record(&[#(#properties),*]) }
}

fn implementation(
    input: &DeriveInput,
    collection: &LitStr,
    members: &[Member<'_>],
    id: usize,
) -> TokenStream {
    let document = &input.ident;
    let patch = format_ident!("{document}Patch");
    let fields = members.iter().map(|Member { ty, name, unique, index, .. }| {
        quote_spanned! {ty.span()=>
            ::flux_reducers::Field {
                name: #name,
                kind: <#ty as ::flux_reducers::FieldType>::KIND,
                nullable: <#ty as ::flux_reducers::FieldType>::NULLABLE,
                unique: #unique,
                index: #index,
            }
        }
    });
    let to_fields = members.iter().map(|member @ Member { ident, name, .. }| {
        let to_value = of_field_type(member, "to_value");
        quote! { (#name, #to_value(&self.#ident)) }
    });
    let count = members.len();
    let expected = format!("a row of `{}` with {count} values", collection.value());
    let from_row = members.iter().enumerate().map(|(position, member @ Member { ident, .. })| {
        let from_value = of_field_type(member, "from_value");
        quote! { #ident: #from_value(&row[#position])? }
    });
    let checks = members.iter().map(check);
    quote! {
        impl ::flux_reducers::Document for #document {
            const SCHEMA: &'static ::flux_reducers::Schema = &::flux_reducers::Schema {
                collection: #collection,
                fields: &[#(#fields),*],
                id: #id,
            };

            type Patch = #patch;

            fn to_fields(&self) -> ::flux_reducers::Fields {
                ::flux_reducers::Fields::of_distinct([#(#to_fields),*])
            }

            fn from_row(
                row: &::flux_reducers::Row,
            ) -> ::core::result::Result<Self, ::flux_reducers::ValueError> {
                let found = row.values().len();
                if found != #count {
                    return ::core::result::Result::Err(
                        ::flux_reducers::ValueError::new(#expected, found),
                    );
                }
                ::core::result::Result::Ok(Self { #(#from_row),* })
            }
        }
        #(#checks)*
    }
}

/// A function of the field's type as a `FieldType`: where it is none, that is told at the field.
fn of_field_type(Member { ty, .. }: &Member<'_>, function: &str) -> TokenStream {
    let function = Ident::new(function, ty.span());
    quote_spanned! {ty.span()=> <#ty as ::flux_reducers::FieldType>::#function }
}

/// What can be said of a field's kind only once its type is known: refused at the field.
fn check(Member { ty, is_id, unique, index, .. }: &Member<'_>) -> TokenStream {
    if *is_id {
        return quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(
                !<#ty as ::flux_reducers::FieldType>::NULLABLE
                    && ::core::matches!(
                        <#ty as ::flux_reducers::FieldType>::KIND,
                        ::flux_reducers::Kind::I32
                            | ::flux_reducers::Kind::I64
                            | ::flux_reducers::Kind::U32
                            | ::flux_reducers::Kind::Text
                            | ::flux_reducers::Kind::Uuid
                    ),
                "an id is a Uuid, a String or an integer, never an Option",
            );
        };
    }
    if *unique || *index {
        return quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(
                !::core::matches!(
                    <#ty as ::flux_reducers::FieldType>::KIND,
                    ::flux_reducers::Kind::Json
                ),
                "JSON can't be indexed",
            );
        };
    }
    TokenStream::new()
}

fn patch(input: &DeriveInput, members: &[Member<'_>], id: usize) -> TokenStream {
    let (document, visibility) = (&input.ident, &input.vis);
    let patch = format_ident!("{document}Patch");
    let of_document = format!("A typed patch of [`{document}`]: the fields that change.");
    let empty = format!("Creates a patch of [`{document}`] that changes nothing yet.");
    let setters = members.iter().enumerate().filter(|(position, _)| *position != id).map(
        |(_, member @ Member { ident, ty, name, .. })| {
            let what = format!("Changes `{}`.", name.value());
            let to_value = of_field_type(member, "to_value");
            quote_spanned! {ident.span()=>
                #[doc = #what]
                #[must_use]
                #[allow(dead_code, clippy::wrong_self_convention)]
                #visibility fn #ident(self, #ident: impl ::core::convert::Into<#ty>) -> Self {
                    let #ident: #ty = ::core::convert::Into::into(#ident);
                    Self(self.0.with(#name, #to_value(&#ident)))
                }
            }
        },
    );
    quote! {
        #[doc = #of_document]
        #[derive(Clone, Debug, Default, PartialEq)]
        #visibility struct #patch(::flux_reducers::Fields);

        impl #document {
            #[doc = #empty]
            #[must_use]
            #[allow(dead_code)]
            #visibility fn patch() -> #patch {
                ::core::default::Default::default()
            }
        }

        impl #patch {
            #(#setters)*
        }

        impl ::core::convert::From<#patch> for ::flux_reducers::Fields {
            fn from(patch: #patch) -> Self {
                patch.0
            }
        }
    }
}

fn collection(input: &DeriveInput) -> syn::Result<LitStr> {
    let mut collection: Option<LitStr> = None;
    for_each_meta(&input.attrs, "document", |meta| {
        if !meta.path.is_ident("collection") {
            return Err(meta.error("expected `collection = \"..\"`"));
        }
        collection = Some(meta.value()?.parse()?);
        Ok(())
    })?;
    let Some(collection) = collection else {
        return Err(syn::Error::new(
            input.ident.span(),
            "name the collection: `#[document(collection = \"..\")]`",
        ));
    };
    check_name(&collection)?;
    if collection.value().to_ascii_lowercase().starts_with("flux_") {
        return Err(syn::Error::new(collection.span(), "names with `flux_` are the store's own"));
    }
    Ok(collection)
}

fn member(field: &Field, name: LitStr) -> syn::Result<Member<'_>> {
    let Some(ident) = &field.ident else {
        return Err(syn::Error::new(field.span(), "expected a named field"));
    };
    check_name(&name)?;
    let mut member =
        Member { ident, ty: &field.ty, name, is_id: false, unique: false, index: false };
    for_each_meta(&field.attrs, "document", |meta| {
        let flag = match meta.path.get_ident().map(ToString::to_string).as_deref() {
            Some("id") => &mut member.is_id,
            Some("unique") => &mut member.unique,
            Some("index") => &mut member.index,
            _ => return Err(meta.error("expected `id`, `unique` or `index`")),
        };
        *flag = true;
        Ok(())
    })?;
    Ok(member)
}

fn id_position(input: &DeriveInput, members: &[Member<'_>]) -> syn::Result<usize> {
    let mut marked = (0..).zip(members).filter(|(_, member)| member.is_id);
    if let Some((position, _)) = marked.next() {
        return match marked.next() {
            None => Ok(position),
            Some((_, second)) => Err(syn::Error::new(second.ident.span(), "a document has one id")),
        };
    }
    members.iter().position(|member| member.ident == "id").ok_or_else(|| {
        let message = "mark the id: `#[document(id)]` on a field, or name a field `id`";
        syn::Error::new(input.ident.span(), message)
    })
}

/// The rule of `Schema::check`, told at the place.
fn check_name(name: &LitStr) -> syn::Result<()> {
    let text = name.value();
    let is_name = text.len() <= 48
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|next| next.is_ascii_alphanumeric() || next == '_');
    if is_name {
        return Ok(());
    }
    let message = format!(
        "`{text}` can't be a name in every database: a lower-case letter, then letters, digits and \
         `_`, at most 48"
    );
    Err(syn::Error::new(name.span(), message))
}
