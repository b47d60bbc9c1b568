// @ts-check
/** What an action is: Redux gives anything, and any member may be a getter that throws. */

import { DEPTH_MAX, isWellFormed } from "./codec.js";

/** What an action is, if it is not one to be written; WebAssembly is told it, `border.rs` has the same. */
const IS_LOADED = -2;
const NO_OBJECT = -10;
const NO_TYPE = -11;
const TYPE_NO_TEXT = -12;
const TYPE_LONE_SURROGATE = -13;
const TYPE_THREW = -14;
/** These it is not told. */
export const IS_ACTION = 0;
export const IS_BATCH = -20;
export const IS_IGNORED = -21;

const LOADED = "@@flux-capacitor/loaded";
const BATCH = "@@flux-capacitor/batch";

/** The beginning of the types that libraries keep for themselves: they are no events. */
const LIBRARY_PREFIX = "@@";

/** The members of an action besides type and payload, in the order in which they are written. */
const MEMBERS = ["id", "timestamp", "meta", "error", "position"];

/**
 * Returns the type of an action, or what is wrong with it.
 * @param {any} action
 */
export function typeOf(action) {
  if (typeof action !== "object" || action === null) return NO_OBJECT;
  try {
    const { type } = action;
    if (typeof type === "string") return type;
    return type === undefined ? NO_TYPE : TYPE_NO_TEXT;
  } catch {
    return TYPE_THREW;
  }
}

/**
 * Tells what an action is whose type is none of the known events.
 * @param {string | number} type
 * @param {boolean} takesAll
 */
export function kindOf(type, takesAll) {
  if (typeof type === "number") return type;
  if (type === LOADED) return IS_LOADED;
  if (type === BATCH) return IS_BATCH;
  // What is no text in UTF-8 is no type that a reducer can know.
  if (!isWellFormed(type)) return TYPE_LONE_SURROGATE;
  return takesAll && !type.startsWith(LIBRARY_PREFIX) ? IS_ACTION : IS_IGNORED;
}

/**
 * Returns the actions of a batch, if it has a list of them.
 * @param {any} action
 * @returns {any[] | undefined}
 */
export function actionsOf(action) {
  try {
    const { payload } = action;
    return Array.isArray(payload) ? payload : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {any} payload
 * @returns {any[] | undefined}
 */
export function documentsOf(payload) {
  try {
    const { documents } = payload;
    return Array.isArray(documents) ? documents : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns a member that is none of these, if there is one.
 * @param {object} document
 * @param {string[]} names
 */
export function unknownName(document, names) {
  try {
    return Object.keys(document).find((name) => !names.includes(name));
  } catch {
    // The members themselves tell.
    return undefined;
  }
}

/**
 * Writes the members besides type and payload; mostly there are none.
 * @param {import("./codec.js").Writer} writer
 * @param {any} action
 */
export function writeMembers(writer, action) {
  try {
    const { id, timestamp, meta, error, position } = action;
    if ((id ?? timestamp ?? meta ?? error ?? position) === undefined) return writer.byte(0);
  } catch {
    // Which one it is shows below.
  }
  writer.byte(1);
  for (const name of MEMBERS) writer.member(action, name, DEPTH_MAX);
}
