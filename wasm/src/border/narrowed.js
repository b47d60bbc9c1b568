// @ts-check
/**
 * Documents by the values of a field, so that a query does not look at all of them. A hint, and no
 * more: what is not certainly another value comes along, and WebAssembly decides what matches.
 */

import { isCertain } from "./given.js";
import { isBefore } from "./tree.js";

/**
 * @typedef {import("./description.js").Field} Field
 * @typedef {{ first: unknown, last: unknown }} Span of values in their normal form, which follow each
 *   other in their order; undefined where it has no end. Null stands alone
 * @typedef {{ byValue: Map<unknown, any[]>, others: any[], inOrder: unknown[] | undefined }} Index of
 *   a part of a tree: documents by a value that is certainly in its normal form, and all others; the
 *   values in their order but for null, once that is asked for
 */

/** By part of a tree and by field. A change leaves all parts but one as they are. */
const indexes = /** @type {WeakMap<object, Map<string, Index>>} */ (new WeakMap());

/**
 * Gives all documents whose field may have a value in one of the spans, and perhaps others; ordered by
 * id, for so they are taken in sooner.
 * @param {Iterable<readonly any[]>} parts of a tree, each an array of leaves, or a leaf
 * @param {import("./description.js").Collection} collection
 * @param {number} field
 * @param {readonly Span[]} spans
 */
export function* narrowed(parts, { fields, idName }, field, spans) {
  for (const part of parts) {
    const index = indexOf(part, fields[field]);
    const values = spans.flatMap((span) => valuesOf(index, span));
    // Not by `push(...)`: a leaf that came from elsewhere may have any length.
    const some = [index.others, ...values.map((value) => index.byValue.get(value) ?? [])].flat();
    yield* some.sort((left, right) => compared(memberOf(left, idName), memberOf(right, idName)));
  }
}

/**
 * @param {any} left
 * @param {any} right
 */
function compared(left, right) {
  return isBefore(left, right) ? -1 : 1;
}

/**
 * @param {Index} index
 * @param {Span} span
 */
function valuesOf(index, { first, last }) {
  if (first === last && first !== undefined) return [first];
  index.inOrder ??= [...index.byValue.keys()].filter((value) => value !== null).sort(compared);
  const values = index.inOrder;
  const start = first === undefined ? 0 : whereNot(values, (value) => isBefore(value, first));
  const end =
    last === undefined ? values.length : whereNot(values, (value) => !isBefore(last, value));
  return values.slice(start, end);
}

/**
 * Returns where the first value is that is not so; all before are.
 * @param {unknown[]} values
 * @param {(value: unknown) => boolean} isSo
 */
function whereNot(values, isSo) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(values[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
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
  const index = { byValue: new Map(), others: [], inOrder: undefined };
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
