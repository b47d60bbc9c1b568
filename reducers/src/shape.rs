//! The shape of a type's JSON as constant data: what TypeScript types are made from.

use alloc::vec::Vec;

use crate::decode::{self, Decode, Decoder, Misfit};
use crate::schema::Kind;

/// What the JSON of a type looks like.
///
/// ```
/// # use flux_reducers::*;
/// assert_eq!(<Vec<i64>>::SHAPE, Shape::List(&Shape::Kind(Kind::I64)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A value of this kind.
    Kind(Kind),
    /// This, or null.
    Nullable(&'static Self),
    /// A list of these.
    List(&'static Self),
    /// An object with these members.
    Record(&'static [Property]),
}

/// A member of an object.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// let Shape::Record(properties) = Note::SHAPE else { panic!("a document is an object") };
/// assert_eq!(properties[0], Property { name: "id", shape: Shape::Kind(Kind::I64) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// The name, as in JSON.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
}

/// A type that knows the shape of its JSON. Derive it for structs inside of payloads; it comes
/// with `Document` and `Enumeration`.
///
/// ```
/// use flux_reducers::{Describe, Shape};
///
/// #[derive(Describe)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// assert!(matches!(Point::SHAPE, Shape::Record([x, y]) if x.name == "x" && y.name == "y"));
/// ```
#[diagnostic::on_unimplemented(
    message = "the JSON shape of `{Self}` is not known",
    note = "add `#[derive(Describe)]` to the struct or `#[derive(Enumeration)]` to the unit enum"
)]
pub trait Describe: Decode {
    /// What its JSON looks like.
    const SHAPE: Shape;
    /// The type's own name, where it has one.
    const NAME: &'static str = "";
    /// The members that are read of it in a payload.
    #[doc(hidden)]
    const RECORD_OF_PAYLOAD: Option<&'static [&'static str]> = Self::RECORD;

    /// Reads it as a member of an object. Here, so that a derive that is missing is told once.
    #[doc(hidden)]
    fn decode_member(decoder: &mut dyn Decoder, name: &str) -> Result<Option<Self>, Misfit> {
        decode::member(decoder, name)
    }

    /// Returns a member, or what stands for it where it is missing.
    #[doc(hidden)]
    fn present(member: Option<Self>, name: &str) -> Result<Self, Misfit> {
        decode::present(member, name)
    }

    /// Reads it as the payload of an event.
    #[doc(hidden)]
    fn decode_payload(decoder: &mut dyn Decoder) -> Result<Self, Misfit> {
        decode::payload(decoder)
    }
}

impl<T: Describe> Describe for Option<T> {
    const SHAPE: Shape = Shape::Nullable(&T::SHAPE);
}

impl<T: Describe> Describe for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}
