// @ts-check
/** What WebAssembly asks of the action and the state while a reducer runs, one call for each. */

import { DEPTH_MAX, Reader, Writer } from "./codec.js";
import { Broken, Tree } from "./tree.js";

/** What `begin` answers instead of a length; `border.rs` has the same. */
const IGNORED = -1;
const IS_LOADED = -2;
const BROKEN = -3;
/** These and below: what is wrong with the action. */
const NO_OBJECT = -10;
const NO_TYPE = -11;
const TYPE_NO_TEXT = -12;
const TYPE_LONE_SURROGATE = -13;
const TYPE_THREW = -14;

/** What `find` answers where there is no such document. */
const ABSENT = -1;

/** Added to the length of what is to be taken. */
const NOT_HANDED = 2 ** 30;

/** What becomes of a document. */
const DESTROYED = 0;
const PUT = 1;

const LOADED = "@@flux-capacitor/loaded";

/** The beginning of the types that libraries keep for themselves: they are no events. */
const LIBRARY_PREFIX = "@@";

/** The members of an action besides its type, in the order in which they are written. */
const MEMBERS = ["payload", "id", "timestamp", "meta", "error", "position"];

/** Documents that cross together. */
const DOCUMENTS_AT_ONCE = 1024;

/** What was written last, until it is taken. */
let written = new Writer();

/** One to write with, unless it is in use: a getter may call the reducer while it is read. */
let /** @type {Writer | undefined} */ spare = written;

function borrow() {
  const writer = spare ?? new Writer();
  spare = undefined;
  writer.clear();
  return writer;
}

/** @param {Writer} writer */
function finish(writer) {
  written = writer;
  spare = writer;
  return writer.length;
}

/**
 * Copies what was written last.
 * @param {Uint8Array} into
 */
export function take(into) {
  into.set(written.bytes.subarray(0, written.length));
}

/**
 * Copies what was written last, of this length, where it fits; else says that it is to be taken. A
 * getter that called the reducer may have moved the memory: then nothing fits.
 * @param {number} length
 * @param {Uint8Array} into
 */
function handed(length, into) {
  if (length > into.length) return length + NOT_HANDED;
  take(into);
  return length;
}

/**
 * @typedef {{ name: string, names: string[], id: number }} Collection its fields, and which is the id
 * @typedef {{ isRoot: boolean, collections: Collection[], types: string[] | null }} Description of a
 *   reducer: whether its state has the collections by their names, and the types of its events, if
 *   it does not take all
 */

/** The border of one reducer. */
export class Border {
  /** @param {string} description as JSON */
  constructor(description) {
    const { isRoot, collections, types } = /** @type {Description} */ (JSON.parse(description));
    this.isRoot = isRoot;
    this.collections = collections;
    this.types = types === null ? undefined : new Set(types);
    /** The texts of the action at hand. @type {string[]} */
    this.texts = [];
    /** What is wrong with a state, and with that of which collection. */
    this.broken = { collection: -1, reason: "" };
    /** @type {any} */
    this.empty = this.#whole(
      undefined,
      collections.map((_, index) => [index, this.#open(undefined, index).state()]),
    );
  }

  /**
   * Writes an action, if it is for this reducer and the state is one.
   * @param {any} state
   * @param {any} action
   * @param {Uint8Array} into where it is to go if it is short
   * @returns {number} its length, or why it is not written
   */
  begin(state, action, into) {
    const writer = borrow();
    writer.texts = [];
    const reason = this.#action(writer, action);
    if (reason < 0) {
      spare = writer;
      return reason;
    }
    const opened = this.#guarded(() => {
      for (let index = 0; index < this.collections.length; index += 1) this.#open(state, index);
      return 0;
    });
    this.texts = writer.texts ?? NO_TEXTS;
    return opened < 0 ? opened : handed(finish(writer), into);
  }

  /**
   * @param {Writer} writer
   * @param {any} action
   */
  #action(writer, action) {
    const isObject = typeof action === "object" && action !== null;
    if (!isObject) return NO_OBJECT;
    let type;
    try {
      type = action.type;
    } catch {
      return TYPE_THREW;
    }
    if (type === undefined) return NO_TYPE;
    if (typeof type !== "string") return TYPE_NO_TEXT;
    if (type === LOADED) return IS_LOADED;
    const isKnown = this.types ? this.types.has(type) : !type.startsWith(LIBRARY_PREFIX);
    writer.text(type);
    // What is no text in UTF-8 is no type that a reducer can know.
    if (!isKnown || writer.length === 1) return writer.length === 1 ? TYPE_LONE_SURROGATE : IGNORED;
    for (const name of MEMBERS) writer.member(action, name, DEPTH_MAX);
    return 0;
  }

  /**
   * Writes the document with an id.
   * @param {any} state
   * @param {number} collection
   * @param {Uint8Array} id
   * @param {Uint8Array} into where the document is to go if it is short
   * @returns {number} the length; `ABSENT`; or `BROKEN`
   */
  find(state, collection, id, into) {
    return this.#guarded(() => {
      const wanted = /** @type {any} */ (new Reader(id, this.texts).value());
      const document = this.#open(state, collection).find(wanted);
      if (document === undefined) return ABSENT;
      return handed(this.#written([document], collection), into);
    }, collection);
  }

  /**
   * Returns how many documents a collection has.
   * @param {any} state
   * @param {number} collection
   */
  count(state, collection) {
    return this.#guarded(() => Math.min(this.#open(state, collection).count, 2 ** 31 - 1));
  }

  /**
   * Begins to give all documents of a collection.
   * @param {any} state
   * @param {number} collection
   * @returns {Scan | undefined} nothing where the state is broken
   */
  scan(state, collection) {
    /** @type {Scan | undefined} */
    let scan;
    this.#guarded(() => {
      scan = { collection, documents: this.#open(state, collection).documents() };
      return 0;
    }, collection);
    return scan;
  }

  /**
   * Writes the next documents of a scan.
   * @param {Scan} scan
   * @returns {number} the length, 0 after the last; or `BROKEN`
   */
  next({ collection, documents }) {
    return this.#guarded(() => {
      const some = [];
      while (some.length < DOCUMENTS_AT_ONCE) {
        const { done, value } = documents.next();
        if (done) break;
        some.push(value);
      }
      return some.length === 0 ? 0 : this.#written(some, collection);
    }, collection);
  }

  /**
   * Returns the state with the changes that WebAssembly wrote, `undefined` where it is broken.
   * @param {any} state
   * @param {Uint8Array} delta
   */
  apply(state, delta) {
    const reader = new Reader(delta, this.texts);
    /** @type {[number, any][]} */
    const changed = [];
    let collection = -1;
    const applied = this.#guarded(() => {
      for (let left = reader.count(); left > 0; left -= 1) {
        collection = reader.byte();
        const edits = this.#edits(reader, collection);
        changed.push([collection, this.#open(state, collection).edited(edits).state()]);
      }
      return 0;
    }, collection);
    return applied < 0 ? undefined : this.#whole(state, changed);
  }

  /**
   * Reads what becomes of documents.
   * @param {Reader} reader
   * @param {number} collection
   */
  #edits(reader, collection) {
    const { names } = this.collections[collection];
    const edits = [];
    for (let left = reader.count(); left > 0; left -= 1) {
      const what = reader.byte();
      const id = /** @type {import("./tree.js").Id} */ (reader.value());
      if (what === DESTROYED) {
        edits.push({ id, make: undefined });
        continue;
      }
      const fields = reader.byte();
      const values = new Array(names.length);
      const isKept = new Array(names.length).fill(what !== PUT);
      for (let index = 0; index < fields; index += 1) {
        const field = reader.byte();
        values[field] = reader.value();
        isKept[field] = false;
      }
      edits.push({
        id,
        make: (/** @type {any} */ earlier) => made(names, values, isKept, earlier),
      });
    }
    return edits;
  }

  /**
   * Writes what a `loaded` is about: its collection, and whether it has a list of documents.
   * @param {any} action
   */
  loaded(action) {
    const writer = borrow();
    let payload;
    try {
      ({ payload } = action);
    } catch {
      payload = undefined;
    }
    const isObject = typeof payload === "object" && payload !== null;
    writer.byte(isObject ? 1 : 0);
    if (isObject) {
      writer.member(payload, "collection", DEPTH_MAX);
      writer.byte(documentsOf(payload) === undefined ? 0 : 1);
    }
    return finish(writer);
  }

  /**
   * Begins to give the documents of a `loaded`.
   * @param {any} action
   * @param {number} collection
   * @returns {Given}
   */
  given(action, collection) {
    return { collection, documents: documentsOf(action.payload) ?? [], at: 0 };
  }

  /**
   * Writes the next documents: whether each is an object, a member that the schema does not have,
   * and the fields.
   * @param {Given} given
   * @returns {number} the length, 0 after the last
   */
  next_given(given) {
    const { collection, documents, at } = given;
    const end = Math.min(at + DOCUMENTS_AT_ONCE, documents.length);
    if (at === end) return 0;
    const { names } = this.collections[collection];
    const writer = borrow();
    writer.count(end - at);
    for (let index = at; index < end; index += 1) {
      const document = documents[index];
      const isObject = typeof document === "object" && document !== null;
      writer.byte(isObject ? 1 : 0);
      if (!isObject) continue;
      writer.value(unknownName(document, names), DEPTH_MAX);
      for (const name of names) writer.member(document, name, DEPTH_MAX);
    }
    given.at = end;
    return finish(writer);
  }

  /**
   * Begins a collection as the server has it.
   * @returns {any[]}
   */
  build() {
    return [];
  }

  /**
   * Adds documents, which come ordered by id.
   * @param {any[]} documents
   * @param {number} collection
   * @param {Uint8Array} rows
   */
  push(documents, collection, rows) {
    const { names } = this.collections[collection];
    const reader = new Reader(rows, NO_TEXTS);
    for (let left = reader.count(); left > 0; left -= 1) {
      /** @type {any} */
      const document = {};
      for (const name of names) document[name] = reader.value();
      documents.push(Object.freeze(document));
    }
  }

  /**
   * Returns the state in which a collection has these documents.
   * @param {any} state
   * @param {number} collection
   * @param {any[]} documents
   */
  replace(state, collection, documents) {
    const tree = Tree.of(this.#idName(collection), documents);
    let whole;
    const replaced = this.#guarded(() => {
      whole = this.#whole(state, [[collection, tree.state()]]);
      return 0;
    });
    return replaced < 0 ? undefined : whole;
  }

  /** What is wrong with the state: the collection, -1 for the whole, and a line. */
  broken_collection() {
    return this.broken.collection;
  }

  broken_reason() {
    return this.broken.reason;
  }

  /**
   * @param {any} state
   * @param {number} collection
   */
  #open(state, collection) {
    const { name } = this.collections[collection];
    let own = state;
    if (this.isRoot && state !== undefined) {
      this.#assertRoot(state);
      own = this.#read(-1, () => state[name]);
    }
    return this.#read(collection, () => Tree.open(this.#idName(collection), own));
  }

  /** @param {any} state */
  #assertRoot(state) {
    if (typeof state === "object" && state !== null) return;
    this.broken = { collection: -1, reason: "it is no object" };
    throw new Told();
  }

  /** @param {number} collection */
  #idName(collection) {
    const { names, id } = this.collections[collection];
    return names[id];
  }

  /**
   * Writes documents, each as its fields in the order of the schema.
   * @param {any[]} documents
   * @param {number} collection
   */
  #written(documents, collection) {
    const { names } = this.collections[collection];
    const { texts } = this;
    const writer = borrow();
    writer.count(documents.length);
    for (const document of documents) {
      for (const name of names) writer.member(document, name, DEPTH_MAX);
    }
    // A getter may have called the reducer.
    this.texts = texts;
    return finish(writer);
  }

  /**
   * @param {any} state
   * @param {[number, any][]} changed
   * @returns {any}
   */
  #whole(state, changed) {
    if (!this.isRoot) return changed[0][1];
    // The empty ones first: a state of before a collection was added lacks it.
    /** @type {any} */
    const whole = this.#read(-1, () => ({ ...this.empty, ...state }));
    for (const [collection, own] of changed) whole[this.collections[collection].name] = own;
    return Object.freeze(whole);
  }

  /**
   * Reads something of a state, and tells of which collection it is if that fails.
   * @template T
   * @param {number} collection
   * @param {() => T} read
   */
  #read(collection, read) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Told)) this.broken = { collection, reason: reasonOf(error) };
      throw new Told();
    }
  }

  /**
   * Returns what a function returns, or that the state is broken.
   * @param {() => number} run
   * @param {number} [collection]
   */
  #guarded(run, collection = -1) {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Told)) this.broken = { collection, reason: reasonOf(error) };
      return BROKEN;
    }
  }
}

/** What is wrong is told already. */
class Told extends Error {}

/** @typedef {{ collection: number, documents: Generator<any> }} Scan */

/** @typedef {{ collection: number, documents: any[], at: number }} Given */

/**
 * @param {any} payload
 * @returns {any[] | undefined}
 */
function documentsOf(payload) {
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
function unknownName(document, names) {
  try {
    return Object.keys(document).find((name) => !names.includes(name));
  } catch {
    // The members themselves tell.
    return undefined;
  }
}

/**
 * Makes a document, frozen: of an earlier one it keeps what does not change.
 * @param {string[]} names
 * @param {unknown[]} values
 * @param {boolean[]} isKept
 * @param {any} earlier
 */
function made(names, values, isKept, earlier) {
  /** @type {any} */
  const document = {};
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    document[name] = isKept[index] ? earlier[name] : values[index];
  }
  return Object.freeze(document);
}

/** @type {string[]} */
const NO_TEXTS = [];

/** @param {unknown} error */
function reasonOf(error) {
  return error instanceof Broken ? error.message : "reading it threw an error";
}
