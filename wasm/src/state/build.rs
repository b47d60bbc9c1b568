//! New nodes: entries cut evenly into nodes, level upon level, up to one root.

use wasm_bindgen::prelude::JsValue;

use super::{Broken, ENTRIES_MAX};
use crate::codec::Codec;
use crate::javascript::{List, Record, WORDS};

/// A node that takes its place in a branch.
pub(super) struct Piece {
    /// No id in it comes before this one, all ids in what is left of it do. Not used of the first.
    pub(super) key: JsValue,
    pub(super) node: JsValue,
    /// How many entries it has.
    pub(super) size: u32,
}

/// Makes leaves of documents that are ordered by id; at least one, which may be empty.
pub(super) fn leaves(codec: &Codec, documents: &List) -> Result<Vec<Piece>, Broken> {
    let mut pieces = Vec::new();
    for (start, end) in cuts(documents.length()?) {
        let key =
            if start == 0 { JsValue::UNDEFINED } else { codec.id_of(&documents.at(start))? };
        let leaf = documents.slice(start, end)?;
        pieces.push(Piece { key, node: leaf.frozen(), size: end - start });
    }
    Ok(pieces)
}

/// Makes branches of children and the keys between them; at least one.
pub(super) fn branches(keys: &List, children: &List) -> Result<Vec<Piece>, Broken> {
    let mut pieces = Vec::new();
    for (start, end) in cuts(children.length()?) {
        let key = if start == 0 { JsValue::UNDEFINED } else { keys.at(start - 1) };
        let (keys, children) =
            (keys.slice(start, end.saturating_sub(1))?, children.slice(start, end)?);
        let node = branch(&keys.frozen(), &children.frozen());
        pieces.push(Piece { key, node, size: end - start });
    }
    Ok(pieces)
}

pub(super) fn branch(keys: &JsValue, children: &JsValue) -> JsValue {
    WORDS.with(|words| {
        Record::empty().with(&words.keys, keys).with(&words.children, children).frozen()
    })
}

/// Makes branches upon pieces of one level until there is one root.
pub(super) fn root(mut pieces: Vec<Piece>) -> Result<JsValue, Broken> {
    loop {
        if let [root] = &*pieces {
            return Ok(root.node.clone());
        }
        let (keys, children) = (List::empty(), List::empty());
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                keys.push(&piece.key);
            }
            children.push(&piece.node);
        }
        pieces = branches(&keys, &children)?;
    }
}

pub(super) fn root_of_documents(codec: &Codec, documents: &List) -> Result<JsValue, Broken> {
    root(leaves(codec, documents)?)
}

/// Cuts entries evenly into as few nodes as can hold them: none has less than half of the most.
fn cuts(count: u32) -> impl Iterator<Item = (u32, u32)> {
    let nodes = count.div_ceil(ENTRIES_MAX).max(1);
    let start = move |node: u32| {
        let start = u64::from(count) * u64::from(node) / u64::from(nodes);
        u32::try_from(start).unwrap_or(count)
    };
    (0..nodes).map(move |node| (start(node), start(node + 1)))
}
