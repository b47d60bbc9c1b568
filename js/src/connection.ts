/** The live connection: the server's state, then its events, in order, each once, into a store. */

import type { Api, Checkpoint } from "./api.ts";
import { type BackoffBounds, backoffMs } from "./backoff.ts";
import { followBrowserNetwork } from "./browser-network.ts";
import { ProblemError, UnexpectedAnswerError, UnreachableError } from "./errors.ts";
import { LOADED, type LoadedAction, type RecordedEvent } from "./event.ts";
import { readFrame } from "./frame.ts";
import { watchSilence } from "./silence.ts";
import { followSocket } from "./socket.ts";
import { systemTimer, type Timer, wait } from "./timer.ts";

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
   * The state is loaded anew where it is more than so many events behind, instead of receiving them
   * one by one; 1,000 if left out.
   */
  readonly gapMax?: number;
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
  /**
   * How long a connection may be silent before the server is asked whether it is dead; 30 s if left
   * out.
   */
  readonly silenceMaxMs?: number;
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
export function connect({ dispatch, ...options }: ConnectionOptions): Connection {
  return openConnection({
    ...options,
    load: (actions, _, isCurrent) => {
      for (const action of actions) if (isCurrent()) dispatch(action);
    },
    apply: dispatch,
  });
}

/** How to connect what is no Redux store. */
export interface OpenOptions extends Omit<ConnectionOptions, "dispatch"> {
  /** Where the state is that is there already, if it is. */
  readonly seen?: Checkpoint | undefined;
  /** Takes the whole state. `isCurrent` turns false when the connection is closed meanwhile. */
  readonly load: (
    actions: readonly LoadedAction[],
    loaded: { readonly checkpoint: Checkpoint; readonly isOtherLog: boolean },
    isCurrent: () => boolean,
  ) => void;
  /** Takes one event. */
  readonly apply?: (event: RecordedEvent) => void;
  /** Takes all events of a frame together, instead of `apply`. */
  readonly applyTogether?: (events: readonly RecordedEvent[], checkpoint: Checkpoint) => void;
}

/** Connects to the server as {@link connect} does. */
export function openConnection(options: OpenOptions): Connection {
  return new LiveConnection(options);
}

type Optional = "seen" | "apply" | "applyTogether";
type Settings = Required<Omit<OpenOptions, Optional>> & Pick<OpenOptions, Optional>;

type Defaulted =
  | keyof BackoffBounds
  | "attemptMaxMs"
  | "gapMax"
  | "onError"
  | "random"
  | "silenceMaxMs"
  | "stableMs"
  | "timer";

/** The options of a connection where they are left out. */
export const CONNECTION_DEFAULTS: Readonly<Pick<Settings, Defaulted>> = {
  onError: console.warn,
  gapMax: 1_000,
  backoffFirstMs: 500,
  backoffMaxMs: 30_000,
  attemptMaxMs: 10_000,
  stableMs: 10_000,
  silenceMaxMs: 30_000,
  timer: systemTimer,
  random: Math.random,
};

/** One attempt to follow the events. */
interface Attempt {
  readonly signal: AbortSignal;
  /** Ends it. */
  readonly end: () => void;
  /** Says that it is not late any more. */
  readonly cancelLimit: () => void;
}

class LiveConnection implements Connection {
  readonly #settings: Settings;
  readonly #socketUrl: string;
  /** Fires at `close`; whatever is under way hears of it. */
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  #status: ConnectionStatus = "connecting";
  /** The last event that was dispatched. */
  #seen: Checkpoint | undefined;
  /** Whether the server's log is another one than what was seen. */
  #isOtherLog = false;
  /** Attempts that ended since the connection was last stable; decides how long to wait. */
  #failures = 0;
  /** Ends what is under way, be it an attempt or a wait: the browser's network has changed. */
  #networkChange = new AbortController();

  constructor(options: OpenOptions) {
    this.#settings = { WebSocket: globalThis.WebSocket, ...CONNECTION_DEFAULTS, ...options };
    this.#seen = options.seen;
    assertWebSocket(this.#settings.WebSocket);
    this.#socketUrl = urlOfSocket(options.api.url);
    followBrowserNetwork((isOnline) => this.#onNetwork(isOnline), this.#closing.signal);
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
      this.#networkChange = new AbortController();
      await wait(timer, delayMs, this.#untilNetworkChange());
    }
  }

  /** Ends a connection that the browser knows to be gone, and a wait that is not needed any more. */
  #onNetwork(isOnline: boolean): void {
    if (isOnline) this.#failures = 0;
    if (isOnline === (this.#status === "offline")) this.#networkChange.abort();
  }

  #untilNetworkChange(): AbortSignal {
    return AbortSignal.any([this.#closing.signal, this.#networkChange.signal]);
  }

  /** Brings the state up to date, then follows the events until the connection ends. */
  async #attempt(): Promise<void> {
    const { timer, attemptMaxMs, onError } = this.#settings;
    const ending = new AbortController();
    this.#networkChange = new AbortController();
    const signal = AbortSignal.any([this.#untilNetworkChange(), ending.signal]);
    const end = () => ending.abort();
    const cancelLimit = timer(end, attemptMaxMs);
    try {
      await this.#follow(await this.#catchUp(signal), { signal, end, cancelLimit });
    } catch (error) {
      if (!signal.aborted && !mayPass(error)) onError(error);
    } finally {
      cancelLimit();
      end();
    }
  }

  /** Returns the place to resume from; loads the collections if there is none that holds. */
  async #catchUp(signal: AbortSignal): Promise<Checkpoint> {
    if (this.#seen !== undefined && !(await this.#isWithinReach(this.#seen, signal))) {
      this.#seen = undefined;
    }
    this.#seen ??= await this.#load(signal);
    return this.#seen;
  }

  /**
   * Whether the place is in the server's log, and not far behind. Asks by a request of its own: a
   * refused WebSocket does not say why.
   */
  async #isWithinReach({ position, eventId }: Checkpoint, signal: AbortSignal): Promise<boolean> {
    const { api, gapMax } = this.#settings;
    const place = { after: position, ...(eventId !== null && { afterId: eventId }) };
    try {
      const log = await api.listEvents({ ...place, limit: 1 }, { signal });
      return log.position - position <= gapMax;
    } catch (error) {
      const isOther = error instanceof ProblemError && OF_ANOTHER_LOG.includes(error.code);
      if (!isOther) throw error;
      this.#isOtherLog = true;
      return false;
    }
  }

  async #load(signal: AbortSignal): Promise<Checkpoint> {
    const { api, collections: names, load } = this.#settings;
    const { position, eventId, collections } = await api.loadCollections<Record<string, unknown>>(
      names,
      {
        signal,
      },
    );
    signal.throwIfAborted();
    const actions = names.map((collection): LoadedAction => {
      const documents = collections[collection] ?? [];
      return { type: LOADED, payload: { collection, position, documents } };
    });
    const checkpoint = { position, eventId };
    const isOtherLog = this.#isOtherLog;
    load(actions, { checkpoint, isOtherLog }, () => !this.#closing.signal.aborted);
    signal.throwIfAborted();
    this.#isOtherLog = false;
    return checkpoint;
  }

  async #follow(after: Checkpoint, { signal, end, cancelLimit }: Attempt): Promise<void> {
    const { WebSocket, timer, stableMs } = this.#settings;
    signal.throwIfAborted();
    let cancelStable = () => {};
    let onHeard = () => {};
    const position = () => this.#seen?.position ?? 0;
    const onOpen = () => {
      onHeard = watchSilence({ ...this.#settings, position, signal, onDead: end });
      cancelLimit();
      cancelStable = timer(() => {
        this.#failures = 0;
      }, stableMs);
      this.#setStatus("live");
    };
    const onFrame = (data: unknown) => {
      onHeard();
      this.#apply(readFrame(data));
    };
    const afterId = after.eventId === null ? "" : `&afterId=${after.eventId}`;
    const url = `${this.#socketUrl}?after=${after.position}${afterId}`;
    await followSocket({ WebSocket, url, signal, onOpen, onFrame }).finally(() => cancelStable());
  }

  #apply(events: readonly RecordedEvent[]): void {
    const { apply, applyTogether } = this.#settings;
    if (this.#seen === undefined) return;
    const { events: next, gap } = nextOf(events, this.#seen.position);
    const last = next.at(-1);
    if (last !== undefined && applyTogether !== undefined) {
      const checkpoint = checkpointAt(last);
      this.#advance(() => applyTogether(next, checkpoint), checkpoint);
    }
    if (apply !== undefined) {
      for (const event of next) this.#advance(() => apply(event), checkpointAt(event));
    }
    if (gap !== undefined) throw gap;
  }

  /** Applies, then counts it; or forgets the position: after an error nobody knows the state. */
  #advance(apply: () => void, checkpoint: Checkpoint): void {
    if (this.#closing.signal.aborted) return;
    try {
      apply();
      this.#seen = checkpoint;
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

function checkpointAt({ position, id }: RecordedEvent): Checkpoint {
  return { position, eventId: id };
}

/** Of what came, the events that follow after a position without a gap; and the gap, if any. */
function nextOf(
  events: readonly RecordedEvent[],
  after: number,
): { readonly events: readonly RecordedEvent[]; readonly gap?: Error } {
  const next: RecordedEvent[] = [];
  for (const event of events) {
    const position = after + next.length;
    if (event.position <= position) continue;
    if (event.position > position + 1) {
      const gap = new Error(
        `expected the event at position ${position + 1} from the server, got ${event.position}; the connection resumes after ${position}.`,
      );
      return { events: next, gap };
    }
    next.push(event);
  }
  return { events: next };
}

/** What the server answers where its log has not what was seen of it. */
const OF_ANOTHER_LOG: readonly string[] = ["position_ahead", "log_replaced"];

/** The answers of a server, or of a proxy before it, that is not there at the moment. */
const UNAVAILABLE: readonly number[] = [502, 503, 504];

/** Whether waiting is all that it takes: a server that is not there at the moment. */
export function mayPass(error: unknown): boolean {
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
