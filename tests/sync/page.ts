/** A page: a Redux store with the reducer in WebAssembly and the synchronisation, on a line of its own. */

import {
  createSync,
  type Dispatched,
  indexedDbQueue,
  type PendingQueue,
  type RecordedEvent,
  resultOf,
  type SyncState,
  type Withdrawal,
} from "@flux-capacitor/client";
import type { IDBFactory } from "fake-indexeddb";
import { combineReducers, legacy_createStore } from "redux";
import { WebSocket } from "ws";
import {
  type NoteEvent,
  type NotesState,
  notes,
  onRejected,
} from "../../examples/notes/wasm/pkg-web/notes_wasm.js";
import type { SimulatedChannels, SimulatedLocks } from "../../js/test/simulation/browser.ts";
import { endingQueue } from "../../js/test/simulation/ending-queue.ts";
import type { Line } from "./line.ts";

/** What the pages of one browser share. Locks and channels are ours: Node.js has none. */
export interface Browser {
  readonly indexedDB: IDBFactory;
  readonly locks: SimulatedLocks;
  readonly channels: SimulatedChannels;
  /** Ids of events that are in the storage, and must not be lost. */
  readonly stored: Set<string>;
}

export interface State {
  readonly notes: NotesState;
  readonly sync: SyncState<NoteEvent>;
}

/** The queue of a browser, as one of its pages has it until `ended` fires. */
export function queueOf(browser: Browser, ended: AbortSignal): PendingQueue {
  return indexedDbQueue("notes", {
    indexedDB: browser.indexedDB,
    locks: browser.locks.of(ended),
    BroadcastChannel: browser.channels.of(ended),
  });
}

export class Page {
  readonly line: Line;
  readonly dispatched: Dispatched[] = [];
  readonly confirmed: RecordedEvent[] = [];
  readonly withdrawn: Withdrawal[] = [];
  readonly errors: unknown[] = [];
  readonly #end = new AbortController();
  readonly #store: ReturnType<typeof createStore>;

  constructor(browser: Browser, line: Line) {
    this.line = line;
    this.#store = createStore(browser, this);
  }

  /** Fires when the page is gone. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  get state(): State {
    return this.#store.getState();
  }

  dispatch(event: NoteEvent): void {
    this.dispatched.push(resultOf(this.#store.dispatch(event)));
  }

  /** Takes one of the events back that are pending, of whichever tab. */
  withdraw(which: number): void {
    const { pending } = this.state.sync;
    const event = pending[which % Math.max(1, pending.length)];
    if (event === undefined) return;
    const keep = (withdrawal: Withdrawal | null) => {
      if (withdrawal !== null) this.withdrawn.push(withdrawal);
    };
    this.#store.sync.withdraw(event.id).then(keep, (error) => this.errors.push(error));
  }

  /** Ends it in the middle of whatever it does: nothing is closed properly. */
  kill(): void {
    this.#end.abort();
    this.line.close();
    // What waits for a signal is kept in memory until that fires.
    this.#store.sync.close();
  }
}

/** Missed events beyond which a snapshot is loaded: few, so that it happens. */
const GAP_MAX = 5;

function createStore(browser: Browser, page: Page) {
  const sync = createSync<NoteEvent>({
    url: `http://127.0.0.1:${page.line.port}/api`,
    collections: ["notes"],
    events: ["noteAdded", "noteTitleEdited", "noteContentEdited", "noteRemoved"],
    rejections: onRejected,
    storage: endingQueue(queueOf(browser, page.ended), page.ended, (id) => browser.stored.add(id)),
    fetch: (...request) =>
      page.ended.aborted ? new Promise(() => {}) : globalThis.fetch(...request),
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    onConfirmed: (event) => page.confirmed.push(event),
    onError: (error) => page.errors.push(error),
    gapMax: GAP_MAX,
    backoffFirstMs: 4,
    backoffMaxMs: 50,
    attemptMaxMs: 500,
    silenceMaxMs: 200,
  });
  return legacy_createStore(combineReducers({ notes }), sync);
}
