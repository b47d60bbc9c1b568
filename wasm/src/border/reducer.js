// @ts-check
/** What WebAssembly asks of the action and the state while a reducer runs, one call for each. */

import { DEPTH_MAX, isWellFormed, Reader, Writer } from "./codec.js";
import { Given } from "./given.js";
import { Broken, edit, Tree } from "./tree.js";

/** What `begin` answers instead of a length; `border.rs` has the same. */
const IGNORED = -1;
const IS_LOADED = -2;
const BROKEN = -3;
const IS_BATCH = -4;
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
const BATCH = "@@flux-capacitor/batch";

/** The beginning of the types that libraries keep for themselves: they are no events. */
const LIBRARY_PREFIX = "@@";

/** The members of an action besides type and payload, in the order in which they are written. */
const MEMBERS = ["id", "timestamp", "meta", "error", "position"];

/** The kind of a field that holds any JSON; `description.rs` has the same. */
const JSON_KIND = 8;

/** Documents that cross together. */
const DOCUMENTS_AT_ONCE = 1024;

/**
 * @typedef {{ name: string, kind: number, nullable: boolean, isKey: boolean }} Field
 * @typedef {{ name: string, names: string[], fields: Field[], id: number, idName: string }} Collection
 * @typedef {{ number: number, names: string[] | null, wanted: number[] | null }} Type of event: the members
 *   that are read, and the fields of a document that are likely to be wanted, all where none are told
 * @typedef {{ state: any, known: import("./codec.js").Known, trees: Tree[], event: Type | undefined }} Call
 *   while an action is reduced
 * @typedef {{ collection: number, documents: Generator<any> }} Scan
 */

/** The border of one reducer. */
export class Border {
  /**
   * @param {string} description as `description.rs` makes it
   * @param {WebAssembly.Memory} memory
   */
  constructor(description, memory) {
    const [isRoot, collections, types] = JSON.parse(description);
    this.isRoot = isRoot === 1;
    /** @type {Collection[]} */
    this.collections = collections.map(collectionOf);
    /** @type {Map<string, Type> | undefined} the types of its events, if it does not take all */
    this.types = types === null ? undefined : typesOf(types, this.collections);
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    /** One to write with, unless it is in use. @type {Writer | undefined} */
    this.spare = undefined;
    /** What was written last, until it is taken. */
    this.written = new Writer();
    /** Of which collection a state is being read, -1 for the whole. */
    this.reading = -1;
    /** What is wrong with a state, and with that of which collection. */
    this.broken = { collection: -1, reason: "" };
    /** @type {Call} */
    this.call = {
      state: undefined,
      known: NONE_KNOWN,
      trees: this.#open(undefined),
      event: undefined,
    };
    /** @type {any} */
    this.empty = {};
    this.empty = this.#whole(this.call.trees.map((tree, index) => [index, tree.state()]));
  }

  /**
   * Writes an action, if it is for this reducer and the state is one, and the documents that it is
   * most likely about.
   * @param {any} state
   * @param {any} action
   * @param {number} into where it is to go if there is room
   * @param {number} length
   * @returns {number} its length, or why it is not written
   */
  begin(state, action, into, length) {
    if (typeof action !== "object" || action === null) return NO_OBJECT;
    let type;
    try {
      type = action.type;
    } catch {
      return TYPE_THREW;
    }
    if (type === undefined) return NO_TYPE;
    if (typeof type !== "string") return TYPE_NO_TEXT;
    if (type === LOADED) return IS_LOADED;
    if (type === BATCH) return IS_BATCH;
    const event = this.types?.get(type);
    if (event === undefined && (this.types !== undefined || type.startsWith(LIBRARY_PREFIX))) {
      // What is no text in UTF-8 is no type that a reducer can know.
      return isWellFormed(type) ? IGNORED : TYPE_LONE_SURROGATE;
    }
    if (!isWellFormed(type)) return TYPE_LONE_SURROGATE;
    const writer = this.#here(into, length);
    const { bytes } = this;
    try {
      this.#message(writer, state, action, event);
    } catch (error) {
      if (bytes.length > 0) return this.#isBroken(error);
    }
    if (bytes.length > 0) return this.#finish(writer) + (writer.bytes === bytes ? 0 : NOT_HANDED);
    return this.#elsewhere((own) => this.#message(own, state, action, event));
  }

  /**
   * Writes an action, and the documents that it is likely about.
   * @param {Writer} writer
   * @param {any} state
   * @param {any} action
   * @param {Type | undefined} event
   */
  #message(writer, state, action, event) {
    /** @type {import("./codec.js").Known} */
    const known = { texts: [], starts: [] };
    writer.known = known;
    writer.count(0);
    if (event === undefined) writer.text(action.type);
    else writer.count(event.number);
    writeMembers(writer, action);
    writer.payload(action, event === undefined ? null : event.names);
    writer.known = undefined;
    writer.countAt(0, writer.length);
    const trees = this.#open(state);
    this.#likely(writer, trees, action, event);
    // Last, for a getter may have called the reducer.
    this.call = { state, known, trees, event };
  }

  /**
   * Writes of each collection the document whose id the payload has, under the name that it has in
   * the collection. That saves a call and a run of the reducer where it asks for it.
   * @param {Writer} writer
   * @param {Tree[]} trees
   * @param {any} action
   * @param {Type | undefined} event
   */
  #likely(writer, trees, action, event) {
    for (let collection = 0; collection < trees.length; collection += 1) {
      const { length } = writer;
      try {
        const id = action.payload[trees[collection].idName];
        const document = trees[collection].find(id);
        writer.byte(document === undefined ? LIKELY_ABSENT : LIKELY);
        writer.value(id, DEPTH_MAX);
        if (document !== undefined) this.#outline(writer, document, collection, event);
      } catch {
        // Then it has none, and what is wrong with it shows where it is asked for.
        writer.at = writer.start + length;
        writer.byte(UNLIKELY);
      }
    }
  }

  /**
   * Writes of a document what the payload may change; all of it where that was too little before.
   * @param {Writer} writer
   * @param {any} document
   * @param {number} collection
   * @param {Type | undefined} event
   */
  #outline(writer, document, collection, event) {
    const { names, id } = this.collections[collection];
    if (event === undefined || event.wanted === null) {
      writer.byte(names.length);
      return this.#document(writer, document, collection);
    }
    writer.byte(event.wanted.length);
    for (const field of event.wanted) {
      writer.byte(field);
      // WebAssembly has the id already.
      if (field !== id) writer.member(document, names[field], DEPTH_MAX);
    }
  }

  /**
   * Writes the document with an id.
   * @param {number} collection
   * @param {number} id
   * @param {number} idLength
   * @param {number} into where the document is to go if there is room
   * @param {number} length
   * @returns {number} the length; `ABSENT`; or `BROKEN`
   */
  find(collection, id, idLength, into, length) {
    const { call } = this;
    this.reading = collection;
    let document;
    try {
      const wanted = /** @type {any} */ (this.#reader(id, call.known).value());
      document = call.trees[collection].find(wanted);
    } catch (error) {
      return this.#isBroken(error);
    }
    if (document === undefined) return ABSENT;
    // The next time all of it goes along.
    if (call.event !== undefined) call.event.wanted = null;
    const write = (/** @type {Writer} */ writer) => {
      writer.count(1);
      this.#document(writer, document, collection);
      // A getter may have called the reducer.
      this.call = call;
    };
    const writer = this.#here(into, length);
    const { bytes } = this;
    write(writer);
    if (bytes.length === 0) return this.#elsewhere(write);
    return this.#finish(writer) + (writer.bytes === bytes ? 0 : NOT_HANDED);
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
      return some.length === 0 ? 0 : this.#write(some, collection);
    } catch (error) {
      return this.#isBroken(error);
    } finally {
      this.call = call;
    }
  }

  /**
   * Copies what was written last.
   * @param {number} into
   */
  take(into) {
    const { bytes, start, at } = this.written;
    new Uint8Array(this.memory.buffer).set(bytes.subarray(start, at), into);
  }

  /**
   * Returns the state with the changes that WebAssembly wrote, `undefined` where it is broken.
   * @param {number} delta
   * @param {number} length
   */
  apply(delta, length) {
    const { trees, known } = this.call;
    const reader = this.#reader(delta, known);
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
      /** @type {number[]} */
      const fields = [];
      /** @type {unknown[]} */
      const values = [];
      for (let left = reader.byte(); left > 0; left -= 1) {
        fields.push(reader.byte());
        values.push(reader.value());
      }
      edits.push(edit(id, (earlier) => made(names, fields, values, earlier)));
    }
    return edits;
  }

  /**
   * Writes what a `loaded` is about: its collection, and whether it has a list of documents.
   * @param {any} action
   */
  loaded(action) {
    const writer = this.#borrow();
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
    return this.#finish(writer);
  }

  /**
   * Begins to take the documents of a `loaded`.
   * @param {any} action
   * @param {number} collection
   */
  given(action, collection) {
    return new Given(collection, this.collections[collection], documentsOf(action.payload) ?? []);
  }

  /**
   * Writes documents that WebAssembly has to look at: their place, whether each is an object, a
   * member that the schema does not have, and the fields.
   * @param {Given} given
   * @returns {number} the length, 0 after the last
   */
  next_given(given) {
    const places = given.uncertain(DOCUMENTS_AT_ONCE);
    if (places.length === 0) return 0;
    const { names } = this.collections[given.collection];
    const writer = this.#borrow();
    writer.count(places.length);
    for (const place of places) {
      const document = given.documents[place];
      const isObject = typeof document === "object" && document !== null;
      writer.count(place);
      writer.byte(isObject ? 1 : 0);
      if (!isObject) continue;
      writer.value(unknownName(document, names), DEPTH_MAX);
      this.#document(writer, document, given.collection);
    }
    return this.#finish(writer);
  }

  /**
   * Takes the documents that were written last, in their normal form.
   * @param {Given} given
   * @param {number} rows
   * @param {number} length
   */
  put_given(given, rows, length) {
    const { names } = this.collections[given.collection];
    const reader = this.#reader(rows, NONE_KNOWN);
    given.put(() => {
      /** @type {any} */
      const document = {};
      for (const name of names) document[name] = reader.value();
      return Object.freeze(document);
    });
  }

  /**
   * Writes an id that two documents have; nothing where each has its own.
   * @param {Given} given
   */
  twice(given) {
    const id = given.sort();
    if (id === undefined) return 0;
    const writer = this.#borrow();
    writer.value(id, DEPTH_MAX);
    return this.#finish(writer);
  }

  /**
   * Returns the state in which a collection has these documents.
   * @param {any} state
   * @param {Given} given
   */
  replace(state, { collection, taken }) {
    const tree = Tree.of(this.collections[collection].idName, taken);
    try {
      return this.#whole([[collection, tree.state()]], state);
    } catch (error) {
      this.reading = -1;
      this.#isBroken(error);
      return undefined;
    }
  }

  /**
   * Returns how many actions a batch has, -1 where it has no list of them.
   * @param {any} action
   */
  batch_length(action) {
    try {
      const { payload } = action;
      return Array.isArray(payload) ? payload.length : -1;
    } catch {
      return -1;
    }
  }

  /**
   * @param {any} action
   * @param {number} index
   */
  batch_item(action, index) {
    try {
      return action.payload[index];
    } catch {
      // That is no action, and told so.
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
      const { name, idName } = this.collections[collection];
      if (this.isRoot && state !== undefined) {
        this.reading = -1;
        if (typeof state !== "object" || state === null) throw new Broken("it is no object");
        own = state[name];
      }
      this.reading = collection;
      trees.push(Tree.open(idName, own));
    }
    return trees;
  }

  /**
   * Returns a writer that writes where WebAssembly wants it, while there is room.
   * @param {number} into
   * @param {number} length
   */
  #here(into, length) {
    const writer = this.#borrow();
    this.#refresh();
    writer.into(this.bytes, this.view, into, length);
    return writer;
  }

  /**
   * Lets something be written to be taken: a getter has called the reducer, and the memory has moved.
   * @param {(writer: Writer) => void} write
   * @returns {number} the length, or that a state is broken
   */
  #elsewhere(write) {
    const own = new Writer();
    try {
      write(own);
    } catch (error) {
      return this.#isBroken(error);
    }
    return this.#finish(own) + NOT_HANDED;
  }

  /** A getter may call the reducer while something is written: then there is another writer. */
  #borrow() {
    const writer = this.spare ?? new Writer();
    this.spare = undefined;
    writer.into(NOTHING, NOTHING_VIEW, 0, 0);
    writer.known = undefined;
    return writer;
  }

  /** @param {Writer} writer */
  #finish(writer) {
    this.written = writer;
    this.spare = writer;
    return writer.length;
  }

  /**
   * @param {number} at
   * @param {import("./codec.js").Known} known
   */
  #reader(at, known) {
    this.#refresh();
    return new Reader(this.bytes, this.view, at, known);
  }

  #refresh() {
    // Memory that has grown is another buffer.
    if (this.bytes.length > 0) return;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
  }

  /**
   * Writes documents.
   * @param {any[]} documents
   * @param {number} collection
   */
  #write(documents, collection) {
    const writer = this.#borrow();
    writer.count(documents.length);
    for (const document of documents) this.#document(writer, document, collection);
    return this.#finish(writer);
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

/** @type {import("./codec.js").Known} */
const NONE_KNOWN = { texts: [], starts: [] };
const NOTHING = new Uint8Array(0);
const NOTHING_VIEW = new DataView(NOTHING.buffer);

/**
 * @param {[string, number, [string, number, number, number][]]} description
 * @returns {Collection}
 */
function collectionOf([name, id, described]) {
  const fields = described.map(([name, kind, nullable, isKey]) => {
    return { name, kind, nullable: nullable === 1, isKey: isKey === 1 };
  });
  const names = fields.map(({ name }) => name);
  return { name, names, fields, id, idName: names[id] };
}

/**
 * @param {[string, string[] | null][]} types
 * @param {Collection[]} collections
 * @returns {Map<string, Type>}
 */
function typesOf(types, collections) {
  return new Map(
    types.map(([type, names], number) => {
      // Members of JSON are not read field by field.
      const [{ fields, id }] = collections;
      const places = [...fields.keys()].filter(
        (field) => field === id || names?.includes(fields[field].name),
      );
      const isPlain = places.every((field) => fields[field].kind !== JSON_KIND);
      return [type, { number, names, wanted: names !== null && isPlain ? places : null }];
    }),
  );
}

/**
 * Writes the members besides type and payload; mostly there are none.
 * @param {Writer} writer
 * @param {any} action
 */
function writeMembers(writer, action) {
  try {
    const { id, timestamp, meta, error, position } = action;
    if ((id ?? timestamp ?? meta ?? error ?? position) === undefined) return writer.byte(0);
  } catch {
    // Which one it is shows below.
  }
  writer.byte(1);
  for (const name of MEMBERS) writer.member(action, name, DEPTH_MAX);
}

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
 * @param {number[]} fields those that change
 * @param {unknown[]} values
 * @param {any} earlier
 */
function made(names, fields, values, earlier) {
  /** @type {any} */
  const document = {};
  let next = 0;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    if (fields[next] === index) {
      document[name] = values[next];
      next += 1;
    } else {
      document[name] = earlier[name];
    }
  }
  return Object.freeze(document);
}
