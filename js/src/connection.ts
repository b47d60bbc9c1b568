/** The live connection: the server's state, then its events, in order, each once, into a store. */

import type { Api } from "./api.ts";
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
 * state is loaded anew, as it is should the server's log turn out shorter than what was seen of it.
 *
 * @throws Error if there is no WebSocket, or the API's URL is relative and there is no page.
 *
 * @example
 * const api = createApi({ url: "/api" });
 * const connection = connect({ api, collections: ["notes"], dispatch: store.dispatch });
 */
export function connect(options: ConnectionOptions): Connection {
  const { api, collections, dispatch, onError = console.warn } = options;
  const { timer = systemTimer, random = Math.random, WebSocket = globalThis.WebSocket } = options;
  const { backoffFirstMs = 500, backoffMaxMs = 30_000 } = options;
  const { attemptMaxMs = 10_000, stableMs = 10_000 } = options;
  assertWebSocket(WebSocket);
  const socketUrl = urlOfSocket(api.url);

  const closing = new AbortController();
  const listeners = new Set<(status: ConnectionStatus) => void>();
  let status: ConnectionStatus = "connecting";
  let position: number | undefined;
  let failures = 0;

  const setStatus = (next: ConnectionStatus) => {
    if (next === status || status === "closed") return;
    status = next;
    for (const listener of listeners) {
      try {
        listener(next);
      } catch (error) {
        onError(error);
      }
    }
  };

  /** Dispatches, or forgets the position: after an error nobody knows what the state is. */
  const dispatchSafely = (action: LoadedAction | RecordedEvent) => {
    try {
      dispatch(action);
    } catch (error) {
      position = undefined;
      throw error;
    }
  };

  const load = async (signal: AbortSignal): Promise<number> => {
    const answer = await api.loadCollections<Record<string, unknown>>(collections, { signal });
    for (const collection of collections) {
      signal.throwIfAborted();
      const documents = answer.collections[collection] ?? [];
      const payload = { collection, position: answer.position, documents };
      dispatchSafely({ type: LOADED, payload });
    }
    return answer.position;
  };

  const apply = (events: readonly RecordedEvent[]) => {
    for (const event of events) {
      if (closing.signal.aborted || position === undefined) return;
      if (event.position <= position) continue;
      if (event.position > position + 1) {
        throw new Error(
          `expected the event at position ${position + 1} from the server, got ${event.position}; the connection resumes after ${position}.`,
        );
      }
      dispatchSafely(event);
      position = event.position;
    }
  };

  /** Brings the state up to date, then follows the events until the connection ends. */
  const attempt = async () => {
    const late = new AbortController();
    const signal = AbortSignal.any([closing.signal, late.signal]);
    const cancels = [timer(() => late.abort(), attemptMaxMs)];
    try {
      if (position !== undefined && (await api.readPosition({ signal })) < position) {
        position = undefined;
      }
      position ??= await load(signal);
      signal.throwIfAborted();
      await followSocket({
        WebSocket,
        url: `${socketUrl}?after=${position}`,
        signal,
        onOpen: () => {
          for (const cancel of cancels) cancel();
          cancels.push(
            timer(() => {
              failures = 0;
            }, stableMs),
          );
          setStatus("live");
        },
        onFrame: (data) => apply(readFrame(data)),
      });
    } catch (error) {
      if (!signal.aborted && !mayPass(error)) onError(error);
    } finally {
      for (const cancel of cancels) cancel();
    }
  };

  const run = async () => {
    while (!closing.signal.aborted) {
      setStatus("connecting");
      await attempt();
      setStatus("offline");
      failures += 1;
      const delayMs = backoffMs(failures, { backoffFirstMs, backoffMaxMs }, random());
      await wait(timer, delayMs, closing.signal);
    }
  };
  void run();

  return {
    get status() {
      return status;
    },
    get position() {
      return position;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      setStatus("closed");
      closing.abort();
    },
  };
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
