// @ts-check
/**
 * The documents of a `loaded`. Most are certainly as the schema wants them: these are taken as they
 * are. What is not certain is decided by WebAssembly, which alone knows the rules.
 */

import { isPlain, isWellFormed } from "./codec.js";
import { objectOf, readMembers } from "./members.js";
import { isBefore, isLessByUnit } from "./tree.js";

/** Kinds of fields; `description.rs` has the same. */
const BOOL = 0;
const I32 = 1;
const U32 = 2;
const I64 = 3;
const TEXT = 4;
const UUID = 5;
const TIMESTAMP = 6;
const F64 = 7;
const ENUMERATION = 8;

/** What a character of a UUID is; a bit each. */
const DIGIT = 1;
const HYPHEN = 2;
const UUID_UNITS = 36;
const UNIT_KINDS = new Uint8Array(128);
for (const digit of "0123456789abcdef") UNIT_KINDS[digit.charCodeAt(0)] = DIGIT;
UNIT_KINDS["-".charCodeAt(0)] = HYPHEN;

/** What each character of a UUID has to be. */
const UUID_KINDS = new Uint8Array(UUID_UNITS).fill(DIGIT);
for (const place of [8, 13, 18, 23]) UUID_KINDS[place] = HYPHEN;

/** As `2016-09-26T20:32:46.588Z`; the 29th of February is left to WebAssembly. */
const TIMESTAMP_TEXT =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** Longer text in a key is left to WebAssembly. */
const KEY_UNITS_MAX = 512;

/** The documents that are given, and those that are taken. */
export class Given {
  /**
   * @param {number} collection
   * @param {import("./description.js").Collection} schema
   * @param {any[]} documents
   */
  constructor(collection, schema, documents) {
    this.collection = collection;
    this.schema = schema;
    this.documents = documents;
    /** Those that are looked at, in their normal form. @type {any[]} */
    this.taken = [];
    /** @type {number[]} */
    this.places = [];
    /** Of the document at hand. @type {unknown[]} */
    this.values = new Array(schema.names.length);
  }

  /**
   * Takes documents until so many are found that are not certain; returns where these are.
   * @param {number} most
   */
  uncertain(most) {
    const { documents, taken, schema, values } = this;
    this.places = [];
    while (taken.length < documents.length && this.places.length < most) {
      const document = certain(documents[taken.length], schema, values);
      if (document === undefined) this.places.push(taken.length);
      // Also where there is none yet: an array with holes is slow ever after.
      taken.push(document);
    }
    return this.places;
  }

  /**
   * Takes the others.
   * @param {() => any} next
   */
  put(next) {
    for (const place of this.places) this.taken[place] = next();
  }

  /** Orders all by id; returns one that two documents have, if there is one. */
  sort() {
    const { taken } = this;
    const { idName, fields, id } = this.schema;
    const isLess = fields[id].kind === TEXT ? isBefore : isLessByUnit;
    let isAscending = true;
    for (let index = 1; index < taken.length && isAscending; index += 1) {
      isAscending = isLess(taken[index - 1][idName], taken[index][idName]);
    }
    if (isAscending) return undefined;
    taken.sort(({ [idName]: left }, { [idName]: right }) => {
      if (left === right) return 0;
      return isLess(left, right) ? -1 : 1;
    });
    const idOf = (/** @type {number} */ index) => taken[index]?.[idName];
    const twice = taken.findIndex((_, index) => idOf(index) === idOf(index - 1));
    return idOf(twice);
  }
}

/**
 * Returns what WebAssembly would make of a document, if that is certain: a copy, frozen.
 * @param {any} document
 * @param {import("./description.js").Collection} schema
 * @param {unknown[]} values where they are put meanwhile
 */
export function certain(document, { names, fields }, values) {
  try {
    if (!isPlain(document)) return undefined;
    let left = 0;
    for (const _ in document) left += 1;
    readMembers(document, names, values);
    for (let index = 0; index < fields.length; index += 1) {
      const value = values[index];
      if (value === undefined && fields[index].nullable) {
        values[index] = null;
        continue;
      }
      if (!isCertain(value, fields[index])) return undefined;
      left -= 1;
    }
    // Others are left where it has members that the schema does not have.
    return left === 0 ? objectOf(names, values) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a value is for certain of its field's kind, and in its normal form.
 * @param {unknown} value
 * @param {import("./description.js").Field} field
 */
export function isCertain(value, { kind, nullable, isKey, variants }) {
  if (value === null) return nullable;
  if (typeof value === "string") {
    if (kind === TEXT) {
      return (
        isWellFormed(value) && !value.includes("\0") && !(isKey && value.length > KEY_UNITS_MAX)
      );
    }
    if (kind === UUID) return isUuid(value);
    if (kind === ENUMERATION) return variants.has(value);
    return kind === TIMESTAMP && TIMESTAMP_TEXT.test(value);
  }
  if (typeof value === "number") {
    if (Object.is(value, -0)) return false;
    if (kind === F64) return Number.isFinite(value);
    if (!Number.isSafeInteger(value)) return false;
    if (kind === I32) return value === (value | 0);
    if (kind === U32) return value === value >>> 0;
    return kind === I64;
  }
  return typeof value === "boolean" && kind === BOOL;
}

/**
 * Whether a text is a UUID in lower case. By a regular expression it takes twice as long, for what
 * comes next can't be foretold.
 * @param {string} text
 */
function isUuid(text) {
  if (text.length !== UUID_UNITS) return false;
  let wrong = 0;
  for (let index = 0; index < UUID_UNITS; index += 1) {
    const unit = text.charCodeAt(index);
    wrong |= (unit >>> 7) | (UUID_KINDS[index] & ~UNIT_KINDS[unit & 127]);
  }
  return wrong === 0;
}
