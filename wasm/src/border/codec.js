// @ts-check
/** Values at the border: JavaScript writes them as bytes, WebAssembly reads them, and back. */

/** What a byte says that comes next; `bytes.rs` has the same. */
const ABSENT = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NUMBER = 4;
const BIG_INTEGER = 5;
const TEXT = 6;
const KNOWN_TEXT = 7;
const LIST = 8;
const OBJECT = 9;
/** What can't cross. */
const WIDE_INTEGER = 10;
const LONE_SURROGATE = 11;
const THREW = 12;
const TOO_DEEP = 13;
const CLASS = 14;
const SYMBOL = 15;
const FUNCTION = 16;

/** The deepest nesting of lists and objects: `Json::DEPTH_MAX`. */
export const DEPTH_MAX = 64;

/** Up to here it is faster to look at each character than to ask for an encoder. */
const SHORT_TEXT_MAX = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes values as bytes. */
export class Writer {
  constructor() {
    this.bytes = new Uint8Array(1024);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
    /**
     * The texts so far, in order, where WebAssembly may give them back by their number.
     * @type {string[] | undefined}
     */
    this.texts = undefined;
  }

  clear() {
    this.length = 0;
    this.texts = undefined;
  }

  /** @param {number} byte */
  byte(byte) {
    this.#reserve(1);
    this.bytes[this.length] = byte;
    this.length += 1;
  }

  /** @param {number} count */
  count(count) {
    this.#reserve(4);
    this.view.setUint32(this.length, count, true);
    this.length += 4;
  }

  /**
   * Writes any value; what can't cross is written as such, at its place.
   * @param {unknown} value
   * @param {number} depthLeft
   */
  value(value, depthLeft) {
    switch (typeof value) {
      case "string":
        return void this.text(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return this.byte(value ? TRUE : FALSE);
      case "undefined":
        return this.byte(ABSENT);
      case "bigint":
        return this.#bigInteger(value);
      case "symbol":
        return this.byte(SYMBOL);
      case "function":
        return this.byte(FUNCTION);
      default:
        return value === null
          ? this.byte(NULL)
          : this.#nested(/** @type {object} */ (value), depthLeft);
    }
  }

  /**
   * Writes a member of an object, which may be a getter.
   * @param {any} of
   * @param {string} name
   * @param {number} depthLeft
   */
  member(of, name, depthLeft) {
    let value;
    try {
      value = of[name];
    } catch {
      return this.byte(THREW);
    }
    this.value(value, depthLeft);
  }

  /**
   * Writes a text; false where it has half of a surrogate pair.
   * @param {string} text
   */
  text(text) {
    const start = this.length;
    if (this.#characters(text)) {
      this.texts?.push(text);
      return true;
    }
    this.length = start;
    this.byte(LONE_SURROGATE);
    return false;
  }

  /**
   * Writes a text that WebAssembly does not number; false where it has half of a surrogate pair.
   * @param {string} text
   */
  #characters(text) {
    const units = text.length;
    this.#reserve(5 + 3 * units);
    const { bytes, length } = this;
    bytes[length] = TEXT;
    let end = length + 5;
    if (units <= SHORT_TEXT_MAX) {
      for (let index = 0; index < units; index += 1) {
        const unit = text.charCodeAt(index);
        if (unit > 127) {
          end = -1;
          break;
        }
        bytes[end] = unit;
        end += 1;
      }
    } else {
      end = -1;
    }
    if (end < 0) {
      if (!isWellFormed(text)) return false;
      end = length + 5 + encoder.encodeInto(text, bytes.subarray(length + 5)).written;
    }
    this.view.setUint32(length + 1, end - length - 5, true);
    this.length = end;
    return true;
  }

  /** @param {number} number */
  #number(number) {
    this.#reserve(9);
    this.bytes[this.length] = NUMBER;
    this.view.setFloat64(this.length + 1, number, true);
    this.length += 9;
  }

  /** @param {bigint} integer */
  #bigInteger(integer) {
    if (BigInt.asIntN(64, integer) !== integer) return this.byte(WIDE_INTEGER);
    this.#reserve(9);
    this.bytes[this.length] = BIG_INTEGER;
    this.view.setBigInt64(this.length + 1, integer, true);
    this.length += 9;
  }

  /**
   * @param {object} value
   * @param {number} depthLeft
   */
  #nested(value, depthLeft) {
    if (depthLeft === 0) return this.byte(TOO_DEEP);
    const start = this.length;
    try {
      if (Array.isArray(value)) return this.#list(value, depthLeft - 1);
      const prototype = Object.getPrototypeOf(value);
      // Of any window or realm.
      const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
      if (isPlain) return this.#object(value, depthLeft - 1);
      this.byte(CLASS);
      this.text(classOf(value));
    } catch {
      this.length = start;
      this.byte(THREW);
    }
  }

  /**
   * @param {unknown[]} list
   * @param {number} depthLeft
   */
  #list(list, depthLeft) {
    const { length } = list;
    this.byte(LIST);
    this.count(length);
    for (let index = 0; index < length; index += 1) this.value(list[index], depthLeft);
  }

  /**
   * @param {object} object
   * @param {number} depthLeft
   */
  #object(object, depthLeft) {
    const start = this.length;
    const names = Object.keys(object);
    this.byte(OBJECT);
    this.count(names.length);
    for (const name of names) {
      if (!this.#characters(name)) {
        this.length = start;
        return this.byte(LONE_SURROGATE);
      }
      this.member(object, name, depthLeft);
    }
  }

  /** @param {number} more */
  #reserve(more) {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** Reads values that WebAssembly wrote, frozen all through. */
export class Reader {
  /**
   * @param {Uint8Array} bytes
   * @param {readonly string[]} texts those that WebAssembly may name by their number
   */
  constructor(bytes, texts) {
    this.bytes = bytes;
    this.texts = texts;
    this.at = 0;
    /** @type {DataView | undefined} */
    this.view = undefined;
  }

  byte() {
    const byte = this.bytes[this.at];
    this.at += 1;
    return byte;
  }

  count() {
    const { bytes, at } = this;
    this.at = at + 4;
    const low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    return low + bytes[at + 3] * 0x1000000;
  }

  /** @returns {unknown} */
  value() {
    switch (this.byte()) {
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NUMBER:
        return this.#number();
      case TEXT:
        return this.text();
      case KNOWN_TEXT:
        return this.texts[this.byte()];
      case LIST:
        return this.#list();
      case OBJECT:
        return this.#object();
      default:
        return null;
    }
  }

  text() {
    const length = this.count();
    const start = this.at;
    this.at += length;
    if (length <= SHORT_TEXT_MAX / 4) {
      let text = "";
      for (let at = start; at < this.at; at += 1) {
        const unit = this.bytes[at];
        if (unit > 127) return decoder.decode(this.bytes.subarray(start, this.at));
        text += String.fromCharCode(unit);
      }
      return text;
    }
    return decoder.decode(this.bytes.subarray(start, this.at));
  }

  #number() {
    this.view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset);
    const number = this.view.getFloat64(this.at, true);
    this.at += 8;
    return number;
  }

  #list() {
    const list = [];
    for (let left = this.count(); left > 0; left -= 1) list.push(this.value());
    return Object.freeze(list);
  }

  #object() {
    const members = [];
    for (let left = this.count(); left > 0; left -= 1) members.push([this.text(), this.value()]);
    // Whatever the names, `__proto__` too.
    return Object.freeze(Object.fromEntries(members));
  }
}

/** @type {(text: string) => boolean} */
export const isWellFormed =
  "isWellFormed" in String.prototype
    ? (text) => /** @type {any} */ (text).isWellFormed()
    : (text) => !/\p{Surrogate}/u.test(text);

/**
 * The name of an object's class, for messages.
 * @param {any} object
 */
function classOf(object) {
  try {
    const { name } = object.constructor;
    if (typeof name === "string" && isWellFormed(name)) return name;
  } catch {
    // Then it has none.
  }
  return "object with a class";
}
