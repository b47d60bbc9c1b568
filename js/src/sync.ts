/** `createSync`: optimistic changes, live changes by others, and work that goes on offline. */

import type { StoreEnhancer } from "redux";
import { type Api, createApi } from "./api.ts";
import type { BackoffBounds } from "./backoff.ts";
import { CONNECTION_DEFAULTS } from "./connection.ts";
import type { Action, RecordedEvent } from "./event.ts";
import { indexedDbQueue } from "./indexed-db-queue.ts";
import { memoryQueue, type PendingQueue } from "./queue.ts";
import {
  type ListenToRefusals,
  observeNothing,
  observeRefusals,
  type Refusal,
} from "./refusals.ts";
import type { Sync } from "./store-sync.ts";
import { type AnyReducer, type SyncRule, syncReducer } from "./sync-reducer.ts";
import type { QueuedEvent, Rejection, SyncState } from "./sync-state.ts";
import { type Settings, type StoreBelow, Synchronization } from "./synchronization.ts";
import type { Timer } from "./timer.ts";

/** How to synchronise a store. `Event` is the union of the events that are dispatched. */
export interface SyncOptions<Event extends Action = Action> extends Partial<BackoffBounds> {
  /** Where the server's routes are, such as `"/api"`. */
  readonly url: string;
  /**
   * The collections that follow the server; their slices have the same keys, unless told here:
   * `{ notes: "myNotes" }`.
   */
  readonly collections: readonly string[] | Readonly<Record<string, string>>;
  /**
   * More slices that are to follow the server's order and to be taken back with a rejected event,
   * though the server has no collection for them, such as a list of the last events.
   */
  readonly slices?: readonly string[];
  /** The types of the actions that are sent. All others stay on this page. */
  readonly events: readonly Event["type"][] | ((action: Action) => boolean);
  /**
   * The `onRejected` of the wasm package: what its reducer refuses here is then not sent at all. The
   * package has one listener: hear of rejections by `onRejected` below instead.
   */
  readonly rejections?: ListenToRefusals;
  /** Hears of each rejected event, as `store.sync.onRejected` does. */
  readonly onRejected?: (rejection: Rejection, event: QueuedEvent<Event>) => void;
  /** Hears of each confirmed event, as `store.sync.onConfirmed` does. */
  readonly onConfirmed?: (event: RecordedEvent & Event) => void;
  /** Hears of errors that waiting will not cure; `console.warn` if left out. */
  readonly onError?: (error: unknown) => void;
  /**
   * Whether to connect and to send; true if left out. False where a server renders the page: the state
   * is there as it is at the start, and nothing is opened.
   */
  readonly start?: boolean;
  /** The key of the {@link SyncState} in the state; `"sync"` if left out. */
  readonly stateKey?: string;
  /** Where pending events are kept; `indexedDbQueue(url)` if left out. */
  readonly storage?: PendingQueue;
  /** Missed events beyond which the whole state is loaded instead; 1,000 if left out. */
  readonly gapMax?: number;
  /** How long one attempt or request may take; 10 s if left out. */
  readonly attemptMaxMs?: number;
  /** How long a connection must hold for the next wait to be a first one again; 10 s if left out. */
  readonly stableMs?: number;
  /** How long the connection may be silent before the server is asked; 30 s if left out. */
  readonly silenceMaxMs?: number;
  /** How long the storage may take before it counts as broken; 10 s if left out. */
  readonly storageMaxMs?: number;
  /** Used instead of the one of `url` and `fetch`. */
  readonly api?: Api;
  /** Used instead of the global ones: to add headers, or in tests. */
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: typeof globalThis.WebSocket;
  readonly timer?: Timer;
  readonly random?: () => number;
}

/**
 * Creates a store enhancer that keeps the store in step with a server: what the state shows is what
 * the server has confirmed, and the pending events of this browser run again on top of it.
 *
 * `store.dispatch` of an event applies it at once, queues it, and returns the event with two
 * promises (see {@link resultOf}). All that is known is in the state, under the key `sync`. The
 * server's events do not pass through middleware: for side effects use `store.sync.onConfirmed`.
 *
 * @throws Error if the options make no sense, or there is no WebSocket; while the store is created,
 * if it has no such slice, or the WebAssembly of its reducer is not there yet.
 *
 * Given the union of the events, as the wasm package declares it, their types are checked and known
 * wherever an event is.
 *
 * @example
 * const sync = createSync<NoteEvent>({
 *   url: "/api",
 *   collections: ["notes"],
 *   events: ["noteAdded", "noteRemoved"],
 *   rejections: onRejected, // of the wasm package
 * });
 * const store = configureStore({
 *   reducer: { notes },
 *   enhancers: (defaults) => defaults().concat(sync),
 * });
 */
export function createSync<Event extends Action = Action>(
  options: SyncOptions<Event>,
  // Not by a name of its own: configureStore reads the types only off one that is spelled out.
): StoreEnhancer<{ sync: Sync<Event> }, { sync: SyncState<Event> }> {
  const collections = collectionsOf(options);
  const { stateKey = DEFAULTS.stateKey, onError = DEFAULTS.onError, events, rejections } = options;
  const onStray = (refusal: Refusal) =>
    onError(new Error(`a reducer refused an action: ${refusal.message} (${refusal.code})`));
  const isEvent = typeof events === "function" ? events : isOneOf(events);
  const slices = [...Object.values(collections), ...(options.slices ?? [])];

  return (next) => (reducer, preloaded) => {
    const observe = rejections === undefined ? observeNothing : observeRefusals(rejections);
    const rule: SyncRule = { stateKey, slices, isEvent, observe, onStray };
    // The wrapped reducer takes what the reducer takes, and gives the state one key more.
    const wrap = (inner: unknown) => syncReducer(inner as AnyReducer, rule) as typeof reducer;
    const store = next(wrap(reducer), preloaded);
    const readState = () => (store.getState() as Record<string, unknown>)[stateKey] as SyncState;
    const below = { dispatch: store.dispatch as unknown as StoreBelow["dispatch"], readState };
    const sync = new Synchronization(below, settingsOf(options, Object.keys(collections), isEvent));
    // What is dispatched and what is heard are events of the union: the types say so, no check does.
    const typed = sync as unknown as Sync<Event>;
    if (options.onConfirmed !== undefined) typed.onConfirmed(options.onConfirmed);
    if (options.onRejected !== undefined) typed.onRejected(options.onRejected);
    if (options.start ?? true) sync.start();
    return {
      ...store,
      dispatch: sync.dispatch as unknown as typeof store.dispatch,
      replaceReducer: (inner: unknown) => store.replaceReducer(wrap(inner) as never),
      sync,
    } as never;
  };
}

const DEFAULTS = {
  ...CONNECTION_DEFAULTS,
  stateKey: "sync",
  storageMaxMs: 10_000,
} as const satisfies Partial<SyncOptions>;

function settingsOf<Event extends Action>(
  options: SyncOptions<Event>,
  collections: readonly string[],
  isEvent: (action: Action) => boolean,
): Settings {
  const { url, fetch } = options;
  return {
    ...DEFAULTS,
    WebSocket: globalThis.WebSocket,
    ...options,
    api: options.api ?? createApi({ url, ...(fetch && { fetch }) }),
    // Not opened where nothing starts: its channel would keep a server from ending.
    storage: options.storage ?? (options.start === false ? memoryQueue() : indexedDbQueue(url)),
    collections,
    isEvent,
  };
}

/** The slice of each collection. */
function collectionsOf({
  collections,
}: Pick<SyncOptions, "collections">): Readonly<Record<string, string>> {
  const entries = Array.isArray(collections)
    ? collections.map((name: string) => [name, name] as const)
    : Object.entries(collections as Readonly<Record<string, string>>);
  if (entries.length > 0) return Object.fromEntries(entries);
  throw new Error(
    'createSync needs at least one collection to follow, such as `collections: ["notes"]`.',
  );
}

function isOneOf(types: readonly string[]): (action: Action) => boolean {
  const known = new Set(types);
  return ({ type }) => known.has(type);
}
