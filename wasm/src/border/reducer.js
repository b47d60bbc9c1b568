// @ts-check
/** A reducer as Redux calls it, and what WebAssembly asks of the action and the state meanwhile. */

import { begin } from "./actions.js";
import { DEPTH_MAX, Known, Reader, Writer } from "./codec.js";
import { described } from "./description.js";
import { Given } from "./given.js";
import {
  actionsOf,
  documentsOf,
  IS_ACTION,
  IS_BATCH,
  IS_IGNORED,
  kindOf,
  typeOf,
  unknownName,
  writeMembers,
} from "./kind.js";
import { objectOf } from "./members.js";
import { narrowed } from "./narrowed.js";
import { tell } from "./rejections.js";
import { Broken, edit, Tree } from "./tree.js";

/** What else WebAssembly is told instead of the length of an action; `border.rs` has the same. */
const BROKEN = -3;
const BATCH_IN_BATCH = -4;
const BATCH_OF_NOTHING = -5;

/** What WebAssembly answers, if not where the changes are. */
const UNCHANGED = 0;
const REPLACED = 1;

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

/** How much of the room is left for what is not text. */
const FAR = 1024;

/** Documents that cross together. */
const DOCUMENTS_AT_ONCE = 1024;

/**
 * @typedef {import("./description.js").Collection} Collection
 * @typedef {import("./description.js").Type} Type
 * @typedef {{ state: any, action: any, event: Type | undefined, known: Known, trees: Tree[] }} Call
 *   while an action is reduced
 * @typedef {{ collection: number, documents: Generator<any> }} Scan
 */

/** The border of one reducer. */
export class Border {
  /**
   * @param {number} description where `description.rs` has written it
   * @param {WebAssembly.Memory} memory
   * @param {WebAssembly.Table} functions
   * @param {number} run which of the functions runs an action
   * @param {number} number of the reducer
   * @param {number} room where an action is to be written
   * @param {number} roomLength
   */
  constructor(description, memory, functions, run, number, room, roomLength) {
    begin();
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    const told = described(new Reader(this.bytes, this.view, description, NONE_KNOWN));
    this.isRoot = told.isRoot;
    this.collections = told.collections;
    this.types = told.types;
    this.farLength = roomLength - FAR;
    this.far = new Uint8Array(memory.buffer, room + FAR, this.farLength);
    /** @type {(reducer: number, told: number) => number} */
    this.run = functions.get(run);
    this.number = number;
    this.room = room;
    /** None while it is in use: a getter may call the reducer. */
    this.roomLength = roomLength;
    /** Texts of the action at hand, unless they are those of another. */
    this.known = new Known();
    /** One to write with, unless it is in use. @type {Writer | undefined} */
    this.spare = undefined;
    /** What was written last, until it is taken. */
    this.written = new Writer();
    /** Of which collection a state is being read, -1 for the whole. */
    this.reading = -1;
    /** What is wrong with a state, and with that of which collection. */
    this.broken = { collection: -1, reason: "" };
    /** The state that a `loaded` has made. @type {any} */
    this.replaced = undefined;
    this.call = callOf(undefined, undefined, undefined);
    /** @type {any} */
    this.empty = {};
    const trees = this.#open(undefined);
    this.empty = this.#whole(trees.map((tree, collection) => [collection, tree.state()]));
  }

  /**
   * Returns the next state; the same where nothing changes.
   * @param {any} state
   * @param {any} action
   */
  reduce(state, action) {
    return this.#next(state, action, false) ?? (state === undefined ? this.empty : state);
  }

  /**
   * Returns the next state, `undefined` where nothing changes.
   * @param {any} state
   * @param {any} action
   * @param {boolean} isOfBatch
   * @returns {any}
   */
  #next(state, action, isOfBatch) {
    const type = typeOf(action);
    const event = typeof type === "string" ? this.types?.get(type) : undefined;
    let told = event === undefined ? kindOf(type, this.types === undefined) : IS_ACTION;
    if (told === IS_IGNORED) return undefined;
    const { call, roomLength } = this;
    const own = callOf(state, action, event);
    this.call = own;
    this.roomLength = 0;
    try {
      if (told === IS_ACTION) {
        told = this.#begin(own, roomLength);
      } else if (told === IS_BATCH) {
        const actions = isOfBatch ? undefined : actionsOf(action);
        if (actions !== undefined) return this.#batch(state, actions);
        told = isOfBatch ? BATCH_IN_BATCH : BATCH_OF_NOTHING;
      }
      const answer = this.run(this.number, told);
      if (answer === UNCHANGED) return undefined;
      return answer === REPLACED ? this.replaced : this.#applied(own, answer >>> 0);
    } finally {
      this.call = call;
      this.roomLength = roomLength;
    }
  }

  /**
   * Takes several actions in order. Each is accepted or rejected by itself.
   * @param {any} state
   * @param {readonly any[]} actions
   */
  #batch(state, actions) {
    let next;
    for (let index = 0; index < actions.length; index += 1) {
      let action;
      try {
        action = actions[index];
      } catch {
        // That is no action, and told so.
      }
      next = this.#next(next ?? state, action, true) ?? next;
    }
    return next;
  }

  /**
   * Writes the action of a call.
   * @param {Call} call
   * @param {number} roomLength
   * @returns {number} its length, or `BROKEN`
   */
  #begin(call, roomLength) {
    const writer = this.#here(this.room, roomLength);
    if (roomLength > 0) {
      writer.far = this.far;
      writer.farStart = this.room + FAR;
      call.known = this.known;
    } else {
      call.known = new Known();
    }
    const { bytes } = this;
    try {
      this.#message(writer, call);
    } catch (error) {
      if (bytes.length > 0) return this.#isBroken(error);
    }
    if (bytes.length > 0) return this.#finish(writer) + (writer.bytes === bytes ? 0 : NOT_HANDED);
    call.known = new Known();
    return this.#elsewhere((own) => this.#message(own, call));
  }

  /**
   * Writes an action, and the documents that it is likely about.
   * @param {Writer} writer
   * @param {Call} call
   */
  #message(writer, call) {
    const { action, event } = call;
    call.known.count = 0;
    call.known.areAscii = false;
    writer.known = call.known;
    writer.count(0);
    if (event === undefined) writer.text(action.type);
    else writer.count(event.number);
    writeMembers(writer, action);
    writer.payload(action, event === undefined ? null : event.names);
    writer.known = undefined;
    writer.countAt(0, writer.length);
    call.trees = this.#open(call.state);
    this.#likely(writer, call);
  }

  /**
   * Writes of each collection the document whose id the payload has, under the name that it has in
   * the collection. That saves a call and a run of the reducer where it asks for it.
   * @param {Writer} writer
   * @param {Call} call
   */
  #likely(writer, { trees, action, event, known }) {
    for (let collection = 0; collection < trees.length; collection += 1) {
      const { length } = writer;
      try {
        const id = action.payload[trees[collection].idName];
        const index = known.indexOf(id);
        const document = trees[collection].find(id, index >= 0 && known.areAscii);
        writer.byte(document === undefined ? LIKELY_ABSENT : LIKELY);
        if (index < 0) writer.value(id, DEPTH_MAX);
        else writer.knownText(known, index);
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
   * @param {number} into where the document is to go if there is room
   * @param {number} length
   * @returns {number} the length; `ABSENT`; or `BROKEN`
   */
  find(collection, id, into, length) {
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
   * Begins to give the documents whose field may have a value in one of these spans, and perhaps
   * others.
   * @param {number} collection
   * @param {number} field
   * @param {number} written
   * @returns {Scan}
   */
  scan_narrowed(collection, field, written) {
    const reader = this.#reader(written, NONE_KNOWN);
    const bound = () => (reader.byte() === 1 ? reader.value() : undefined);
    const spans = [];
    while (reader.byte() === 1) spans.push({ first: bound(), last: bound() });
    const parts = this.call.trees[collection].parts();
    const documents = narrowed(parts, this.collections[collection], field, spans);
    return { collection, documents };
  }

  /**
   * Writes the next documents of a scan.
   * @param {Scan} scan
   * @returns {number} the length, 0 after the last; or `BROKEN`
   */
  next({ collection, documents }) {
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
   * @param {Call} call
   * @param {number} changes
   */
  #applied({ state, trees, known }, changes) {
    const reader = this.#reader(changes, known);
    if (!this.isRoot) {
      reader.count();
      this.reading = reader.byte();
      const edits = this.#edits(reader);
      try {
        return trees[0].edited(edits, this.collections[0].make).state();
      } catch (error) {
        return this.#refused(error);
      }
    }
    // All are read first: a getter of a document may call the reducer, which writes others.
    /** @type {[number, import("./tree.js").Edit[]][]} */
    const edits = [];
    for (let left = reader.count(); left > 0; left -= 1) {
      const collection = reader.byte();
      edits.push([collection, this.#edits(reader)]);
    }
    try {
      const changed = edits.map(([collection, own]) => {
        this.reading = collection;
        const tree = trees[collection].edited(own, this.collections[collection].make);
        return /** @type {[number, any]} */ ([collection, tree.state()]);
      });
      return this.#whole(changed, state);
    } catch (error) {
      return this.#refused(error);
    }
  }

  /**
   * Lets it be told that the state is broken.
   * @param {unknown} error
   */
  #refused(error) {
    this.run(this.number, this.#isBroken(error));
    return undefined;
  }

  /**
   * Reads what becomes of documents.
   * @param {Reader} reader
   */
  #edits(reader) {
    const edits = [];
    for (let left = reader.count(); left > 0; left -= 1) {
      const what = reader.byte();
      const id = /** @type {import("./tree.js").Id} */ (reader.value());
      if (what === DESTROYED) {
        edits.push(edit(id, undefined));
        continue;
      }
      const count = reader.byte();
      /** @type {import("./description.js").Fields} */
      const fields = { places: new Array(count), values: new Array(count) };
      for (let index = 0; index < count; index += 1) {
        fields.places[index] = reader.byte();
        fields.values[index] = reader.value();
      }
      edits.push(edit(id, fields));
    }
    return edits;
  }

  /**
   * Opens a state to be read.
   * @param {any} state
   * @returns {number} 0, or `BROKEN`
   */
  open(state) {
    this.call = callOf(state, undefined, undefined);
    try {
      this.call.trees = this.#open(state);
      return 0;
    } catch (error) {
      return this.#isBroken(error);
    }
  }

  /** Forgets it. */
  close() {
    this.call = callOf(undefined, undefined, undefined);
  }

  /**
   * Tells the listener that the action at hand is rejected.
   * @param {number} rejection
   */
  report(rejection) {
    const reader = this.#reader(rejection, NONE_KNOWN);
    const [code, message, field] = [reader.value(), reader.value(), reader.value()];
    tell(code, message, field, this.call.action);
  }

  /** Writes what a `loaded` is about: its collection, and whether it has a list of documents. */
  loaded() {
    const { action } = this.call;
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
   * @param {number} collection
   */
  given(collection) {
    const documents = documentsOf(this.call.action.payload) ?? [];
    return new Given(collection, this.collections[collection], documents);
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
   */
  put_given(given, rows) {
    const { names } = this.collections[given.collection];
    const reader = this.#reader(rows, NONE_KNOWN);
    const value = () => reader.value();
    given.put(() => objectOf(names, names.map(value)));
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
   * Makes the state in which a collection has these documents.
   * @param {Given} given
   * @returns {number} 0, or `BROKEN`
   */
  replace({ collection, taken }) {
    const tree = Tree.of(this.collections[collection].idName, taken);
    try {
      this.replaced = this.#whole([[collection, tree.state()]]);
      return 0;
    } catch (error) {
      this.reading = -1;
      return this.#isBroken(error);
    }
  }

  /** Writes what is wrong with the state: the collection, none for the whole, and a line. */
  what_is_broken() {
    const writer = this.#borrow();
    writer.byte(this.broken.collection);
    writer.text(this.broken.reason);
    return this.#finish(writer);
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
   * @param {Known} known
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
    this.far = new Uint8Array(this.memory.buffer, this.room + FAR, this.farLength);
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

/**
 * @param {any} state
 * @param {any} action
 * @param {Type | undefined} event
 * @returns {Call}
 */
function callOf(state, action, event) {
  return { state, action, event, known: NONE_KNOWN, trees: NO_TREES };
}

const NONE_KNOWN = new Known();
/** @type {Tree[]} */
const NO_TREES = [];
const NOTHING = new Uint8Array(0);
const NOTHING_VIEW = new DataView(NOTHING.buffer);
