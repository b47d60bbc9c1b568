//! The state of a collection: a B+ tree of plain, frozen arrays and objects, ordered by id.
//!
//! `{ version: 1, count, root }`, where a node is a leaf, the array of its documents, or a branch,
//! `{ keys, children }`: every id in `children[i]` comes before `keys[i]`, every id in
//! `children[i + 1]` is `keys[i]` or comes after it. Changes copy the path from the root to the
//! leaves at hand; all other nodes are shared with the earlier state. A state that was read from
//! JSON is as good as one that was made here.

use flux_reducers::{Delta, Rejection, Row, Value};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::JsValue;

use crate::codec::{Codec, encode_value};
use crate::error::invalid_state;
use crate::javascript::{List, Record, Threw, WORDS, member};

mod build;
mod update;

/// The most entries in a node. Wider nodes make lower trees and dearer copies.
const ENTRIES_MAX: u32 = 32;

/// The fewest entries in a node, but for the root.
const ENTRIES_MIN: u32 = ENTRIES_MAX / 2;

/// The most levels that are read: a hundred times more documents than memory can hold. It ends the
/// descent of a foreign state that contains itself.
const LEVELS_MAX: u32 = 12;

const VERSION: f64 = 1.0;

/// A collection's documents as they are in one state.
pub(crate) struct Tree<'a> {
    codec: &'a Codec,
    count: u32,
    root: JsValue,
}

/// What is wrong with a state.
#[derive(Debug)]
pub(crate) struct Broken(&'static str);

impl From<Threw> for Broken {
    fn from(_: Threw) -> Self {
        Self("reading it threw an error")
    }
}

enum Node {
    Leaf(List),
    Branch { keys: List, children: List },
}

/// An id to compare others with.
pub(crate) struct Id {
    js: JsValue,
    comparison: Comparison,
}

enum Comparison {
    Number(f64),
    /// By JavaScript's own `<`.
    Units,
    /// By code point, where `<` would compare halves of surrogate pairs.
    CodePoints(String),
}

impl Id {
    pub(crate) fn new(id: &Value) -> Result<Self, crate::error::Problem> {
        let js = encode_value(id)?;
        // Up to U+D7FF units and code points have the same order, also when compared with what
        // is above: one such text is enough.
        let is_plain = |text: &str| text.chars().all(|next| next <= '\u{d7ff}');
        let comparison = match (id, js.as_f64()) {
            (_, Some(number)) => Comparison::Number(number),
            (Value::Text(text), _) if !is_plain(text) => Comparison::CodePoints(text.to_string()),
            _ => Comparison::Units,
        };
        Ok(Self { js, comparison })
    }

    fn is(&self, other: &JsValue) -> bool {
        self.js == *other
    }

    fn is_before(&self, other: &JsValue) -> Result<bool, Broken> {
        Ok(match self.checked(other)? {
            Other::Number(number, other) => number < other,
            Other::Units => self.js.lt(other),
            Other::CodePoints(text, other) => *text < *other,
        })
    }

    fn is_after(&self, other: &JsValue) -> Result<bool, Broken> {
        Ok(match self.checked(other)? {
            Other::Number(number, other) => number > other,
            Other::Units => other.lt(&self.js),
            Other::CodePoints(text, other) => *text > *other,
        })
    }

    /// Returns what is compared, if both are of one kind: `<` of other things may throw.
    fn checked(&self, other: &JsValue) -> Result<Other<'_>, Broken> {
        const KIND: Broken = Broken("an id is of the wrong kind");
        match &self.comparison {
            Comparison::Number(number) => {
                other.as_f64().map(|other| Other::Number(*number, other)).ok_or(KIND)
            }
            Comparison::Units if other.is_string() => Ok(Other::Units),
            Comparison::Units => Err(KIND),
            Comparison::CodePoints(text) => {
                other.as_string().map(|other| Other::CodePoints(text, other)).ok_or(KIND)
            }
        }
    }
}

enum Other<'a> {
    Number(f64, f64),
    Units,
    CodePoints(&'a str, String),
}

impl<'a> Tree<'a> {
    /// Opens the state of a collection; `undefined` is an empty one.
    pub(crate) fn open(codec: &'a Codec, state: &JsValue) -> Result<Self, Rejection> {
        if state.is_undefined() {
            return Ok(Self { codec, count: 0, root: List::empty().frozen() });
        }
        let broken = |reason| invalid_state(codec.schema().collection, reason);
        if !state.is_object() {
            return Err(broken("it is no object"));
        }
        let opened = WORDS.with(|words| {
            if member(state, &words.version)?.as_f64() != Some(VERSION) {
                return Err(Broken("its version is not 1; remove it, and let it be loaded anew"));
            }
            let count = member(state, &words.count)?.as_f64();
            let count = count.filter(|count| (0.0..=f64::from(u32::MAX)).contains(count));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            let count = count.ok_or(Broken("its count is no number"))? as u32;
            Ok(Self { codec, count, root: member(state, &words.root)? })
        });
        opened.map_err(|Broken(reason)| broken(reason))
    }

    /// Returns the document with this id.
    pub(crate) fn find(&self, id: &Id) -> Result<Option<JsValue>, Broken> {
        let mut node = Node::of(&self.root)?;
        for _ in 0..LEVELS_MAX {
            match node {
                Node::Branch { keys, children } => {
                    node = Node::of(&children.at(child_index(&keys, id)?))?;
                }
                Node::Leaf(documents) => {
                    return Ok(match position_in(self.codec, &documents, id)? {
                        Ok(position) => Some(documents.at(position)),
                        Err(_) => None,
                    });
                }
            }
        }
        Err(TOO_DEEP)
    }

    /// Calls a function with each document, ordered by id.
    pub(crate) fn for_each(
        &self,
        each: &mut impl FnMut(&JsValue) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let mut waiting = vec![(self.root.clone(), LEVELS_MAX)];
        let broken = |Broken(reason)| self.broken(reason);
        while let Some((node, levels_left)) = waiting.pop() {
            if levels_left == 0 {
                return Err(broken(TOO_DEEP));
            }
            match Node::of(&node).map_err(broken)? {
                Node::Leaf(documents) => {
                    for index in 0..documents.length().map_err(|it| broken(it.into()))? {
                        each(&documents.at(index))?;
                    }
                }
                Node::Branch { children, .. } => {
                    for index in (0..children.length().map_err(|it| broken(it.into()))?).rev() {
                        waiting.push((children.at(index), levels_left - 1));
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    pub(crate) const fn codec(&self) -> &'a Codec {
        self.codec
    }

    pub(crate) fn broken(&self, reason: &str) -> Rejection {
        invalid_state(self.codec.schema().collection, reason)
    }

    /// Returns the state with the changes that a delta has for this collection.
    pub(crate) fn apply(self, delta: &Delta) -> Result<JsValue, Rejection> {
        let Some(changes) = delta.collection(self.codec.schema().collection) else {
            return Ok(self.into_state());
        };
        update::apply(&self, changes).map(Self::into_state)
    }

    /// Makes a state of these rows, which are ordered by id, each once.
    pub(crate) fn build(codec: &'a Codec, rows: &[Row]) -> Result<Self, Rejection> {
        let documents = List::empty();
        for row in rows {
            documents.push(&codec.encode(row, None)?);
        }
        let root = build::root_of_documents(codec, &documents);
        let root = root.map_err(|Broken(reason)| invalid_state(codec.schema().collection, reason));
        #[expect(clippy::cast_possible_truncation, reason = "the address space has 32 bits")]
        let count = rows.len() as u32;
        Ok(Self { codec, count, root: root? })
    }

    pub(crate) fn into_state(self) -> JsValue {
        WORDS.with(|words| {
            Record::empty()
                .with(&words.version, &VERSION.into())
                .with(&words.count, &self.count.into())
                .with(&words.root, &self.root)
                .frozen()
        })
    }
}

impl Broken {
    pub(crate) const fn reason(&self) -> &'static str {
        self.0
    }
}

impl Node {
    fn of(value: &JsValue) -> Result<Self, Broken> {
        if List::of(value)?.is_some() {
            return Ok(Self::Leaf(value.clone().unchecked_into()));
        }
        // What is no array has no length that fits; what is no object has no members.
        let (keys, children) = WORDS.with(|words| {
            Ok::<_, Threw>((member(value, &words.keys)?, member(value, &words.children)?))
        })?;
        let (keys, children) = (List::from(keys), List::from(children));
        if keys.length()?.checked_add(1) != Some(children.length()?) {
            return Err(Broken("a node is neither an array nor { keys, children } that fit"));
        }
        Ok(Self::Branch { keys, children })
    }
}

const TOO_DEEP: Broken = Broken("it is too deep, or contains itself");

/// Returns which child of a branch an id belongs to.
fn child_index(keys: &List, id: &Id) -> Result<u32, Broken> {
    partition_point(keys, |key| Ok(!id.is_before(&key)?))
}

/// Returns where in a leaf the document with an id is, or would be.
fn position_in(codec: &Codec, documents: &List, id: &Id) -> Result<Result<u32, u32>, Broken> {
    let position = partition_point(documents, |document| id.is_after(&codec.id_of(&document)?))?;
    let is_there = position < documents.length()? && id.is(&codec.id_of(&documents.at(position))?);
    Ok(if is_there { Ok(position) } else { Err(position) })
}

/// Returns of how many entries at the beginning something is true.
fn partition_point(
    entries: &List,
    is_true: impl Fn(JsValue) -> Result<bool, Broken>,
) -> Result<u32, Broken> {
    let (mut low, mut high) = (0, entries.length()?);
    while low < high {
        let middle = low.midpoint(high);
        if is_true(entries.at(middle))? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
