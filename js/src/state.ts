/** The state of a collection, as the wasm reducer keeps it: plain, frozen, a B+ tree ordered by id. */

/** The id of a document. All ids of one collection are of one kind. */
export type DocumentId = string | number;

/** What every document has: an id. */
export interface Identified {
  readonly id: DocumentId;
}

/** The last level of the tree: documents ordered by id. */
export type Leaf<Document> = readonly Document[];

/**
 * A level above leaves: `keys.length === children.length - 1`, every id in `children[i]` comes
 * before `keys[i]`, every id in `children[i + 1]` is `keys[i]` or comes after it.
 */
export interface Branch<Document> {
  readonly keys: readonly DocumentId[];
  readonly children: readonly TreeNode<Document>[];
}

/** A leaf or a branch. */
export type TreeNode<Document> = Leaf<Document> | Branch<Document>;

/** The state of one collection. Read it with the selectors; only the reducer makes one. */
export interface CollectionState<Document> {
  readonly version: 1;
  readonly count: number;
  readonly root: TreeNode<Document>;
}

/** Tells a leaf from a branch. */
export function isLeaf<Document>(node: TreeNode<Document>): node is Leaf<Document> {
  return Array.isArray(node);
}

/**
 * Compares two ids in the one order that server, wasm and browser share: numbers by value, texts by
 * Unicode code point. JavaScript's `<` compares UTF-16 units, which puts "😀" before "\uFF5E".
 * Numbers come before texts, should they ever meet.
 *
 * @returns less than 0, 0, or more than 0, as `Array.prototype.sort` wants it.
 *
 * @example
 * ["b", "😀", "～", "a"].sort(compareIds); // ["a", "b", "～", "😀"]
 */
export function compareIds(left: DocumentId, right: DocumentId): number {
  if (typeof left === "number") return typeof right === "number" ? left - right : -1;
  if (typeof right === "number") return 1;
  const end = Math.min(left.length, right.length);
  for (let index = 0; index < end; index += 1) {
    const difference =
      codePointRank(left.charCodeAt(index)) - codePointRank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const SURROGATE_FIRST = 0xd800;
const SURROGATE_COUNT = 0x800;

/** Moves the surrogates, which stand for code points above U+FFFF, behind all other units. */
function codePointRank(unit: number): number {
  if (unit < SURROGATE_FIRST) return unit;
  return unit < SURROGATE_FIRST + SURROGATE_COUNT
    ? unit + SURROGATE_COUNT * 4
    : unit - SURROGATE_COUNT;
}
