//! How typed payloads are read: value by value from wherever they lie, without a copy between.
//!
//! A [`Decoder`] gives the values, a [`Decode`] type takes them; the derives write the latter. What
//! is refused, and in which words, is so the same for JSON and for the bytes of a border.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use base64ct::Encoding as _;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::json::{self, Json};
use crate::rejection::Rejection;
use crate::timestamp::Timestamp;
use crate::value::{BASE64, Bytes, float_text, quoted};

/// Gives the values of a payload, one after the other.
#[doc(hidden)]
pub trait Decoder {
    /// Takes the next value, or the beginning of a list or an object.
    ///
    /// # Errors
    /// When it is a value that can't be read.
    fn next(&mut self) -> Result<Token<'_>, Misfit>;

    /// Takes the name of an object's next member.
    fn name(&mut self) -> &str;

    /// Goes into an object, of which these members are read, all of them and in this order: by
    /// their names. Returns the value that is none.
    ///
    /// # Errors
    /// When it is a value that can't be read.
    fn record(&mut self, names: &[&str]) -> Result<Option<Token<'_>>, Misfit>;

    /// Goes to the next member of a record.
    fn member(&mut self) {}

    /// Goes behind a record of which all members were read.
    fn end_record(&mut self) {}

    /// Passes over the next value if it is missing.
    fn is_absent(&mut self) -> bool;

    /// Passes over the next value if it is null.
    fn is_null(&mut self) -> bool;
}

/// A value, or the beginning of one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Token<'a> {
    /// Nothing, not even null.
    Absent,
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// An integer beyond those of `i64`.
    Large(u64),
    /// A number that is no integer of 64 bits.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// A list with so many items, which follow.
    List(usize),
    /// An object with so many members, which follow, each after its name.
    Object(usize),
}

/// A value that does not fit, and where it is.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// A rejection's code where the place does not decide it.
    pub code: Option<&'static str>,
    /// Such as `tags[3].name`, or nothing for the value itself.
    pub path: String,
    /// What was expected and what was found.
    pub reason: String,
}

impl Misfit {
    /// Creates one of the value itself.
    #[doc(hidden)]
    #[cold]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { code: None, path: String::new(), reason: reason.into() }
    }

    /// Says in which member of an object it is.
    #[doc(hidden)]
    #[must_use]
    #[cold]
    pub fn in_member(self, name: &str) -> Self {
        self.within(name.to_string())
    }

    /// Says in which item of a list it is.
    #[doc(hidden)]
    #[must_use]
    #[cold]
    pub fn in_item(self, index: usize) -> Self {
        self.within(alloc::format!("[{index}]"))
    }

    #[cold]
    fn within(mut self, mut path: String) -> Self {
        if !self.path.is_empty() && !self.path.starts_with('[') {
            path.push('.');
        }
        path.push_str(&self.path);
        self.path = path;
        self
    }

    /// Returns the rejection of `what`, of which this is a part.
    #[doc(hidden)]
    #[must_use]
    #[cold]
    pub fn into_rejection(self, code: &'static str, what: &str) -> Rejection {
        let code = self.code.unwrap_or(code);
        let mut message = what.to_string();
        if !self.path.is_empty() {
            message.push_str(" at `");
            message.push_str(&self.path);
            message.push('`');
        }
        message.push_str(": ");
        message.push_str(&self.reason);
        let rejection = Rejection::new(code, message);
        if self.path.is_empty() { rejection } else { rejection.with_field(self.path) }
    }
}

/// A type that is read from a payload. It comes with the derives.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a payload",
    note = "add `#[derive(Describe)]` to the struct or `#[derive(Enumeration)]` to the unit enum"
)]
pub trait Decode: Sized {
    /// The members that are read of it, in this order, if it is an object.
    const RECORD: Option<&'static [&'static str]> = None;

    /// Reads the next value.
    ///
    /// # Errors
    /// When it does not fit.
    fn decode(decoder: &mut dyn Decoder) -> Result<Self, Misfit>;

    /// Returns what stands for a member that is missing, if it may be.
    #[must_use]
    #[cold]
    fn missing() -> Option<Self> {
        None
    }
}

impl<T: Decode> Decode for Option<T> {
    const RECORD: Option<&'static [&'static str]> = T::RECORD;

    fn decode(decoder: &mut dyn Decoder) -> Result<Self, Misfit> {
        if decoder.is_null() { Ok(None) } else { T::decode(decoder).map(Some) }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(decoder: &mut dyn Decoder) -> Result<Self, Misfit> {
        let count = match decoder.next()? {
            Token::List(count) => count,
            other => return Err(unexpected(other, "a sequence")),
        };
        // Not as many as it says at once: each is at least there when it is read.
        let mut items = Self::new();
        for index in 0..count {
            items.push(T::decode(decoder).map_err(|misfit| misfit.in_item(index))?);
        }
        Ok(items)
    }
}

macro_rules! decode {
    ($($type:ty, $expected:literal: $($pattern:pat => $value:expr),+;)*) => {$(
        impl Decode for $type {
            fn decode(decoder: &mut dyn Decoder) -> Result<Self, Misfit> {
                match decoder.next()? {
                    $($pattern => $value,)+
                    other => Err(unexpected(other, $expected)),
                }
            }
        }
    )*};
}

decode! {
    bool, "a boolean": Token::Bool(bool) => Ok(bool);
    i32, "i32": Token::Integer(integer) => narrow(integer, "i32");
    u32, "u32": Token::Integer(integer) => narrow(integer, "u32");
    i64, "i64": Token::Integer(integer) => Ok(integer);
    f64, "f64":
        Token::Float(float) => Ok(float),
        Token::Integer(integer) => Ok(nearest(integer)),
        Token::Large(integer) => Ok(nearest_large(integer));
    String, "a string": Token::Text(text) => Ok(text.to_string());
    Arc<str>, "a string": Token::Text(text) => Ok(text.into());
    Uuid, "a formatted UUID string": Token::Text(text) => uuid(text);
    Timestamp, "a UTC timestamp such as `2016-09-26T20:32:46.588Z`":
        Token::Text(text) => text.parse().map_err(|error| refused("", error));
    Bytes, "a string": Token::Text(text) => {
        BASE64::decode_vec(text).map(Bytes).map_err(|error| refused("expected base64 text: ", error))
    };
}

impl Decode for Json {
    fn decode(decoder: &mut dyn Decoder) -> Result<Self, Misfit> {
        Ok(Self::new(json::decode(decoder)?.unwrap_or_default()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "JSON's own rule: the nearest double")]
const fn nearest(integer: i64) -> f64 {
    integer as f64
}

#[expect(clippy::cast_precision_loss, reason = "JSON's own rule: the nearest double")]
const fn nearest_large(integer: u64) -> f64 {
    integer as f64
}

fn uuid(text: &str) -> Result<Uuid, Misfit> {
    // Without the place of what is wrong, which takes 2 kB to tell.
    Uuid::try_parse(text)
        .map_err(|_| Misfit::new(["UUID parsing failed: found ", &quoted(text)].concat()))
}

#[cold]
fn refused(what: &str, error: impl core::fmt::Display) -> Misfit {
    Misfit::new(what.to_string() + &error.to_string())
}

fn narrow<T: TryFrom<i64>>(integer: i64, expected: &str) -> Result<T, Misfit> {
    T::try_from(integer).map_err(|_| mismatch("value", Token::Integer(integer), expected))
}

/// Tells that a value is of another type.
#[doc(hidden)]
#[must_use]
#[cold]
pub fn unexpected(found: Token<'_>, expected: &str) -> Misfit {
    let what = match found {
        Token::Large(_) if matches!(expected, "i32" | "i64" | "u32") => "value",
        _ => "type",
    };
    mismatch(what, found, expected)
}

#[cold]
fn mismatch(what: &str, found: Token<'_>, expected: &str) -> Misfit {
    let found = match found {
        Token::Absent => "nothing".to_string(),
        Token::Null => "null".to_string(),
        Token::Bool(bool) => shown("boolean", if bool { "true" } else { "false" }),
        Token::Integer(integer) => shown("integer", &integer.to_string()),
        Token::Large(integer) => shown("integer", &integer.to_string()),
        Token::Float(float) => shown("floating point", &float_text(float)),
        Token::Text(text) => "string ".to_string() + &quoted(text),
        Token::List(_) => "sequence".to_string(),
        Token::Object(_) => "map".to_string(),
    };
    Misfit::new(["invalid ", what, ": ", &found, ", expected ", expected].concat())
}

#[cold]
fn shown(kind: &str, value: &str) -> String {
    [kind, " `", value, "`"].concat()
}

/// Begins to read an object whose members are wanted in the order of their names.
///
/// # Errors
/// When it is none.
#[doc(hidden)]
pub fn record(decoder: &mut dyn Decoder, names: &[&str], expected: &str) -> Result<(), Misfit> {
    match decoder.record(names)? {
        None => Ok(()),
        Some(other) => Err(unexpected(other, expected)),
    }
}

/// Reads the next member of an object; `None` where it is missing.
pub(crate) fn member<T: Decode>(
    decoder: &mut dyn Decoder,
    name: &str,
) -> Result<Option<T>, Misfit> {
    decoder.member();
    if decoder.is_absent() {
        return Ok(None);
    }
    T::decode(decoder).map(Some).map_err(|misfit| misfit.in_member(name))
}

/// Returns a member, or what stands for it where it is missing.
pub(crate) fn present<T: Decode>(member: Option<T>, name: &str) -> Result<T, Misfit> {
    member.or_else(T::missing).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Misfit {
    Misfit::new(["missing field `", name, "`"].concat()).in_member(name)
}

/// Reads the payload of an event that has one.
pub(crate) fn payload<T: Decode>(decoder: &mut dyn Decoder) -> Result<T, Misfit> {
    if decoder.is_absent() {
        return present(None, "payload");
    }
    T::decode(decoder)
}

/// Makes sure that an event has a payload.
///
/// # Errors
/// When it is missing.
#[doc(hidden)]
pub fn is_there(decoder: &mut dyn Decoder) -> Result<(), Misfit> {
    if decoder.is_absent() { Err(missing("payload")) } else { Ok(()) }
}

/// Reads that an event has no payload.
///
/// # Errors
/// When it has one.
#[doc(hidden)]
pub fn no_payload(decoder: &mut dyn Decoder, expected: &str) -> Result<(), Misfit> {
    if decoder.is_absent() || decoder.is_null() {
        return Ok(());
    }
    Err(unexpected(decoder.next()?, expected))
}

/// Reads which of these variants it is.
///
/// # Errors
/// When it is none.
#[doc(hidden)]
pub fn variant(decoder: &mut dyn Decoder, variants: &[&str]) -> Result<usize, Misfit> {
    let found = decoder.next()?;
    let Token::Text(text) = found else {
        return Err(unexpected(found, &one_of(variants)));
    };
    variants.iter().position(|variant| *variant == text).ok_or_else(|| {
        Misfit::new(["unknown variant `", text, "`, expected ", &one_of(variants)].concat())
    })
}

#[cold]
fn one_of(variants: &[&str]) -> String {
    match variants {
        [only] => ["`", only, "`"].concat(),
        [first, second] => ["`", first, "` or `", second, "`"].concat(),
        all => ["one of `", &all.join("`, `"), "`"].concat(),
    }
}

/// Reads a type by serde: one with attributes of serde's that the derives leave to it.
///
/// # Errors
/// When it does not fit.
#[doc(hidden)]
pub fn by_serde<T: DeserializeOwned>(decoder: &mut dyn Decoder) -> Result<T, Misfit> {
    json::deserialize(&json::decode(decoder)?.unwrap_or_default())
}
