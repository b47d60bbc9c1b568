// @ts-check
/** What WebAssembly asks of the action and the state while a reducer runs, one call for each. */

import { DEPTH_MAX, isWellFormed, Reader, Writer } from "./codec.js";
import { Broken, edit, Tree } from "./tree.js";

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

/** Whether the payload's id is that of a document. */
const UNLIKELY = 0;
const LIKELY_ABSENT = 1;
const LIKELY = 2;

/** What becomes of a document. */
const DESTROYED = 0;

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

/**
 * What is known while one action is reduced.
 * @typedef {{ state: any, texts: readonly string[], trees: Tree[] }} Call
 */

/** The border of one reducer. */
export class Border {
  /** @param {string} description as JSON */
  constructor(description) {
    const { isRoot, collections, types } = /** @type {Description} */ (JSON.parse(description));
    this.isRoot = isRoot;
    this.collections = collections;
    this.types = types === null ? undefined : new Set(types);
    /** Of which collection a state is being read, -1 for the whole. */
    this.reading = -1;
    /** What is wrong with a state, and with that of which collection. */
    this.broken = { collection: -1, reason: "" };
    /** @type {Call} */
    this.call = { state: undefined, texts: [], trees: this.#open(undefined) };
    /** @type {any} */
    this.empty = {};
    this.empty = this.#whole(this.call.trees.map((tree, index) => [index, tree.state()]));
  }

  /**
   * Writes an action, if it is for this reducer and the state is one, and the documents that it is
   * most likely about.
   * @param {any} state
   * @param {any} action
   * @param {Uint8Array} into where it is to go if it is short
   * @returns {number} its length, or why it is not written
   */
  begin(state, action, into) {
    const writer = borrow();
    writer.texts = [];
    const reason = this.#action(writer, action);
    const { texts } = writer;
    writer.texts = undefined;
    if (reason < 0) {
      spare = writer;
      return reason;
    }
    try {
      const trees = this.#open(state);
      this.#likely(writer, trees, action);
      // Last, for a getter may have called the reducer.
      this.call = { state, texts, trees };
    } catch (error) {
      spare = writer;
      return this.#isBroken(error);
    }
    return handed(finish(writer), into);
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
    // What is no text in UTF-8 is no type that a reducer can know.
    if (!isKnown) return isWellFormed(type) ? IGNORED : TYPE_LONE_SURROGATE;
    if (!writer.text(type)) return TYPE_LONE_SURROGATE;
    for (const name of MEMBERS) writer.member(action, name, DEPTH_MAX);
    return 0;
  }

  /**
   * Writes of each collection the document whose id the payload has, under the name that it has in
   * the collection. That saves a call and a run of the reducer where it asks for it.
   * @param {Writer} writer
   * @param {Tree[]} trees
   * @param {any} action
   */
  #likely(writer, trees, action) {
    for (let collection = 0; collection < trees.length; collection += 1) {
      const { length } = writer;
      try {
        const id = action.payload[trees[collection].idName];
        const document = trees[collection].find(id);
        writer.byte(document === undefined ? LIKELY_ABSENT : LIKELY);
        if (document !== undefined) this.#document(writer, document, collection);
      } catch {
        // Then it has none, and what is wrong with it shows where it is asked for.
        writer.length = length;
        writer.byte(UNLIKELY);
      }
    }
  }

  /**
   * Writes the document with an id.
   * @param {number} collection
   * @param {Uint8Array} id
   * @param {Uint8Array} into where the document is to go if it is short
   * @returns {number} the length; `ABSENT`; or `BROKEN`
   */
  find(collection, id, into) {
    const { call } = this;
    try {
      this.reading = collection;
      const wanted = /** @type {any} */ (new Reader(id, call.texts).value());
      const document = call.trees[collection].find(wanted);
      return document === undefined ? ABSENT : handed(this.#written([document], collection), into);
    } catch (error) {
      return this.#isBroken(error);
    } finally {
      // A getter may have called the reducer.
      this.call = call;
    }
  }

  /**
   * Returns how many documents a collection has.
   * @param {number} collection
   */
  count(collection) {
    return Math.min(this.call.trees[collection].count, 2 ** 31 - 1);
  }

  /**
   * Begins to give all documents of a collection.
   * @param {number} collection
   * @returns {Scan}
   */
  scan(collection) {
    return { collection, documents: this.call.trees[collection].documents() };
  }

  /**
   * Writes the next documents of a scan.
   * @param {Scan} scan
   * @returns {number} the length, 0 after the last; or `BROKEN`
   */
  next({ collection, documents }) {
    const { call } = this;
    try {
      this.reading = collection;
      const some = [];
      while (some.length < DOCUMENTS_AT_ONCE) {
        const { done, value } = documents.next();
        if (done) break;
        some.push(value);
      }
      return some.length === 0 ? 0 : this.#written(some, collection);
    } catch (error) {
      return this.#isBroken(error);
    } finally {
      this.call = call;
    }
  }

  /**
   * Returns the state with the changes that WebAssembly wrote, `undefined` where it is broken.
   * @param {Uint8Array} delta
   */
  apply(delta) {
    const { trees, texts } = this.call;
    const reader = new Reader(delta, texts);
    /** @type {[number, any][]} */
    const changed = [];
    try {
      for (let left = reader.count(); left > 0; left -= 1) {
        const collection = reader.byte();
        this.reading = collection;
        const edits = this.#edits(reader, collection);
        changed.push([collection, trees[collection].edited(edits).state()]);
      }
      return this.#whole(changed);
    } catch (error) {
      this.#isBroken(error);
      return undefined;
    }
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
        edits.push(edit(id, undefined));
        continue;
      }
      const values = new Array(names.length).fill(KEPT);
      for (let left = reader.byte(); left > 0; left -= 1) values[reader.byte()] = reader.value();
      edits.push(edit(id, (earlier) => made(names, values, earlier)));
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
      this.#document(writer, document, collection);
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
    const reader = new Reader(rows, []);
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
    try {
      return this.#whole([[collection, tree.state()]], state);
    } catch (error) {
      this.reading = -1;
      this.#isBroken(error);
      return undefined;
    }
  }

  /** What is wrong with the state: the collection, -1 for the whole, and a line. */
  broken_collection() {
    return this.broken.collection;
  }

  broken_reason() {
    return this.broken.reason;
  }

  /**
   * Opens the state of each collection.
   * @param {any} state
   */
  #open(state) {
    const trees = [];
    for (let collection = 0; collection < this.collections.length; collection += 1) {
      let own = state;
      if (this.isRoot && state !== undefined) {
        this.reading = -1;
        if (typeof state !== "object" || state === null) throw new Broken("it is no object");
        own = state[this.collections[collection].name];
      }
      this.reading = collection;
      trees.push(Tree.open(this.#idName(collection), own));
    }
    return trees;
  }

  /** @param {number} collection */
  #idName(collection) {
    const { names, id } = this.collections[collection];
    return names[id];
  }

  /**
   * Writes documents.
   * @param {any[]} documents
   * @param {number} collection
   */
  #written(documents, collection) {
    const writer = borrow();
    writer.count(documents.length);
    for (const document of documents) this.#document(writer, document, collection);
    return finish(writer);
  }

  /**
   * Writes a document as its fields, in the order of the schema.
   * @param {Writer} writer
   * @param {any} document
   * @param {number} collection
   */
  #document(writer, document, collection) {
    const { names } = this.collections[collection];
    for (let index = 0; index < names.length; index += 1) {
      writer.member(document, names[index], DEPTH_MAX);
    }
  }

  /**
   * @param {[number, any][]} changed
   * @param {any} [state]
   * @returns {any}
   */
  #whole(changed, state = this.call.state) {
    if (!this.isRoot) return changed[0][1];
    this.reading = -1;
    // The empty ones first: a state of before a collection was added lacks it.
    const whole = { ...this.empty, ...state };
    for (const [collection, own] of changed) whole[this.collections[collection].name] = own;
    return Object.freeze(whole);
  }

  /** @param {unknown} error */
  #isBroken(error) {
    const reason = error instanceof Broken ? error.message : "reading it threw an error";
    this.broken = { collection: this.reading, reason };
    return BROKEN;
  }
}

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

/** A field that does not change. */
const KEPT = Symbol("kept");

/**
 * Makes a document, frozen: of an earlier one it keeps what does not change.
 * @param {string[]} names
 * @param {unknown[]} values
 * @param {any} earlier
 */
function made(names, values, earlier) {
  /** @type {any} */
  const document = {};
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    const value = values[index];
    document[name] = value === KEPT ? earlier[name] : value;
  }
  return Object.freeze(document);
}
