/**
 * The tree of `wasm/src/border/tree.js`, as fast as plain JavaScript makes it: a B+ tree of frozen arrays of
 * at most 32 entries. Ids are compared by `<`, which is their order as long as none has characters
 * above U+D7FF; UUIDs have none.
 */

import type { Branch, TreeNode } from "@flux-capacitor/client";
import type { Note } from "../notes.ts";

type Node = TreeNode<Note>;
type NoteBranch = Branch<Note>;

const ENTRIES_MAX = 32;
const ENTRIES_MIN = ENTRIES_MAX / 2;

/** One node or two, with the first id of the second. */
type Pieces = Node | Halves;

class Halves {
  constructor(
    readonly left: Node,
    readonly key: string,
    readonly right: Node,
  ) {}
}

/** Returns the root of a new tree of notes that are ordered by id. */
export function rootOf(notes: readonly Note[]): Node {
  let nodes: readonly Node[] = cut(notes, (from, to) => Object.freeze(notes.slice(from, to)));
  let firsts = cut(notes, (from) => notes[from]?.id ?? "");
  while (nodes.length > 1) {
    const [below, keys] = [nodes, firsts];
    nodes = cut(below, (from, to) => branch(keys.slice(from + 1, to), below.slice(from, to)));
    firsts = cut(below, (from) => keys[from] as string);
  }
  return nodes[0] as Node;
}

/** Returns the root with one more note; the same root if there is one of this id. */
export function insert(root: Node, note: Note): Node {
  const pieces = inserted(root, note);
  return pieces instanceof Halves ? branch([pieces.key], [pieces.left, pieces.right]) : pieces;
}

/** Returns the root with another note in the place of one; the same root if it is not there. */
export function replace(root: Node, id: string, change: (note: Note) => Note): Node {
  if (isLeaf(root)) {
    const position = positionIn(root, id);
    const note = root[position];
    if (note === undefined || note.id !== id) return root;
    const notes = [...root];
    notes[position] = change(note);
    return Object.freeze(notes);
  }
  const index = childIndex(root.keys as readonly string[], id);
  const child = root.children[index] as Node;
  const changed = replace(child, id, change);
  if (changed === child) return root;
  const children = [...root.children];
  children[index] = changed;
  return Object.freeze({ keys: root.keys, children: Object.freeze(children) });
}

/** Returns the root without a note; the same root if it is not there. */
export function remove(root: Node, id: string): Node {
  const node = removed(root, id);
  return !isLeaf(node) && node.children.length === 1 ? (node.children[0] as Node) : node;
}

function inserted(node: Node, note: Note): Pieces {
  if (isLeaf(node)) {
    const position = positionIn(node, note.id);
    if (node[position]?.id === note.id) return node;
    const notes = [...node];
    notes.splice(position, 0, note);
    return leafOrHalves(notes);
  }
  const keys = node.keys as readonly string[];
  const index = childIndex(keys, note.id);
  const child = node.children[index] as Node;
  const pieces = inserted(child, note);
  return pieces === child ? node : withPieces(node, index, 1, pieces);
}

/** Returns a node that may have too few entries: the branch above joins it with a neighbour. */
function removed(node: Node, id: string): Node {
  if (isLeaf(node)) {
    const position = positionIn(node, id);
    if (node[position]?.id !== id) return node;
    const notes = [...node];
    notes.splice(position, 1);
    return Object.freeze(notes);
  }
  const index = childIndex(node.keys as readonly string[], id);
  const child = node.children[index] as Node;
  const changed = removed(child, id);
  if (changed === child) return node;
  if (sizeOf(changed) >= ENTRIES_MIN || node.children.length === 1) {
    return withPieces(node, index, 1, changed) as Node;
  }
  const left = Math.max(index - 1, 0);
  const neighbour = node.children[left === index ? index + 1 : left] as Node;
  const key = node.keys[left] as string;
  const pieces = left === index ? joined(changed, key, neighbour) : joined(neighbour, key, changed);
  return withPieces(node, left, 2, pieces) as Node;
}

function joined(left: Node, key: string, right: Node): Pieces {
  if (isLeaf(left) && isLeaf(right)) return leafOrHalves([...left, ...right]);
  const [before, after] = [left as NoteBranch, right as NoteBranch];
  return branchOrHalves(
    [...(before.keys as readonly string[]), key, ...(after.keys as readonly string[])],
    [...before.children, ...after.children],
  );
}

/** Returns a branch where pieces have taken the place of some children. */
function withPieces(node: NoteBranch, index: number, count: number, pieces: Pieces): Pieces {
  const children = [...node.children];
  if (!(pieces instanceof Halves)) {
    if (count === 1) {
      children[index] = pieces;
      return Object.freeze({ keys: node.keys, children: Object.freeze(children) });
    }
    const keys = [...(node.keys as readonly string[])];
    children.splice(index, count, pieces);
    keys.splice(index, count - 1);
    return branch(keys, children);
  }
  const keys = [...(node.keys as readonly string[])];
  children.splice(index, count, pieces.left, pieces.right);
  keys.splice(index, count - 1, pieces.key);
  return branchOrHalves(keys, children);
}

function leafOrHalves(notes: Note[]): Pieces {
  if (notes.length <= ENTRIES_MAX) return Object.freeze(notes);
  const middle = notes.length >>> 1;
  const right = notes.slice(middle);
  notes.length = middle;
  return new Halves(Object.freeze(notes), (right[0] as Note).id, Object.freeze(right));
}

function branchOrHalves(keys: string[], children: Node[]): Pieces {
  if (children.length <= ENTRIES_MAX) return branch(keys, children);
  const middle = children.length >>> 1;
  return new Halves(
    branch(keys.slice(0, middle - 1), children.slice(0, middle)),
    keys[middle - 1] as string,
    branch(keys.slice(middle), children.slice(middle)),
  );
}

function branch(keys: readonly string[], children: readonly Node[]): Node {
  return Object.freeze({ keys: Object.freeze(keys), children: Object.freeze(children) });
}

/** Cuts entries evenly into as few nodes as can hold them. */
function cut<Piece>(
  entries: readonly unknown[],
  piece: (from: number, to: number) => Piece,
): Piece[] {
  const nodes = Math.max(Math.ceil(entries.length / ENTRIES_MAX), 1);
  const start = (node: number) => Math.floor((entries.length * node) / nodes);
  return Array.from({ length: nodes }, (_, node) => piece(start(node), start(node + 1)));
}

/** Returns which child of a branch an id belongs to. */
function childIndex(keys: readonly string[], id: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns where in a leaf the note of an id is, or would be. */
function positionIn(leaf: readonly Note[], id: string): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((leaf[middle] as Note).id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sizeOf(node: Node): number {
  return isLeaf(node) ? node.length : node.children.length;
}

function isLeaf(node: Node): node is readonly Note[] {
  return Array.isArray(node);
}
