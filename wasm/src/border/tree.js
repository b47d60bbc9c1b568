// @ts-check
/**
 * The state of a collection: a B+ tree of plain, frozen arrays and objects, ordered by id.
 *
 * `{ version: 1, count, root }`, where a node is a leaf, the array of its documents, or a branch,
 * `{ keys, children }`: every id in `children[i]` comes before `keys[i]`, every id in
 * `children[i + 1]` is `keys[i]` or comes after it. Changes copy the path from the root to the
 * leaves at hand; all other nodes are shared with the earlier state. A state that was read from
 * JSON is as good as one that was made here.
 *
 * @typedef {string | number} Id
 * @typedef {readonly any[]} Leaf
 * @typedef {{ readonly keys: readonly Id[], readonly children: readonly Node[] }} Branch
 * @typedef {Leaf | Branch} Node
 * @typedef {{ id: Id, order: Order, fields: any }} Edit what becomes of a document: it has these
 *   fields; or it is gone, `undefined`
 * @typedef {(fields: any, earlier: any) => any} Make makes a document, of the earlier one where there
 *   is one
 * @typedef {{ branch: Branch, index: number, up: Step | undefined }} Step down into a branch
 * @typedef {{ id: Id, up: Step | undefined, leaf: Leaf, position: number, document: any }} Path to an id
 * @typedef {{ key: Id, node: Node, size: number }} Piece a node that takes its place in a branch: no
 *   id in it comes before the key, all ids left of it do; the first one's key is not used
 */

/** The most entries in a node. Wider nodes make lower trees and dearer copies. */
const ENTRIES_MAX = 32;

/** The fewest entries in a node, but for the root. */
const ENTRIES_MIN = ENTRIES_MAX / 2;

/**
 * The most levels that are read: a hundred times more documents than memory can hold. It ends the
 * descent of a foreign state that contains itself.
 */
const LEVELS_MAX = 12;

const VERSION = 1;

/**
 * How many changes go down the tree together: they share the copies of nodes, but a leaf takes them
 * in one by one.
 */
const CHANGES_AT_ONCE = 1024;

const KEY_OF_FIRST = 0;

/** What is wrong with a state. */
export class Broken extends Error {}

const TOO_DEEP = "it is too deep, or contains itself";
const WRONG_KIND = "an id is of the wrong kind";

/** The documents of one collection as they are in one state. */
export class Tree {
  /**
   * @param {string} idName
   * @param {number} count
   * @param {Node} root
   */
  constructor(idName, count, root) {
    this.idName = idName;
    this.count = count;
    this.root = root;
    /** Where the last id is that was looked for. @type {Path | undefined} */
    this.path = undefined;
  }

  /**
   * Opens a state; `undefined` is an empty one.
   * @param {string} idName
   * @param {any} state
   */
  static open(idName, state) {
    if (state === undefined) return new Tree(idName, 0, EMPTY);
    if (state === null || typeof state !== "object") throw new Broken("it is no object");
    const { version, count, root } = state;
    if (version !== VERSION) {
      throw new Broken("its version is not 1; remove it, and let it be loaded anew");
    }
    if (!(typeof count === "number" && count >= 0)) throw new Broken("its count is no number");
    return new Tree(idName, count, root);
  }

  /**
   * Makes a tree of frozen documents that are ordered by id, each once.
   * @param {string} idName
   * @param {any[]} documents
   */
  static of(idName, documents) {
    return new Tree(idName, documents.length, rootOf(leaves(documents, idName)));
  }

  state() {
    return Object.freeze({ version: VERSION, count: this.count, root: this.root });
  }

  /**
   * Returns the document with this id, or `undefined`.
   * @param {Id} id
   * @param {boolean} [isAscii] whether it is certainly a text of ASCII
   */
  find(id, isAscii = false) {
    const isNumber = typeof id === "number";
    // Texts up to U+D7FF, as most are, are in the order that the language has.
    const isPlain = isNumber || isAscii || (typeof id === "string" && !BEYOND_PLAIN.test(id));
    const { idName } = this;
    /** @type {Step | undefined} */
    let up;
    let node = this.root;
    for (let level = 0; !Array.isArray(node); level += 1) {
      const { keys, children } = branchOf(node);
      if (level === LEVELS_MAX) throw new Broken(TOO_DEEP);
      let low = 0;
      let high = keys.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const key = keys[middle];
        if (isNumber ? typeof key !== "number" : typeof key !== "string") {
          throw new Broken(WRONG_KIND);
        }
        if (isPlain ? key <= id : !isLessByCodePoint(id, key)) low = middle + 1;
        else high = middle;
      }
      up = { branch: /** @type {Branch} */ (node), index: low, up };
      node = children[low];
    }
    let low = 0;
    let high = node.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = node[middle][idName];
      if (isNumber ? typeof other !== "number" : typeof other !== "string") {
        throw new Broken(WRONG_KIND);
      }
      if (isPlain ? other < id : isLessByCodePoint(other, id)) low = middle + 1;
      else high = middle;
    }
    const there = low < node.length ? node[low] : undefined;
    const document = there !== undefined && there[idName] === id ? there : undefined;
    this.path = { id, up, leaf: node, position: low, document };
    return document;
  }

  /** Gives the documents, ordered by id. */
  *documents() {
    /** @type {[Node, number][]} */
    const waiting = [[this.root, LEVELS_MAX]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [node, levelsLeft] = next;
      if (levelsLeft === 0) throw new Broken(TOO_DEEP);
      if (Array.isArray(node)) {
        yield* node;
        continue;
      }
      const { children } = branchOf(node);
      for (let index = children.length - 1; index >= 0; index -= 1) {
        waiting.push([children[index], levelsLeft - 1]);
      }
    }
  }

  /**
   * Gives the documents in parts that stay the same as long as possible: the leaves of each branch
   * above leaves, or the only leaf.
   * @returns {Generator<readonly any[]>}
   */
  *parts() {
    /** @type {[Node, number][]} */
    const waiting = [[this.root, LEVELS_MAX]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [node, levelsLeft] = next;
      if (levelsLeft === 0) throw new Broken(TOO_DEEP);
      if (Array.isArray(node)) {
        yield node;
        continue;
      }
      const { children } = branchOf(node);
      if (children.every((child) => Array.isArray(child))) yield children;
      else {
        for (const child of [...children].reverse()) waiting.push([child, levelsLeft - 1]);
      }
    }
  }

  /**
   * Returns the tree with these edits, which are ordered by id, each once.
   * @param {Edit[]} edits
   * @param {Make} make
   */
  edited(edits, make) {
    const only = edits.length === 1 ? this.#editedAt(edits[0], make) : undefined;
    if (only !== undefined) return only;
    for (const edit of edits) edit.order = orderOf(edit.id);
    const update = new Update(this.idName, make);
    let { root } = this;
    for (let start = 0; start < edits.length; start += CHANGES_AT_ONCE) {
      root = update.root(root, edits.slice(start, start + CHANGES_AT_ONCE));
    }
    return new Tree(this.idName, Math.max(this.count + update.grown, 0), root);
  }

  /**
   * Returns the tree with one edit where the path is known and no node is split or joined.
   * @param {Edit} edit
   * @param {Make} make
   */
  #editedAt({ id, fields }, make) {
    if (this.path?.id !== id) this.find(id);
    const { up, leaf, position, document } = /** @type {Path} */ (this.path);
    const isThere = document !== undefined;
    if (fields === undefined && !isThere) return this;
    const grown = (fields === undefined ? 0 : 1) - (isThere ? 1 : 0);
    const size = leaf.length + grown;
    if (size < ENTRIES_MIN && up !== undefined) return undefined;
    const splits = size > ENTRIES_MAX;
    if (splits && !(up !== undefined && up.branch.children.length < ENTRIES_MAX)) return undefined;
    /** @type {any[]} */
    let changed;
    if (fields === undefined) {
      changed = [...leaf];
      changed.splice(position, 1);
    } else if (isThere) {
      changed = [...leaf];
      changed[position] = make(fields, document);
    } else {
      changed = withInserted(leaf, position, make(fields, undefined));
    }
    /** @type {readonly any[] | undefined} */
    let right;
    if (splits) right = Object.freeze(changed.splice(size >> 1));
    /** @type {Node} */
    let node = Object.freeze(changed);
    for (let step = up; step !== undefined; step = step.up) {
      const { keys, children } = step.branch;
      const copy = [...children];
      copy[step.index] = node;
      // Keys of a foreign state are not ours to freeze.
      let kept = Object.isFrozen(keys) ? keys : Object.freeze([...keys]);
      if (right !== undefined) {
        copy.splice(step.index + 1, 0, right);
        const more = [...keys];
        more.splice(step.index, 0, right[0][this.idName]);
        kept = Object.freeze(more);
        right = undefined;
      }
      node = Object.freeze({ keys: kept, children: Object.freeze(copy) });
    }
    return new Tree(this.idName, Math.max(this.count + grown, 0), node);
  }
}

/**
 * Returns a copy with one more document. By `splice` it takes a third longer.
 * @param {Leaf} leaf
 * @param {number} position
 * @param {any} document
 */
function withInserted(leaf, position, document) {
  const changed = [...leaf, document];
  for (let index = leaf.length; index > position; index -= 1) changed[index] = changed[index - 1];
  changed[position] = document;
  return changed;
}

/** @type {Leaf} */
const EMPTY = Object.freeze([]);

/** Copies the path, splits what grew too large, joins what became too small. */
class Update {
  /**
   * @param {string} idName
   * @param {Make} make
   */
  constructor(idName, make) {
    this.idName = idName;
    this.make = make;
    /** How many documents there are more. */
    this.grown = 0;
  }

  /**
   * @param {Node} root
   * @param {Edit[]} edits
   */
  root(root, edits) {
    let next = rootOf(this.node(root, edits, LEVELS_MAX));
    while (!Array.isArray(next)) {
      const { children } = branchOf(next);
      if (children.length > 1) break;
      next = children[0];
    }
    return next;
  }

  /**
   * Returns what a node becomes: itself, itself and new ones to its right, or a single one with too
   * few entries, which the branch above has to join with another.
   * @param {Node} node
   * @param {Edit[]} edits
   * @param {number} levelsLeft
   * @returns {Piece[]}
   */
  node(node, edits, levelsLeft) {
    if (levelsLeft === 0) throw new Broken(TOO_DEEP);
    return Array.isArray(node)
      ? this.leaf(node, edits)
      : this.branch(branchOf(node), edits, levelsLeft - 1);
  }

  /**
   * @param {Leaf} documents
   * @param {Edit[]} edits
   */
  leaf(documents, edits) {
    const changed = [...documents];
    // From the last to the first, for positions are those of before.
    for (let index = edits.length - 1; index >= 0; index -= 1) {
      const { id, order, fields } = edits[index];
      const position = order.positionIn(documents, this.idName);
      const isThere = position < documents.length && documents[position][this.idName] === id;
      if (fields !== undefined) {
        const document = this.make(fields, isThere ? documents[position] : undefined);
        changed.splice(position, isThere ? 1 : 0, document);
        this.grown += isThere ? 0 : 1;
      } else if (isThere) {
        changed.splice(position, 1);
        this.grown -= 1;
      }
    }
    return leaves(changed, this.idName);
  }

  /**
   * @param {Branch} branch
   * @param {Edit[]} edits
   * @param {number} levelsLeft
   */
  branch({ keys, children }, edits, levelsLeft) {
    // Keys that stay are shared; those of a foreign state are not ours to freeze.
    let newKeys = Object.isFrozen(keys) ? undefined : [...keys];
    const newChildren = [...children];
    let isUneven = false;
    for (let end = edits.length; end > 0; ) {
      const index = edits[end - 1].order.childOf(keys);
      const start = firstOfChild(keys, index, edits, end);
      const own = start === 0 && end === edits.length ? edits : edits.slice(start, end);
      const pieces = this.node(children[index], own, levelsLeft);
      end = start;
      for (const { size } of pieces) isUneven ||= size < ENTRIES_MIN;
      if (pieces.length === 1) {
        newChildren[index] = pieces[0].node;
      } else {
        newKeys ??= [...keys];
        put(pieces, index, newKeys, newChildren);
      }
    }
    if (isUneven) {
      newKeys ??= [...keys];
      this.join(newKeys, newChildren);
    }
    return branches(newKeys ?? keys, newChildren);
  }

  /**
   * Joins each child that has too few entries with its neighbour, and cuts them evenly where that
   * is too much for one node.
   * @param {Id[]} keys
   * @param {Node[]} children
   */
  join(keys, children) {
    for (let index = children.length - 1; index >= 0 && children.length > 1; index -= 1) {
      if (sizeOf(children[index]) >= ENTRIES_MIN) continue;
      const left = Math.max(index - 1, 0);
      const pieces = this.joined(children[left], keys[left], children[left + 1]);
      children.splice(left + 1, 1);
      keys.splice(left, 1);
      put(pieces, left, keys, children);
    }
  }

  /**
   * Returns two neighbours as one node, or as two of the same size.
   * @param {Node} left
   * @param {Id} key
   * @param {Node} right
   */
  joined(left, key, right) {
    if (Array.isArray(left) !== Array.isArray(right)) {
      throw new Broken("leaves and branches are on one level");
    }
    if (Array.isArray(left) && Array.isArray(right)) {
      return leaves([...left, ...right], this.idName);
    }
    const [first, second] = [branchOf(left), branchOf(right)];
    const keys = [...first.keys, key, ...second.keys];
    const children = [...first.children, ...second.children];
    // An only child had no neighbour to be joined with: now it has.
    this.join(keys, children);
    return branches(keys, children);
  }
}

/**
 * Puts pieces in the place of one child.
 * @param {Piece[]} pieces
 * @param {number} index
 * @param {Id[]} keys
 * @param {Node[]} children
 */
function put(pieces, index, keys, children) {
  if (pieces.length === 1) {
    children[index] = pieces[0].node;
    return;
  }
  children.splice(index, 1, ...pieces.map(({ node }) => node));
  keys.splice(index, 0, ...pieces.slice(1).map(({ key }) => key));
}

/**
 * Returns where in the ordered edits before `end` those of a child begin; the last one is its.
 * @param {readonly Id[]} keys
 * @param {number} index
 * @param {Edit[]} edits
 * @param {number} end
 */
function firstOfChild(keys, index, edits, end) {
  if (index === 0) return 0;
  const key = keys[index - 1];
  let start = end;
  while (start > 0 && !edits[start - 1].order.isBefore(key)) start -= 1;
  return start;
}

/**
 * Makes leaves of documents that are ordered by id; at least one, which may be empty.
 * @param {any[]} documents
 * @param {string} idName
 * @returns {Piece[]}
 */
function leaves(documents, idName) {
  const { length } = documents;
  if (length <= ENTRIES_MAX) {
    return [{ key: KEY_OF_FIRST, node: Object.freeze(documents), size: length }];
  }
  return cuts(length).map(([start, end]) => ({
    key: documents[start][idName],
    node: Object.freeze(documents.slice(start, end)),
    size: end - start,
  }));
}

/**
 * Makes branches of children and the keys between them; at least one.
 * @param {readonly Id[]} keys
 * @param {Node[]} children
 * @returns {Piece[]}
 */
function branches(keys, children) {
  const { length } = children;
  if (length <= ENTRIES_MAX) {
    const node = Object.freeze({ keys: Object.freeze(keys), children: Object.freeze(children) });
    return [{ key: KEY_OF_FIRST, node, size: length }];
  }
  return cuts(length).map(([start, end]) => ({
    key: start === 0 ? KEY_OF_FIRST : keys[start - 1],
    node: Object.freeze({
      keys: Object.freeze(keys.slice(start, end - 1)),
      children: Object.freeze(children.slice(start, end)),
    }),
    size: end - start,
  }));
}

/**
 * Makes branches upon pieces of one level until there is one root.
 * @param {Piece[]} pieces
 */
function rootOf(pieces) {
  let level = pieces;
  while (level.length > 1) {
    level = branches(
      level.slice(1).map(({ key }) => key),
      level.map(({ node }) => node),
    );
  }
  return level[0].node;
}

/**
 * Cuts entries evenly into as few nodes as can hold them: none has less than half of the most.
 * @param {number} count
 * @returns {[start: number, end: number][]}
 */
function cuts(count) {
  const nodes = Math.ceil(count / ENTRIES_MAX);
  const start = (/** @type {number} */ node) => Math.floor((count * node) / nodes);
  return Array.from({ length: nodes }, (_, node) => [start(node), start(node + 1)]);
}

/**
 * @param {any} node
 * @returns {Branch}
 */
function branchOf(node) {
  const { keys, children } = node;
  const fits = Array.isArray(keys) && Array.isArray(children);
  if (!fits || keys.length + 1 !== children.length) {
    throw new Broken("a node is neither an array nor { keys, children } that fit");
  }
  return node;
}

/** @param {Node} node */
function sizeOf(node) {
  return Array.isArray(node) ? node.length : branchOf(node).children.length;
}

/** The order of an id among others: numbers by value, texts by Unicode code point. */
class Order {
  /**
   * @param {any} id
   * @param {(left: any, right: any) => boolean} isLess
   */
  constructor(id, isLess) {
    this.id = id;
    this.kind = typeof id;
    this.isLess = isLess;
  }

  /** @param {Id} other */
  isBefore(other) {
    this.#check(other);
    return this.isLess(this.id, other);
  }

  /**
   * Returns which child of a branch the id belongs to.
   * @param {readonly Id[]} keys
   */
  childOf(keys) {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.isBefore(keys[middle])) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * Returns where in a leaf the id is, or would be.
   * @param {Leaf} documents
   * @param {string} idName
   */
  positionIn(documents, idName) {
    let [low, high] = [0, documents.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = documents[middle][idName];
      this.#check(other);
      if (this.isLess(other, this.id)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {unknown} other */
  #check(other) {
    if (typeof other !== this.kind) throw new Broken(WRONG_KIND);
  }
}

/** Until it is asked for. */
const NO_ORDER = new Order(0, isLessByUnit);

/**
 * Tells what becomes of a document.
 * @param {Id} id
 * @param {any} fields
 * @returns {Edit}
 */
export function edit(id, fields) {
  return { id, order: NO_ORDER, fields };
}

/** @param {Id} id */
function orderOf(id) {
  // Up to U+D7FF units and code points have the same order, also when compared with what is above:
  // one such text is enough.
  const isByUnit = typeof id !== "string" || !BEYOND_PLAIN.test(id);
  return new Order(id, isByUnit ? isLessByUnit : isLessByCodePoint);
}

const BEYOND_PLAIN = /[\ud800-\uffff]/;

/**
 * Whether an id comes before another.
 * @param {any} left
 * @param {any} right
 */
export function isBefore(left, right) {
  return typeof left === "string" && (BEYOND_PLAIN.test(left) || BEYOND_PLAIN.test(right))
    ? isLessByCodePoint(left, right)
    : left < right;
}

/**
 * @param {Id} left
 * @param {Id} right
 */
export function isLessByUnit(left, right) {
  return left < right;
}

/**
 * @param {any} left
 * @param {any} right
 */
function isLessByCodePoint(left, right) {
  const end = Math.min(left.length, right.length);
  for (let index = 0; index < end; index += 1) {
    const [one, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (one !== other) return rank(one) < rank(other);
  }
  return left.length < right.length;
}

/**
 * Moves the surrogates, which stand for code points above U+FFFF, behind all other units.
 * @param {number} unit
 */
function rank(unit) {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
