// @ts-check
/**
 * Documents by the values of a field, so that a query does not look at all of them. A hint, and no
 * more: what is not certainly another value comes along, and WebAssembly decides what matches.
 */

import { isCertain } from "./given.js";

/**
 * @typedef {import("./description.js").Field} Field
 * @typedef {{ byValue: Map<unknown, any[]>, others: any[] }} Index of a part of a tree: documents by a
 *   value that is certainly in its normal form, and all others
 */

/** By part of a tree and by field. A change leaves all parts but one as they are. */
const indexes = /** @type {WeakMap<object, Map<string, Index>>} */ (new WeakMap());

/**
 * Gives all documents whose field may have one of the values, and perhaps others; in no order.
 * @param {Iterable<readonly any[]>} parts of a tree, each an array of leaves, or a leaf
 * @param {Field} field
 * @param {readonly unknown[]} values in their normal form
 */
export function* narrowed(parts, field, values) {
  for (const part of parts) {
    const { byValue, others } = indexOf(part, field);
    for (const value of values) yield* byValue.get(value) ?? [];
    yield* others;
  }
}

/**
 * @param {readonly any[]} part
 * @param {Field} field
 */
function indexOf(part, field) {
  // What is not frozen may be another the next time.
  if (!Object.isFrozen(part)) return made(part, field);
  const known = indexes.get(part) ?? new Map();
  const index = known.get(field.name) ?? made(part, field);
  indexes.set(part, known.set(field.name, index));
  return index;
}

/**
 * @param {readonly any[]} part
 * @param {Field} field
 * @returns {Index}
 */
function made(part, field) {
  /** @type {Index} */
  const index = { byValue: new Map(), others: [] };
  for (const leaf of Array.isArray(part[0]) ? part : [part]) {
    for (const document of leaf) add(index, document, field);
  }
  return index;
}

/**
 * @param {Index} index
 * @param {any} document
 * @param {Field} field
 */
function add({ byValue, others }, document, field) {
  const value = memberOf(document, field.name);
  if (!isCertain(value, field)) {
    others.push(document);
    return;
  }
  const same = byValue.get(value);
  if (same === undefined) byValue.set(value, [document]);
  else same.push(document);
}

/**
 * @param {any} document
 * @param {string} name
 */
function memberOf(document, name) {
  try {
    return document[name];
  } catch {
    // What is wrong with it shows where it is read.
    return undefined;
  }
}
