//! The attributes that the derives read: serde's names, `#[document(..)]` and `#[event(..)]`.

use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Field, LitInt, LitStr, Token, Variant};

use crate::rename::Rename;

/// What serde's attributes on one item say.
#[derive(Default)]
pub(crate) struct Serde {
    pub(crate) rename: Option<LitStr>,
    pub(crate) rename_all: Rename,
    pub(crate) rename_all_fields: Rename,
    pub(crate) tag: Option<LitStr>,
    pub(crate) content: Option<LitStr>,
    /// A missing member is the type's default.
    pub(crate) is_default: bool,
    /// It says something of how JSON is read that only serde knows.
    pub(crate) is_left_to_serde: bool,
}

/// serde attributes that make the JSON another than the derives know.
const UNSUPPORTED: &[&str] = &[
    "alias",
    "deserialize_with",
    "flatten",
    "from",
    "into",
    "other",
    "remote",
    "serialize_with",
    "skip",
    "skip_deserializing",
    "skip_serializing",
    "transparent",
    "try_from",
    "untagged",
    "with",
];

impl Serde {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut serde = Self::default();
        for_each_meta(attributes, "serde", |meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if UNSUPPORTED.contains(&name.as_str()) {
                return Err(meta.error(format!(
                    "serde's `{name}` is not supported here: the JSON must be what the type says"
                )));
            }
            match name.as_str() {
                "rename" => serde.rename = Some(meta.value()?.parse()?),
                "rename_all" => serde.rename_all = Rename::parse(&meta.value()?.parse()?)?,
                "rename_all_fields" => {
                    serde.rename_all_fields = Rename::parse(&meta.value()?.parse()?)?;
                }
                "tag" => serde.tag = Some(meta.value()?.parse()?),
                "content" => serde.content = Some(meta.value()?.parse()?),
                "default" if !meta.input.peek(Token![=]) => serde.is_default = true,
                "skip_serializing_if" => skip_value(&meta)?,
                _ => {
                    serde.is_left_to_serde = true;
                    skip_value(&meta)?;
                }
            }
            Ok(())
        })?;
        Ok(serde)
    }
}

/// Calls back for each `name` or `name = value` in the attributes with this path.
pub(crate) fn for_each_meta(
    attributes: &[Attribute],
    path: &str,
    mut visit: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let of_path = attributes.iter().filter(|attribute| attribute.path().is_ident(path));
    of_path.into_iter().try_for_each(|attribute| attribute.parse_nested_meta(&mut visit))
}

/// Returns the fields of a struct with named fields and no generics.
pub(crate) fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
) -> syn::Result<&'a Punctuated<Field, Token![,]>> {
    no_generics(input, derive)?;
    match &input.data {
        Data::Struct(data) => match &data.fields {
            syn::Fields::Named(fields) => return Ok(&fields.named),
            syn::Fields::Unnamed(_) | syn::Fields::Unit => {}
        },
        Data::Enum(_) | Data::Union(_) => {}
    }
    let message = format!("`{derive}` is for structs with named fields");
    Err(syn::Error::new(input.ident.span(), message))
}

/// Refuses a type with parameters.
pub(crate) fn no_generics(input: &DeriveInput, derive: &str) -> syn::Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    let message = format!("`{derive}` is for types without parameters");
    Err(syn::Error::new(input.generics.span(), message))
}

/// Returns a field's name in JSON.
pub(crate) fn field_name(field: &Field, rename_all: Rename) -> syn::Result<LitStr> {
    let serde = Serde::parse(&field.attrs)?;
    let Some(ident) = &field.ident else {
        return Err(syn::Error::new(field.span(), "expected a named field"));
    };
    let name = rename_all.field(&ident.unraw().to_string());
    Ok(serde.rename.unwrap_or_else(|| LitStr::new(&name, ident.span())))
}

/// Returns a variant's name in JSON.
pub(crate) fn variant_name(
    variant: &Variant,
    renamed: Option<LitStr>,
    rename_all: Rename,
) -> LitStr {
    let ident = &variant.ident;
    let name = rename_all.variant(&ident.unraw().to_string());
    renamed.unwrap_or_else(|| LitStr::new(&name, ident.span()))
}

/// Returns the version of a variant's shape, where it is said.
pub(crate) fn version(variant: &Variant) -> syn::Result<Option<u32>> {
    let mut version = None;
    for_each_meta(&variant.attrs, "event", |meta| {
        if !meta.path.is_ident("version") {
            return Err(meta.error("expected `version = 2`"));
        }
        if version.is_some() {
            return Err(meta.error("`version` comes twice"));
        }
        let literal: LitInt = meta.value()?.parse()?;
        version = literal.base10_parse().ok().filter(|&number| number > 0);
        match version {
            Some(_) => Ok(()),
            None => Err(syn::Error::new(literal.span(), "versions are 1 to 4294967295")),
        }
    })?;
    Ok(version)
}

/// Refuses `#[event(..)]` where it means nothing.
pub(crate) fn no_version<'a>(
    attributes: impl IntoIterator<Item = &'a Attribute>,
) -> syn::Result<()> {
    let mut attributes = attributes.into_iter();
    match attributes.find(|attribute| attribute.path().is_ident("event")) {
        Some(attribute) => Err(syn::Error::new(
            attribute.span(),
            "each event type has a version of its own: say it on the variant",
        )),
        None => Ok(()),
    }
}

/// Refuses a name that comes twice.
pub(crate) fn distinct<'a>(
    names: impl Iterator<Item = &'a LitStr>,
    is_same: fn(&str, &str) -> bool,
) -> syn::Result<()> {
    let mut earlier: Vec<String> = Vec::new();
    for name in names {
        let text = name.value();
        if let Some(other) = earlier.iter().find(|other| is_same(other, &text)) {
            let message = format!("`{text}` comes twice, here and as `{other}` before");
            return Err(syn::Error::new(name.span(), message));
        }
        earlier.push(text);
    }
    Ok(())
}

fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}
