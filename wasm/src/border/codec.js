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
const WIDE_INTEGER = 10;
const LONE_SURROGATE = 11;
const THREW = 12;
const TOO_DEEP = 13;
const CLASS = 14;
const SYMBOL = 15;
const FUNCTION = 16;
const RECORD = 17;
const TEXT_AT = 18;

/** As the length of a text: it has half of a surrogate pair. */
const NO_TEXT = 2 ** 32 - 1;

/** The deepest nesting of lists and objects: `Json::DEPTH_MAX`. */
export const DEPTH_MAX = 64;

/** Up to here it is faster to look at each character than to ask for an encoder. */
const SHORT_TEXT_MAX = 24;

/** Up to here it is faster to join characters than to ask for a decoder. */
const SHORT_BYTES_MAX = 16;

/** As the length of a text that is not written yet. */
const PENDING = -1;

const NOTHING = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Texts that both sides have, told by where they begin. */
export class Known {
  constructor() {
    /** @type {string[]} */
    this.texts = [];
    /** @type {number[]} */
    this.starts = [];
    /** How many bytes each has. @type {number[]} */
    this.lengths = [];
    this.count = 0;
    /** Whether all are certainly ASCII. */
    this.areAscii = false;
  }

  /**
   * @param {string} text
   * @param {number} start
   * @param {number} length
   */
  add(text, start, length) {
    const { count } = this;
    this.texts[count] = text;
    this.starts[count] = start;
    this.lengths[count] = length;
    this.count = count + 1;
  }

  /** @param {number} start */
  at(start) {
    return this.texts[this.starts.indexOf(start)];
  }

  /**
   * Returns which one a text is, -1 where it is none of them.
   * @param {unknown} text
   */
  indexOf(text) {
    for (let index = 0; index < this.count; index += 1) {
      if (this.texts[index] === text) return index;
    }
    return -1;
  }
}

/** Writes values as bytes: into memory that is given, or what it makes where that is too small. */
export class Writer {
  constructor() {
    /** @type {Uint8Array} */
    this.bytes = new Uint8Array(0);
    /** @type {DataView} */
    this.view = new DataView(this.bytes.buffer);
    this.start = 0;
    this.at = 0;
    this.end = 0;
    /** Texts that WebAssembly may give back. @type {Known | undefined} */
    this.known = undefined;
    /** A part of what there is to write into, from where on texts may be. */
    this.far = NOTHING;
    this.farStart = 0;
  }

  /**
   * @param {Uint8Array} bytes
   * @param {DataView} view
   * @param {number} start
   * @param {number} length
   */
  into(bytes, view, start, length) {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.at = start;
    this.end = start + length;
    this.far = NOTHING;
  }

  get length() {
    return this.at - this.start;
  }

  /** @param {number} byte */
  byte(byte) {
    if (this.at >= this.end) this.#grow(1);
    this.bytes[this.at] = byte;
    this.at += 1;
  }

  /** @param {number} count */
  count(count) {
    if (this.at + 4 > this.end) this.#grow(4);
    this.view.setUint32(this.at, count, true);
    this.at += 4;
  }

  /**
   * Writes a count where one was written.
   * @param {number} offset
   * @param {number} count
   */
  countAt(offset, count) {
    this.view.setUint32(this.start + offset, count, true);
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
   * Writes a payload: nothing where it is null.
   * @param {any} action
   * @param {readonly string[] | null} names of the members that are wanted, if they are known
   */
  payload(action, names) {
    let payload;
    try {
      payload = action.payload;
    } catch {
      return this.byte(THREW);
    }
    const { known } = this;
    if (names !== null && known !== undefined && isPlain(payload)) {
      return this.#record(payload, names, known);
    }
    this.value(payload ?? undefined, DEPTH_MAX);
  }

  /**
   * Writes the members with these names. Their texts come behind all of them, so that an encoder is
   * asked once.
   * @param {any} object
   * @param {readonly string[]} names
   * @param {Known} known
   */
  #record(object, names, known) {
    this.byte(RECORD);
    const first = known.count;
    let all = "";
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index];
      let value;
      try {
        value = object[name];
      } catch {
        this.byte(THREW);
        continue;
      }
      if (typeof value === "string" && value !== "") {
        known.add(value, this.length, PENDING);
        all += value;
        this.#textAt(0, 0);
      } else if (typeof value === "function" && !Object.hasOwn(object, name)) {
        // What every object has is no member.
        this.byte(ABSENT);
      } else {
        this.value(value, DEPTH_MAX - 1);
      }
    }
    const written = this.#texts(all);
    known.areAscii = written;
    for (let index = first; index < known.count; index += 1) {
      if (known.lengths[index] !== PENDING) continue;
      const text = known.texts[index];
      const length = written ? text.length : this.#encoded(text);
      const place = this.start + known.starts[index];
      this.view.setUint32(place + 1, this.length, true);
      this.view.setUint32(place + 5, length, true);
      known.starts[index] = this.length;
      known.lengths[index] = length;
      if (length !== NO_TEXT) this.at += length;
    }
  }

  /**
   * Makes room for texts, and writes their characters if all are ASCII.
   * @param {string} all
   */
  #texts(all) {
    const { far, farStart } = this;
    if (all.length > SHORT_TEXT_MAX && all.length <= far.length && this.at <= farStart) {
      // What is not ASCII takes more than a byte.
      if (encoder.encodeInto(all, far).written === all.length) {
        this.at = farStart;
        return true;
      }
    }
    if (this.at + 3 * all.length > this.end) this.#grow(3 * all.length);
    return this.#ascii(all);
  }

  /**
   * Writes where a known text is.
   * @param {Known} known
   * @param {number} index
   */
  knownText(known, index) {
    this.#textAt(known.starts[index], known.lengths[index]);
  }

  /**
   * @param {number} start
   * @param {number} length
   */
  #textAt(start, length) {
    if (this.at + 9 > this.end) this.#grow(9);
    this.bytes[this.at] = TEXT_AT;
    this.view.setUint32(this.at + 1, start, true);
    this.view.setUint32(this.at + 5, length, true);
    this.at += 9;
  }

  /**
   * Writes the characters of a text, for which there is room, if all are ASCII.
   * @param {string} text
   */
  #ascii(text) {
    const { bytes, at } = this;
    const { length } = text;
    if (length > SHORT_TEXT_MAX) {
      return encoder.encodeInto(text, bytes.subarray(at, at + length)).read === length;
    }
    for (let index = 0; index < length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 127) return false;
      bytes[at + index] = unit;
    }
    return true;
  }

  /**
   * Writes the characters of a text, for which there is room; returns how many bytes they have.
   * @param {string} text
   */
  #encoded(text) {
    if (!isWellFormed(text)) return NO_TEXT;
    const { bytes, at } = this;
    return encoder.encodeInto(text, bytes.subarray(at)).written;
  }

  /**
   * Writes a text; false where it has half of a surrogate pair.
   * @param {string} text
   */
  text(text) {
    const start = this.length + 5;
    if (!this.#characters(text)) {
      this.byte(LONE_SURROGATE);
      return false;
    }
    // An empty one would begin where another does.
    if (text !== "") this.known?.add(text, start, this.length - start);
    return true;
  }

  /**
   * Writes a text; writes nothing and returns false where it has half of a surrogate pair.
   * @param {string} text
   */
  #characters(text) {
    const { length } = text;
    if (this.at + 5 + 3 * length > this.end) this.#grow(5 + 3 * length);
    const { at } = this;
    this.bytes[at] = TEXT;
    this.at = at + 5;
    const written = this.#ascii(text) ? length : this.#encoded(text);
    if (written === NO_TEXT) {
      this.at = at;
      return false;
    }
    this.view.setUint32(at + 1, written, true);
    this.at += written;
    return true;
  }

  /** @param {number} number */
  #number(number) {
    this.byte(NUMBER);
    if (this.at + 8 > this.end) this.#grow(8);
    this.view.setFloat64(this.at, number, true);
    this.at += 8;
  }

  /** @param {bigint} integer */
  #bigInteger(integer) {
    if (BigInt.asIntN(64, integer) !== integer) return this.byte(WIDE_INTEGER);
    this.byte(BIG_INTEGER);
    if (this.at + 8 > this.end) this.#grow(8);
    this.view.setBigInt64(this.at, integer, true);
    this.at += 8;
  }

  /**
   * @param {object} value
   * @param {number} depthLeft
   */
  #nested(value, depthLeft) {
    if (depthLeft === 0) return this.byte(TOO_DEEP);
    const { length } = this;
    try {
      if (Array.isArray(value)) return this.#list(value, depthLeft - 1);
      if (isPlain(value)) return this.#object(value, depthLeft - 1);
      this.byte(CLASS);
      this.#characters(classOf(value));
    } catch {
      this.at = this.start + length;
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
    const { length } = this;
    const names = Object.keys(object);
    this.byte(OBJECT);
    this.count(names.length);
    for (const name of names) {
      if (!this.#characters(name)) {
        this.at = this.start + length;
        return this.byte(LONE_SURROGATE);
      }
      this.member(object, name, depthLeft);
    }
  }

  /** @param {number} more */
  #grow(more) {
    const { length } = this;
    const bytes = new Uint8Array(Math.max(length + more, 2 * (this.end - this.start), 1024));
    bytes.set(this.bytes.subarray(this.start, this.at));
    this.into(bytes, new DataView(bytes.buffer), 0, bytes.length);
    this.at = length;
  }
}

/** Reads values that WebAssembly wrote, frozen all through. */
export class Reader {
  /**
   * @param {Uint8Array} bytes
   * @param {DataView} view
   * @param {number} at
   * @param {Known} known
   */
  constructor(bytes, view, at, known) {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
    this.known = known;
  }

  byte() {
    const byte = this.bytes[this.at];
    this.at += 1;
    return byte;
  }

  count() {
    const count = this.view.getUint32(this.at, true);
    this.at += 4;
    return count;
  }

  /** @returns {unknown} */
  value() {
    switch (this.byte()) {
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NUMBER:
        this.at += 8;
        return this.view.getFloat64(this.at - 8, true);
      case TEXT:
        return this.text();
      case KNOWN_TEXT:
        return this.known.at(this.count());
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
    if (length <= SHORT_BYTES_MAX) {
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
 * Whether a value is an object that is no list and of no class, of any window or realm.
 * @param {unknown} value
 */
export function isPlain(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}

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
