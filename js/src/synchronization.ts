/** Keeps one store in step with the server: the connection, the queue and the sender together. */

import type { Api } from "./api.ts";
import type { BackoffBounds } from "./backoff.ts";
import { type Connection, openConnection } from "./connection.ts";
import { type Dispatched, Ticket } from "./dispatched.ts";
import { RejectedError } from "./errors.ts";
import { type Action, isRecordedEvent, type RecordedEvent } from "./event.ts";
import { FallbackQueue } from "./fallback-queue.ts";
import { createId } from "./id.ts";
import type { Outcome, PendingQueue } from "./queue.ts";
import { Sender } from "./sender.ts";
import { LIBRARY_PREFIX, type SyncAction } from "./sync-action.ts";
import type { PendingEvent, QueuedEvent, Rejection, SyncState } from "./sync-state.ts";
import type { Timer } from "./timer.ts";

/** Ids of confirmed events that are remembered, to know them if the queue still has them. */
const CONFIRMED_IDS_MAX = 1_000;

/** How often the queue is read although nobody said that it changed: a tab may have been frozen. */
export const POLL_MS = 5_000;

/** What is so at the start, whatever a stored state says. */
const BEGINNING = { connection: "connecting", storage: "opening" } as const;

/** What a synchronisation needs; `SyncOptions` explains them. */
export interface Settings extends BackoffBounds {
  readonly api: Api;
  readonly collections: readonly string[];
  readonly isEvent: (action: Action) => boolean;
  readonly storage: PendingQueue;
  readonly onError: (error: unknown) => void;
  readonly gapMax: number;
  readonly attemptMaxMs: number;
  readonly stableMs: number;
  readonly silenceMaxMs: number;
  readonly storageMaxMs: number;
  readonly WebSocket: typeof globalThis.WebSocket;
  readonly timer: Timer;
  readonly random: () => number;
}

/** The store below: its reducer is the synchronisation's, its `dispatch` gives no ids. */
export interface StoreBelow {
  readonly dispatch: (action: Action) => unknown;
  readonly readState: () => SyncState;
}

/** The synchronisation of a store, as `store.sync`. */
export interface Sync<Event extends Action = Action> {
  /**
   * Calls back with each event that the server has recorded, after it is in the state: the place for
   * side effects. Each event is told once to a page, own ones as well; events that a snapshot covers
   * are not told. Returns the way to stop.
   */
  onConfirmed(listener: (event: RecordedEvent & Event) => void): () => void;
  /**
   * Calls back with each rejection of a pending or dispatched event, and with the event, which is in
   * the state no more: what a user wrote can be offered again. Returns the way to stop.
   */
  onRejected(listener: (rejection: Rejection, event: QueuedEvent<Event>) => void): () => void;
  /** Ends it for good. What is pending stays in the queue, and is sent when the page comes back. */
  close(): void;
}

export class Synchronization implements Sync {
  readonly #store: StoreBelow;
  readonly #settings: Settings;
  readonly #queue: FallbackQueue;
  readonly #sender: Sender;
  readonly #closing = new AbortController();
  readonly #confirmedListeners = new Set<(event: RecordedEvent) => void>();
  readonly #rejectedListeners = new Set<(rejection: Rejection, event: QueuedEvent) => void>();
  /** The events that were dispatched here and are not settled. */
  readonly #tickets = new Map<string, Ticket>();
  /** Ids that are known to be in the queue. */
  readonly #stored = new Set<string>();
  /** Positions of the last confirmed events by id. */
  readonly #confirmed = new Map<string, number>();
  /** The last of the works on the queue, which run one after the other. */
  #lastWork: Promise<unknown> = Promise.resolve();
  #willRead = false;
  #cancelPoll = () => {};
  #connection: Connection | undefined;

  constructor(store: StoreBelow, settings: Settings) {
    this.#store = store;
    this.#settings = settings;
    const { timer, storageMaxMs, onError } = settings;
    this.#queue = new FallbackQueue(settings.storage, {
      timer,
      storageMaxMs,
      onFallback: (error) => {
        this.#tell({ type: "@@flux-capacitor/status", payload: { storage: "memory" } });
        onError(error);
      },
    });
    this.#sender = new Sender({
      ...settings,
      read: () => this.#inTurn(() => this.#toSend()),
      onSent: (events) => this.#markSent(events),
      settle: (outcomes) => this.#inTurn(() => this.#queue.settle(outcomes)),
      signal: this.#closing.signal,
    });
  }

  /** Begins to receive and to send. */
  start(): void {
    const { pending, position, eventId, connection, storage } = this.#store.readState();
    if (connection !== BEGINNING.connection || storage !== BEGINNING.storage) {
      this.#tell({ type: "@@flux-capacitor/status", payload: BEGINNING });
    }
    const restored = pending.filter(({ status }) => status !== "accepted").map(toQueued);
    if (restored.length > 0) void this.#inTurn(() => this.#queue.append(restored));
    this.#queue.subscribe(() => {
      this.#sender.notify();
      this.#read();
    });
    this.#read();
    this.#poll();
    const { signal } = this.#closing;
    this.#queue
      .lead(signal)
      .then(() => this.#sender.run())
      .catch(this.#settings.onError);
    this.#connect(position === null ? undefined : { position, eventId });
  }

  /** Dispatches as a Redux store does; an event gets an id, and promises. */
  readonly dispatch = (action: Action): unknown => {
    if (!this.#isLocalEvent(action)) return this.#store.dispatch(action);
    if (this.#closing.signal.aborted) throw closed(action);
    const event = toEvent(action);
    const known = this.#tickets.get(event.id);
    if (known !== undefined) return known.result;
    try {
      this.#store.dispatch(event);
    } catch (error) {
      // A subscriber may have thrown, after the event was applied.
      if (this.#isPending(event)) this.#enqueue(event, Promise.resolve());
      throw error;
    }
    const { lastRejection } = this.#store.readState();
    if (lastRejection?.id === event.id && lastRejection.by === "reducer") {
      return this.#refuse(event, lastRejection);
    }
    return this.#enqueue(event, Promise.resolve());
  };

  onConfirmed(listener: (event: RecordedEvent) => void): () => void {
    this.#confirmedListeners.add(listener);
    return () => void this.#confirmedListeners.delete(listener);
  }

  onRejected(listener: (rejection: Rejection, event: QueuedEvent) => void): () => void {
    this.#rejectedListeners.add(listener);
    return () => void this.#rejectedListeners.delete(listener);
  }

  close(): void {
    this.#closing.abort();
    this.#cancelPoll();
    this.#connection?.close();
    // What was dispatched before is stored first.
    void this.#inTurn(async () => this.#queue.close());
  }

  #isLocalEvent(action: Action): boolean {
    if (typeof action?.type !== "string" || action.type.startsWith(LIBRARY_PREFIX)) return false;
    return this.#settings.isEvent(action) && !isRecordedEvent(action);
  }

  #isPending({ id }: QueuedEvent): boolean {
    return this.#store.readState().pending.some((pending) => pending.id === id);
  }

  #refuse(event: QueuedEvent, rejection: Rejection): Dispatched {
    const error = new RejectedError(rejection);
    const ticket = new Ticket(event, Promise.reject(error));
    ticket.reject(error);
    this.#call(this.#rejectedListeners, rejection, event);
    return ticket.result;
  }

  #enqueue(event: QueuedEvent, applied: Promise<void>): Dispatched {
    const ticket = new Ticket(event, applied);
    this.#tickets.set(event.id, ticket);
    void this.#inTurn(async () => {
      await this.#queue.append([event]);
      this.#stored.add(event.id);
    });
    return ticket.result;
  }

  #connect(seen: { readonly position: number; readonly eventId: string | null } | undefined): void {
    this.#connection = openConnection({
      ...this.#settings,
      seen,
      load: (loaded, { checkpoint, isOtherLog }) => {
        this.#receive({ loaded, events: [], checkpoint, isOtherLog });
      },
      applyTogether: (events, checkpoint) => {
        this.#receive({ loaded: [], events, checkpoint, isOtherLog: false });
        for (const event of events) this.#confirm(event);
      },
    });
    const { subscribe } = this.#connection;
    subscribe((connection) => {
      this.#tell({ type: "@@flux-capacitor/status", payload: { connection } });
      if (connection === "live") this.#sender.retry();
    });
  }

  /** Applies what the server says. Throws where that was not possible. */
  #receive(payload: Extract<SyncAction, { type: "@@flux-capacitor/received" }>["payload"]): void {
    const before = this.#store.readState();
    try {
      this.#store.dispatch({ type: "@@flux-capacitor/received", payload });
    } catch (error) {
      // A subscriber may have thrown, after the state was changed.
      if (this.#store.readState() === before) throw error;
      this.#settings.onError(error);
    }
  }

  #confirm(event: RecordedEvent): void {
    const { id, position } = event;
    this.#confirmed.delete(id);
    this.#confirmed.set(id, position);
    for (const oldest of this.#confirmed.keys()) {
      if (this.#confirmed.size <= CONFIRMED_IDS_MAX) break;
      this.#confirmed.delete(oldest);
    }
    this.#settle({ id, acceptedAt: position });
    this.#call(this.#confirmedListeners, event);
  }

  #markSent(events: readonly QueuedEvent[]): void {
    this.#tell({ type: "@@flux-capacitor/sent", payload: { ids: events.map(({ id }) => id) } });
  }

  /** What waits for an answer. Of what is confirmed the answer is known, though it may be lost. */
  async #toSend(): Promise<readonly QueuedEvent[]> {
    const { waiting } = await this.#queue.read([]);
    const answered = waiting.flatMap(({ id }) => {
      const acceptedAt = this.#confirmed.get(id);
      return acceptedAt === undefined ? [] : [{ id, acceptedAt }];
    });
    if (answered.length > 0) await this.#queue.settle(answered);
    return waiting.filter(({ id }) => !this.#confirmed.has(id));
  }

  /** Reads the queue soon, once for all who ask meanwhile. */
  #read(): void {
    if (this.#willRead) return;
    this.#willRead = true;
    void this.#inTurn(async () => {
      this.#willRead = false;
      await this.#readQueue();
    });
  }

  /** What other tabs say of the queue is a hint; what is in it is the truth. */
  #poll(): void {
    if (this.#queue.kind === "memory") return;
    this.#cancelPoll = this.#settings.timer(() => {
      this.#sender.notify();
      this.#read();
      this.#poll();
    }, POLL_MS);
  }

  /** Brings the state up to date with the queue: its order, and what became of the events. */
  async #readQueue(): Promise<void> {
    const asked = new Set(this.#tickets.keys());
    for (const { id, status } of this.#store.readState().pending) {
      if (status !== "accepted") asked.add(id);
    }
    const { waiting, outcomes } = await this.#queue.read([...asked]);
    if (this.#closing.signal.aborted) return;
    await this.#putBack(waiting, outcomes);
    const notConfirmed = waiting.filter(({ id }) => !this.#confirmed.has(id));
    for (const { id } of notConfirmed) this.#stored.add(id);
    const accepted = outcomes.filter((outcome) => "acceptedAt" in outcome);
    const rejected = outcomes.flatMap((it) => ("rejection" in it ? [it.rejection] : []));
    const pending = new Map(this.#store.readState().pending.map((event) => [event.id, event]));
    const payload = { waiting: notConfirmed, accepted, rejected };
    this.#tell({ type: "@@flux-capacitor/queueRead", payload });
    this.#tellStorage();
    for (const outcome of outcomes) this.#settle(outcome);
    for (const rejection of rejected) {
      const event = pending.get(rejection.id);
      if (event !== undefined) this.#call(this.#rejectedListeners, rejection, toQueued(event));
    }
  }

  /** What was in the queue and is neither there nor settled: somebody has emptied the storage. */
  async #putBack(waiting: readonly QueuedEvent[], outcomes: readonly Outcome[]): Promise<void> {
    const known = new Set([...waiting, ...outcomes].map(({ id }) => id));
    const lost = this.#store.readState().pending.filter(({ id, status }) => {
      return status !== "accepted" && this.#stored.has(id) && !known.has(id);
    });
    if (lost.length > 0) await this.#queue.append(lost.map(toQueued));
  }

  #settle(outcome: Outcome): void {
    const { id } = outcome;
    this.#stored.delete(id);
    const ticket = this.#tickets.get(id);
    this.#tickets.delete(id);
    if ("acceptedAt" in outcome) ticket?.resolve({ id, position: outcome.acceptedAt });
    else ticket?.reject(new RejectedError(outcome.rejection));
  }

  #tellStorage(): void {
    const storage = this.#queue.kind;
    if (this.#store.readState().storage === storage) return;
    this.#tell({ type: "@@flux-capacitor/status", payload: { storage } });
  }

  /** Changes the state. That a subscriber throws must not end what is under way. */
  #tell(action: SyncAction): void {
    try {
      this.#store.dispatch(action);
    } catch (error) {
      this.#settings.onError(error);
    }
  }

  #call<Values extends readonly unknown[]>(
    listeners: ReadonlySet<(...values: Values) => void>,
    ...values: Values
  ): void {
    for (const listener of [...listeners]) {
      try {
        listener(...values);
      } catch (error) {
        this.#settings.onError(error);
      }
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lastWork.then(work);
    this.#lastWork = result.catch(this.#settings.onError);
    return result;
  }
}

function toQueued({ status, acceptedAt, ...event }: PendingEvent): QueuedEvent {
  return event;
}

function closed({ type }: Action): Error {
  return new Error(
    `the event "${type}" was dispatched after \`store.sync.close()\`, and is not applied: nobody would send it.`,
  );
}

/** The event as the server will read it: as JSON, with an id, without what is no part of an event. */
function toEvent({ id = createId(), type, payload, meta, error }: Action): QueuedEvent {
  try {
    return JSON.parse(JSON.stringify({ id: id.toLowerCase(), type, payload, meta, error }));
  } catch (cause) {
    throw new Error(
      `the event "${type}" can't be sent: ${String(cause)}. The id must be a UUID, and payload and meta must be plain JSON.`,
      { cause },
    );
  }
}
