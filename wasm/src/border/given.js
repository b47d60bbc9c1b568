// @ts-check
/**
 * The documents of a `loaded`. Most are certainly as the schema wants them: these are taken as they
 * are. What is not certain is decided by WebAssembly, which alone knows the rules.
 */

import { isPlain, isWellFormed } from "./codec.js";
import { isBefore } from "./tree.js";

/** Kinds of fields; `description.rs` has the same. */
const BOOL = 0;
const I32 = 1;
const U32 = 2;
const I64 = 3;
const TEXT = 4;
const UUID = 5;
const TIMESTAMP = 6;

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
    /** @type {any[]} */
    this.taken = new Array(documents.length);
    this.at = 0;
    /** @type {number[]} */
    this.places = [];
  }

  /**
   * Takes documents until so many are found that are not certain; returns where these are.
   * @param {number} most
   */
  uncertain(most) {
    const { documents, taken, schema } = this;
    this.places = [];
    for (; this.at < documents.length && this.places.length < most; this.at += 1) {
      const document = certain(documents[this.at], schema.fields);
      if (document !== undefined) taken[this.at] = document;
      else this.places.push(this.at);
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
    const { idName } = this.schema;
    for (let index = 1; index < taken.length; index += 1) {
      if (!isBefore(taken[index - 1][idName], taken[index][idName])) {
        taken.sort((left, right) => compare(left[idName], right[idName]));
        break;
      }
    }
    for (let index = 1; index < taken.length; index += 1) {
      const id = taken[index][idName];
      if (id === taken[index - 1][idName]) return id;
    }
    return undefined;
  }
}

/**
 * @param {any} left
 * @param {any} right
 */
function compare(left, right) {
  if (left === right) return 0;
  return isBefore(left, right) ? -1 : 1;
}

/**
 * Returns what WebAssembly would make of a document, if that is certain: a copy, frozen.
 * @param {any} document
 * @param {readonly import("./description.js").Field[]} fields
 */
export function certain(document, fields) {
  try {
    if (!isPlain(document)) return undefined;
    /** @type {any} */
    const copy = {};
    let left = 0;
    for (const _ in document) left += 1;
    for (let index = 0; index < fields.length; index += 1) {
      const field = fields[index];
      const value = document[field.name];
      if (value === undefined && field.nullable) {
        copy[field.name] = null;
        continue;
      }
      if (!isCertain(value, field)) return undefined;
      copy[field.name] = value;
      left -= 1;
    }
    // Others are left where it has members that the schema does not have.
    return left === 0 ? Object.freeze(copy) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a value is for certain of its field's kind, and in its normal form.
 * @param {unknown} value
 * @param {import("./description.js").Field} field
 */
export function isCertain(value, { kind, nullable, isKey }) {
  if (value === null) return nullable;
  if (typeof value === "string") {
    if (kind === TEXT) {
      return (
        isWellFormed(value) && !value.includes("\0") && !(isKey && value.length > KEY_UNITS_MAX)
      );
    }
    if (kind === UUID) return isUuid(value);
    return kind === TIMESTAMP && isTimestamp(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) return false;
    if (kind === I32) return value === (value | 0);
    if (kind === U32) return value === value >>> 0;
    return kind === I64;
  }
  return typeof value === "boolean" && kind === BOOL;
}

/**
 * Lower-case hexadecimal digits, and hyphens at their places.
 * @param {string} text
 */
function isUuid(text) {
  if (text.length !== 36) return false;
  for (let index = 0; index < 36; index += 1) {
    const unit = text.charCodeAt(index);
    const isHyphen = index === 8 || index === 13 || index === 18 || index === 23;
    if (isHyphen ? unit !== 45 : !(unit > 47 && unit < 58) && !(unit > 96 && unit < 103)) {
      return false;
    }
  }
  return true;
}

/**
 * As `2016-09-26T20:32:46.588Z`; the 29th of February is left to WebAssembly.
 * @param {string} text
 */
function isTimestamp(text) {
  if (text.length !== 24 || text.charCodeAt(19) !== 46 || text.charCodeAt(23) !== 90) return false;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || text.charCodeAt(10) !== 84) {
    return false;
  }
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return false;
  if (number(text, 0, 4) < 0 || number(text, 20, 23) < 0) return false;
  const [month, day] = [number(text, 5, 7), number(text, 8, 10)];
  if (month < 1 || month > 12 || day < 1) return false;
  // 31 days in each month but 2, 4, 6, 9 and 11.
  if (day > 28 && (day > 30 || month === 2) && !(day === 31 && LONG_MONTHS & (1 << month))) {
    return false;
  }
  const [hour, minute, second] = [number(text, 11, 13), number(text, 14, 16), number(text, 17, 19)];
  return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

const LONG_MONTHS = 0b1010110101010;

/**
 * Returns the number that digits are; -1 where they are none.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function number(text, start, end) {
  let number = 0;
  for (let index = start; index < end; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 48 || unit > 57) return -1;
    number = number * 10 + unit - 48;
  }
  return number;
}
