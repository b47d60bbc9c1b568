//! Changes to a tree: copies the path, splits what grew too large, joins what became too small.

use std::collections::BTreeMap;

use flux_reducers::{Change, Rejection, Row, Value, code as core_code};
use wasm_bindgen::prelude::JsValue;

use super::build::{self, Piece, branches, leaves};
use super::{
    Broken, ENTRIES_MAX, ENTRIES_MIN, Id, LEVELS_MAX, Node, TOO_DEEP, Tree, child_index,
    position_in,
};
use crate::codec::Codec;
use crate::javascript::List;

/// How many changes go down the tree together: they share the copies of nodes, but a leaf takes
/// them in one by one.
const CHANGES_AT_ONCE: usize = 1024;

struct Edit<'a> {
    id: Id,
    before: Option<&'a Row>,
    after: Option<&'a Row>,
}

/// Why the changes can't be made.
enum Refused {
    State(Broken),
    Document(Rejection),
}

struct Update<'a> {
    codec: &'a Codec,
    inserted: u32,
    removed: u32,
}

impl<T: Into<Broken>> From<T> for Refused {
    fn from(broken: T) -> Self {
        Self::State(broken.into())
    }
}

/// Returns the tree with these changes made.
pub(super) fn apply<'a>(
    tree: &Tree<'a>,
    changes: &BTreeMap<Value, Change>,
) -> Result<Tree<'a>, Rejection> {
    let codec = tree.codec;
    let mut edits = Vec::with_capacity(changes.len());
    for (id, Change { before, after }) in changes {
        let id = Id::new(id).map_err(|problem| {
            let field = codec.schema().id_field().name;
            problem.in_member(field).into_rejection(core_code::INVALID_VALUE, "an id is wrong")
        })?;
        edits.push(Edit { id, before: before.as_ref(), after: after.as_ref() });
    }
    let mut update = Update { codec, inserted: 0, removed: 0 };
    let mut root = tree.root.clone();
    for edits in edits.chunks(CHANGES_AT_ONCE) {
        root = update.root(&root, edits).map_err(|refused| match refused {
            Refused::State(Broken(reason)) => tree.broken(reason),
            Refused::Document(rejection) => rejection,
        })?;
    }
    let count = (tree.count + update.inserted).saturating_sub(update.removed);
    Ok(Tree { codec, count, root })
}

impl Update<'_> {
    fn root(&mut self, root: &JsValue, edits: &[Edit<'_>]) -> Result<JsValue, Refused> {
        let mut root = build::root(self.node(root, edits, LEVELS_MAX)?)?;
        loop {
            match Node::of(&root)? {
                Node::Branch { children, .. } if children.length()? == 1 => {
                    root = children.at(0);
                }
                _ => return Ok(root),
            }
        }
    }

    /// Returns what a node becomes: itself, itself and new ones to its right, or a single one with
    /// too few entries, which the branch above has to join with another.
    fn node(
        &mut self,
        node: &JsValue,
        edits: &[Edit<'_>],
        levels_left: u32,
    ) -> Result<Vec<Piece>, Refused> {
        match Node::of(node)? {
            _ if levels_left == 0 => Err(TOO_DEEP.into()),
            Node::Leaf(documents) => self.leaf(&documents, edits),
            Node::Branch { keys, children } => {
                self.branch(&keys, &children, edits, levels_left - 1)
            }
        }
    }

    fn leaf(&mut self, documents: &List, edits: &[Edit<'_>]) -> Result<Vec<Piece>, Refused> {
        let changed = documents.copy()?;
        // From the last to the first, for positions are those of before.
        for edit in edits.iter().rev() {
            match (position_in(self.codec, documents, &edit.id)?, edit.after) {
                (Ok(position), Some(after)) => {
                    let earlier = documents.at(position);
                    let earlier = edit.before.map(|before| (before, &earlier));
                    changed.set(position, &self.encode(after, earlier)?);
                }
                (Err(position), Some(after)) => {
                    changed.insert(position, &self.encode(after, None)?);
                    self.inserted += 1;
                }
                (Ok(position), None) => {
                    changed.remove(position);
                    self.removed += 1;
                }
                (Err(_), None) => {}
            }
        }
        Ok(leaves(self.codec, &changed)?)
    }

    fn encode(&self, row: &Row, earlier: Option<(&Row, &JsValue)>) -> Result<JsValue, Refused> {
        self.codec.encode(row, earlier).map_err(Refused::Document)
    }

    fn branch(
        &mut self,
        old_keys: &List,
        old_children: &List,
        edits: &[Edit<'_>],
        levels_left: u32,
    ) -> Result<Vec<Piece>, Refused> {
        let mut new_keys: Option<List> = None;
        let children = old_children.copy()?;
        let mut is_uneven = false;
        let mut rest = edits;
        while let Some(last) = rest.last() {
            let index = child_index(old_keys, &last.id)?;
            let start = Self::first_of_child(old_keys, index, rest)?;
            let pieces = self.node(&children.at(index), &rest[start..], levels_left)?;
            rest = &rest[..start];
            is_uneven |= pieces.iter().any(|piece| piece.size < ENTRIES_MIN);
            if pieces.len() > 1 && new_keys.is_none() {
                new_keys = Some(old_keys.copy()?);
            }
            put(&pieces, index, &children, new_keys.as_ref());
        }
        let keys = match new_keys {
            Some(keys) => keys,
            None if is_uneven => old_keys.copy()?,
            None => {
                let size = children.length()?;
                let node = build::branch(old_keys, &children.frozen());
                return Ok(vec![Piece { key: JsValue::UNDEFINED, node, size }]);
            }
        };
        if is_uneven {
            self.join(&keys, &children)?;
        }
        Ok(branches(&keys, &children)?)
    }

    /// Returns where in the ordered edits those of a child begin; the last one is the child's.
    fn first_of_child(keys: &List, index: u32, edits: &[Edit<'_>]) -> Result<usize, Broken> {
        let Some(before) = index.checked_sub(1) else {
            return Ok(0);
        };
        let key = keys.at(before);
        let mut start = edits.len();
        while start > 0 && !edits[start - 1].id.is_before(&key)? {
            start -= 1;
        }
        Ok(start)
    }

    /// Joins each child that has too few entries with its neighbour, and cuts them evenly where
    /// that is too much for one node.
    fn join(&self, keys: &List, children: &List) -> Result<(), Broken> {
        let mut index = children.length()?;
        while index > 0 && children.length()? > 1 {
            index -= 1;
            let is_small = size(&children.at(index))? < ENTRIES_MIN;
            if !is_small {
                continue;
            }
            let left = index.saturating_sub(1);
            let pieces = self.joined(
                &Node::of(&children.at(left))?,
                &keys.at(left),
                &Node::of(&children.at(left + 1))?,
            )?;
            children.remove(left + 1);
            keys.remove(left);
            put(&pieces, left, children, Some(keys));
        }
        Ok(())
    }

    /// Returns two neighbours as one node, or as two of the same size.
    fn joined(&self, left: &Node, key: &JsValue, right: &Node) -> Result<Vec<Piece>, Broken> {
        match (left, right) {
            (Node::Leaf(left), Node::Leaf(right)) => leaves(self.codec, &left.concat(right)?),
            (
                Node::Branch { keys: left_keys, children: left },
                Node::Branch { keys: right_keys, children: right },
            ) => {
                let keys = left_keys.copy()?;
                keys.push(key);
                let (keys, children) = (keys.concat(right_keys)?, left.concat(right)?);
                // An only child had no neighbour to be joined with: now it has.
                self.join(&keys, &children)?;
                branches(&keys, &children)
            }
            _ => Err(Broken("leaves and branches are on one level")),
        }
    }
}

/// Puts pieces in the place of one child; keys are needed where they are more than one.
fn put(pieces: &[Piece], index: u32, children: &List, keys: Option<&List>) {
    for (offset, piece) in (0..).zip(pieces) {
        if offset == 0 {
            children.set(index, &piece.node);
        } else {
            children.insert(index + offset, &piece.node);
            if let Some(keys) = keys {
                keys.insert(index + offset - 1, &piece.key);
            }
        }
    }
}

fn size(node: &JsValue) -> Result<u32, Broken> {
    Ok(match Node::of(node)? {
        Node::Leaf(documents) => documents.length()?,
        Node::Branch { children, .. } => children.length()?,
    })
}

const _: () = assert!(ENTRIES_MIN * 2 <= ENTRIES_MAX, "two halves must fit one node");
