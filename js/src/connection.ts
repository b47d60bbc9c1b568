/** The live connection: the server's state, then its events, in order, each once, into a store. */

import type { Api, Checkpoint } from "./api.ts";
import { type BackoffBounds, backoffMs } from "./backoff.ts";
import { ProblemError, UnexpectedAnswerError, UnreachableError } from "./errors.ts";
import { LOADED, type LoadedAction, type RecordedEvent } from "./event.ts";
import { readFrame } from "./frame.ts";
import { followSocket } from "./socket.ts";
import { systemTimer, type Timer } from "./timer.ts";

/**
 * `connecting` while an attempt is under way, `live` while events flow, `offline` between attempts,
 * `closed` after {@link Connection.close}.
 */
export type ConnectionStatus = "connecting" | "live" | "offline" | "closed";

/** How to connect. */
export interface ConnectionOptions extends Partial<BackoffBounds> {
  readonly api: Api;
  /** The collections to load before the events are followed. */
  readonly collections: readonly string[];
  /** A Redux store's `dispatch`. Gets one {@link LoadedAction} a collection, then recorded events. */
  readonly dispatch: (action: LoadedAction | RecordedEvent) => unknown;
  /**
   * Hears of errors that waiting will not cure, such as an unknown collection or what `dispatch`
   * throws; `console.warn` if left out. The connection goes on trying. That a server cannot be
   * reached is a status, not an error.
   */
  readonly onError?: (error: unknown) => void;
  /** How long one attempt may take until events flow; 10 s if left out. */
  readonly attemptMaxMs?: number;
  /** How long a connection must hold for the next wait to be a first one again; 10 s if left out. */
  readonly stableMs?: number;
  /** Used instead of `globalThis.WebSocket`. */
  readonly WebSocket?: typeof globalThis.WebSocket;
  /** Used instead of `setTimeout`. */
  readonly timer?: Timer;
  /** Used instead of `Math.random`. */
  readonly random?: () => number;
}

/** A connection, which mends itself until it is closed. */
export interface Connection {
  readonly status: ConnectionStatus;
  /** The position of the last event that was dispatched; `undefined` until the state is loaded. */
  readonly position: number | undefined;
  /** Calls back on each change of status; returns the way to stop. Fits `useSyncExternalStore`. */
  subscribe(listener: (status: ConnectionStatus) => void): () => void;
  /** Ends the connection for good. Nothing is dispatched afterwards. */
  close(): void;
}

/**
 * Connects a store to the server: loads the collections as of one position, then follows the events
 * after it. A lost connection is tried again with growing, random waits and resumes by position. An
 * event is dispatched once, and its position counts only after that. Should `dispatch` throw, the
 * state is loaded anew, as it is should the server's log turn out to be another than what was seen.
 *
 * @throws Error if there is no WebSocket, or the API's URL is relative and there is no page.
 *
 * @example
 * const api = createApi({ url: "/api" });
 * const connection = connect({ api, collections: ["notes"], dispatch: store.dispatch });
 */
export function connect(options: ConnectionOptions): Connection {
  return new LiveConnection(options);
}

type Settings = Required<ConnectionOptions>;

const DEFAULTS = {
  onError: console.warn,
  backoffFirstMs: 500,
  backoffMaxMs: 30_000,
  attemptMaxMs: 10_000,
  stableMs: 10_000,
  timer: systemTimer,
  random: Math.random,
} as const satisfies Partial<Settings>;

class LiveConnection implements Connection {
  readonly #settings: Settings;
  readonly #socketUrl: string;
  /** Fires at `close`; whatever is under way hears of it. */
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  #status: ConnectionStatus = "connecting";
  /** The last event that was dispatched. */
  #seen: Checkpoint | undefined;
  /** Attempts that ended since the connection was last stable; decides how long to wait. */
  #failures = 0;

  constructor(options: ConnectionOptions) {
    this.#settings = { WebSocket: globalThis.WebSocket, ...DEFAULTS, ...options };
    assertWebSocket(this.#settings.WebSocket);
    this.#socketUrl = urlOfSocket(options.api.url);
    void this.#run();
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  get position(): number | undefined {
    return this.#seen?.position;
  }

  readonly subscribe = (listener: (status: ConnectionStatus) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  close(): void {
    this.#setStatus("closed");
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { timer, random } = this.#settings;
    while (!this.#closing.signal.aborted) {
      this.#setStatus("connecting");
      await this.#attempt();
      this.#setStatus("offline");
      this.#failures += 1;
      const delayMs = backoffMs(this.#failures, this.#settings, random());
      await wait(timer, delayMs, this.#closing.signal);
    }
  }

  /** Brings the state up to date, then follows the events until the connection ends. */
  async #attempt(): Promise<void> {
    const { timer, attemptMaxMs, onError } = this.#settings;
    const late = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, late.signal]);
    const cancelLimit = timer(() => late.abort(), attemptMaxMs);
    try {
      await this.#follow(await this.#catchUp(signal), signal, cancelLimit);
    } catch (error) {
      if (!signal.aborted && !mayPass(error)) onError(error);
    } finally {
      cancelLimit();
    }
  }

  /** Returns the place to resume from; loads the collections if there is none that holds. */
  async #catchUp(signal: AbortSignal): Promise<Checkpoint> {
    if (this.#seen !== undefined && !(await this.#isInLog(this.#seen, signal))) {
      this.#seen = undefined;
    }
    this.#seen ??= await this.#load(signal);
    return this.#seen;
  }

  /** Asks by a request of its own: a refused WebSocket does not say why. */
  async #isInLog({ position, eventId }: Checkpoint, signal: AbortSignal): Promise<boolean> {
    const place = { after: position, ...(eventId !== null && { afterId: eventId }) };
    try {
      await this.#settings.api.listEvents({ ...place, limit: 1 }, { signal });
      return true;
    } catch (error) {
      if (error instanceof ProblemError && OF_ANOTHER_LOG.includes(error.code)) return false;
      throw error;
    }
  }

  async #load(signal: AbortSignal): Promise<Checkpoint> {
    const { api, collections: names } = this.#settings;
    const { position, eventId, collections } = await api.loadCollections<Record<string, unknown>>(
      names,
      {
        signal,
      },
    );
    for (const collection of names) {
      signal.throwIfAborted();
      const documents = collections[collection] ?? [];
      this.#dispatch({ type: LOADED, payload: { collection, position, documents } });
    }
    return { position, eventId };
  }

  async #follow(after: Checkpoint, signal: AbortSignal, cancelLimit: () => void): Promise<void> {
    const { WebSocket, timer, stableMs } = this.#settings;
    signal.throwIfAborted();
    let cancelStable = () => {};
    const onOpen = () => {
      cancelLimit();
      cancelStable = timer(() => {
        this.#failures = 0;
      }, stableMs);
      this.#setStatus("live");
    };
    const onFrame = (data: unknown) => this.#apply(readFrame(data));
    const afterId = after.eventId === null ? "" : `&afterId=${after.eventId}`;
    const url = `${this.#socketUrl}?after=${after.position}${afterId}`;
    await followSocket({ WebSocket, url, signal, onOpen, onFrame }).finally(() => cancelStable());
  }

  #apply(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      if (this.#closing.signal.aborted || this.#seen === undefined) return;
      const { position } = this.#seen;
      if (event.position <= position) continue;
      if (event.position > position + 1) {
        throw new Error(
          `expected the event at position ${position + 1} from the server, got ${event.position}; the connection resumes after ${position}.`,
        );
      }
      this.#dispatch(event);
      this.#seen = { position: event.position, eventId: event.id };
    }
  }

  /** Dispatches, or forgets the position: after an error nobody knows what the state is. */
  #dispatch(action: LoadedAction | RecordedEvent): void {
    try {
      this.#settings.dispatch(action);
    } catch (error) {
      this.#seen = undefined;
      throw error;
    }
  }

  #setStatus(next: ConnectionStatus): void {
    if (next === this.#status || this.#status === "closed") return;
    this.#status = next;
    for (const listener of this.#listeners) {
      try {
        listener(next);
      } catch (error) {
        this.#settings.onError(error);
      }
    }
  }
}

/** Waits; no longer than until `signal` fires. */
function wait(timer: Timer, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = timer(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    const onAbort = () => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", onAbort);
  });
}

/** What the server answers where its log has not what was seen of it. */
const OF_ANOTHER_LOG: readonly string[] = ["position_ahead", "log_replaced"];

/** The answers of a server, or of a proxy before it, that is not there at the moment. */
const UNAVAILABLE: readonly number[] = [502, 503, 504];

function mayPass(error: unknown): boolean {
  if (error instanceof UnreachableError) return true;
  const answered = error instanceof ProblemError || error instanceof UnexpectedAnswerError;
  return answered && UNAVAILABLE.includes(error.status);
}

function assertWebSocket(WebSocket: unknown): void {
  if (typeof WebSocket === "function") return;
  throw new Error(
    "connect needs a WebSocket, and there is no global one (Node has it from version 22 on); pass one as `connect({ WebSocket, .. })`, such as the one of the package `ws`.",
  );
}

function urlOfSocket(apiUrl: string): string {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    const url = new URL(`${apiUrl.replace(/\/+$/, "")}/websocket`, page);
    url.protocol = url.protocol.replace("http", "ws");
    return url.href;
  } catch (cause) {
    throw new Error(
      `connect expected an API with a URL that leads to a server, got "${apiUrl}"; outside of a page it must be absolute, such as "http://127.0.0.1:4000/api".`,
      { cause },
    );
  }
}
