// @ts-check
/** What differs between two documents, and between two texts. */

/** @typedef {import("./api.js").Row} Row */
/** @typedef {{ name: string, before: unknown, after: unknown, isChanged: boolean }} FieldChange */
/** @typedef {{ row: Row, change: "added" | "changed" | "removed" | undefined }} MarkedRow */
/** @typedef {{ rows: readonly Row[], isFirst: boolean, isLast: boolean }} Page a part of a collection */

/**
 * The fields of a document before and after a change, in their order; `undefined` where it was not
 * there.
 *
 * @param {Row | null} before
 * @param {Row | null} after
 * @returns {FieldChange[]}
 */
export function fields(before, after) {
  return Object.keys(after ?? before ?? {}).map((name) => {
    const [old, now] = [before?.[name], after?.[name]];
    return { name, before: old, after: now, isChanged: !isSame(old, now) };
  });
}

/** Words are compared as a whole: letters that two of them share mean nothing. */
const PIECES = /[\p{L}\p{M}\p{N}_]+|./gsu;

/**
 * Cuts two texts into what they begin with, what differs, and what they end with.
 *
 * @param {string} before
 * @param {string} after
 */
export function parts(before, after) {
  const [old, now] = [before.match(PIECES) ?? [], after.match(PIECES) ?? []];
  const most = Math.min(old.length, now.length);
  let start = 0;
  while (start < most && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < most - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return {
    start: old.slice(0, start).join(""),
    before: old.slice(start, old.length - end).join(""),
    after: now.slice(start, now.length - end).join(""),
    end: end === 0 ? "" : old.slice(-end).join(""),
  };
}

/**
 * Marks what an event did to a page of documents, those that are gone included. What a page begins
 * or ends with may only have moved there from another one: of that nothing is said.
 *
 * @param {string} id the field that is the id
 * @param {Page} before
 * @param {Page} after
 * @returns {MarkedRow[]}
 */
export function marked(id, before, after) {
  const [old, now] = [byId(id, before.rows), byId(id, after.rows)];
  /** @type {MarkedRow[]} */
  const rows = after.rows.map((row, index) => {
    const earlier = old.get(JSON.stringify(row[id]));
    if (earlier !== undefined) return { row, change: isSame(earlier, row) ? undefined : "changed" };
    return { row, change: isWithin(index, id, after, old) ? "added" : undefined };
  });
  before.rows.forEach((row, index) => {
    if (now.has(JSON.stringify(row[id])) || !isWithin(index, id, before, now)) return;
    rows.splice(placeOf(index, id, before.rows, rows), 0, { row, change: "removed" });
  });
  return rows;
}

/**
 * Whether the other page would have the row, too, if it were there.
 *
 * @param {number} index
 * @param {string} id
 * @param {Page} page
 * @param {Map<string, Row>} other
 */
function isWithin(index, id, page, other) {
  const isThere = (/** @type {Row} */ row) => other.has(JSON.stringify(row[id]));
  const isAfterStart = page.isFirst || page.rows.slice(0, index).some(isThere);
  return isAfterStart && (page.isLast || page.rows.slice(index + 1).some(isThere));
}

/**
 * Where a row that is gone was: after the row that was before it.
 *
 * @param {number} index
 * @param {string} id
 * @param {readonly Row[]} before
 * @param {readonly MarkedRow[]} rows
 */
function placeOf(index, id, before, rows) {
  const previous = before[index - 1];
  if (previous === undefined) return 0;
  const wanted = JSON.stringify(previous[id]);
  return rows.findIndex(({ row }) => JSON.stringify(row[id]) === wanted) + 1;
}

/**
 * @param {string} id
 * @param {readonly Row[]} rows
 */
function byId(id, rows) {
  return new Map(rows.map((row) => [JSON.stringify(row[id]), row]));
}

/**
 * The server writes the members of an object in one order.
 *
 * @param {unknown} one
 * @param {unknown} other
 */
function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
