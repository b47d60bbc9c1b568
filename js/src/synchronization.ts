/** Keeps one store in step with the server: the connection, the queue and the sender together. */

import type { Api } from "./api.ts";
import type { BackoffBounds } from "./backoff.ts";
import { type Connection, openConnection } from "./connection.ts";
import { type Dispatched, Ticket } from "./dispatched.ts";
import { RejectedError, WithdrawnError } from "./errors.ts";
import { type Action, isRecordedEvent, type RecordedEvent } from "./event.ts";
import { FallbackQueue } from "./fallback-queue.ts";
import { createId } from "./id.ts";
import type { Outcome, PendingQueue, QueueContents } from "./queue.ts";
import { Sender } from "./sender.ts";
import type { Sync } from "./store-sync.ts";
import { LIBRARY_PREFIX, type SyncAction } from "./sync-action.ts";
import type { PendingEvent, QueuedEvent, Rejection, SyncState, Withdrawal } from "./sync-state.ts";
import type { Timer } from "./timer.ts";

/** Ids of confirmed events that are remembered, to know them if the queue still has them. */
const CONFIRMED_IDS_MAX = 1_000;

/** How often the queue is read although nobody said that it changed: a tab may have been frozen. */
export const POLL_MS = 5_000;

/** What is so at the start, whatever a stored state says. */
const BEGINNING = { connection: "connecting", storage: "opening", blockage: null } as const;

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
  /** Ids of events that certainly nobody has sent: only this page could have. */
  readonly #unsent = new Set<string>();
  #isAlone = false;
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
        // What is in the storage another tab may send.
        this.#unsent.clear();
        this.#tell({ type: "@@flux-capacitor/status", payload: { storage: "memory" } });
        onError(error);
      },
    });
    this.#sender = new Sender({
      ...settings,
      choose: (choice) => this.#inTurn(async () => choice(await this.#toSend())),
      onSent: (events) => this.#markSent(events),
      settle: (outcomes) => this.#inTurn(() => this.#queue.settle(outcomes)),
      setBlockage: (blockage) => this.#inTurn(() => this.#queue.setBlockage(blockage)),
      signal: this.#closing.signal,
    });
  }

  /** Begins to receive and to send. */
  start(): void {
    const state = this.#store.readState();
    const { pending, position, eventId } = state;
    const { connection, storage, blockage } = BEGINNING;
    const isAtBeginning = state.connection === connection && state.storage === storage;
    if (!isAtBeginning || state.blockage !== blockage) {
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
    this.#lead(signal).catch(this.#settings.onError);
    this.#connect(position === null ? undefined : { position, eventId });
  }

  /** Sends whenever it is for this page to do so. */
  async #lead(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { isAlone, ended } = await this.#queue.lead(signal);
      // In turn: what waits already has been read by then.
      await this.#inTurn(async () => {
        this.#isAlone = isAlone;
      });
      this.#endPause();
      await this.#sender.run(ended);
    }
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

  async withdraw(id: string): Promise<Withdrawal | null> {
    if (this.#closing.signal.aborted) {
      throw new Error(
        "`store.sync.withdraw` was called after `close()`: what is pending stays so.",
      );
    }
    return this.#inTurn(async () => {
      const { waiting } = await this.#queue.read([]);
      const event = waiting.find((queued) => queued.id === id);
      if (event === undefined || this.#confirmed.has(id)) return null;
      const mayBeRecorded = !this.#unsent.has(id);
      await this.#queue.settle([{ id, withdrawal: { id, type: event.type, mayBeRecorded } }]);
      const { outcomes } = await this.#readQueue([id]);
      // Another tab may have heard of its answer just before.
      const outcome = outcomes.find((known) => known.id === id);
      return outcome !== undefined && "withdrawal" in outcome ? outcome.withdrawal : null;
    });
  }

  resume(): void {
    void this.#inTurn(() => this.#queue.setBlockage(null));
    this.#sender.retry();
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
      if (this.#isAlone && !this.#stored.has(event.id)) this.#unsent.add(event.id);
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
      if (connection !== "live") return;
      this.#endPause();
      this.#sender.retry();
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

  /** A page that begins, or a connection that is live, may be that of somebody who has signed in. */
  #endPause(): void {
    void this.#inTurn(async () => {
      const { blockage } = await this.#queue.read([]);
      if (blockage?.isPaused) await this.#queue.setBlockage(null);
    });
  }

  #markSent(events: readonly QueuedEvent[]): void {
    for (const { id } of events) this.#unsent.delete(id);
    this.#tell({ type: "@@flux-capacitor/sent", payload: { ids: events.map(({ id }) => id) } });
  }

  /** What waits for an answer. Of what is confirmed the answer is known, though it may be lost. */
  async #toSend(): Promise<QueueContents> {
    const contents = await this.#queue.read([]);
    const { waiting } = contents;
    const answered = waiting.flatMap(({ id }) => {
      const acceptedAt = this.#confirmed.get(id);
      return acceptedAt === undefined ? [] : [{ id, acceptedAt }];
    });
    if (answered.length > 0) await this.#queue.settle(answered);
    return { ...contents, waiting: waiting.filter(({ id }) => !this.#confirmed.has(id)) };
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
  async #readQueue(ids: readonly string[] = []): Promise<QueueContents> {
    const asked = new Set([...ids, ...this.#tickets.keys()]);
    for (const { id, status } of this.#store.readState().pending) {
      if (status !== "accepted") asked.add(id);
    }
    const contents = await this.#queue.read([...asked]);
    if (this.#closing.signal.aborted) return contents;
    const { waiting, outcomes, blockage } = contents;
    await this.#putBack(waiting, outcomes);
    const notConfirmed = waiting.filter(({ id }) => !this.#confirmed.has(id));
    for (const { id } of notConfirmed) this.#stored.add(id);
    const accepted = outcomes.filter((outcome) => "acceptedAt" in outcome);
    const rejected = outcomes.flatMap((it) => ("rejection" in it ? [it.rejection] : []));
    const withdrawn = outcomes.flatMap((it) => ("withdrawal" in it ? [it.withdrawal] : []));
    const wasBlocked = this.#store.readState().blockage !== null;
    const pending = new Map(this.#store.readState().pending.map((event) => [event.id, event]));
    const payload = { waiting: notConfirmed, accepted, rejected, withdrawn, blockage };
    this.#tell({ type: "@@flux-capacitor/queueRead", payload });
    this.#tellStorage();
    for (const outcome of outcomes) this.#settle(outcome);
    for (const rejection of rejected) {
      const event = pending.get(rejection.id);
      if (event !== undefined) this.#call(this.#rejectedListeners, rejection, toQueued(event));
    }
    // Another tab has withdrawn what was in the way, or somebody has signed in there.
    if (withdrawn.length > 0 || (wasBlocked && blockage === null)) this.#sender.retry();
    return contents;
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
    this.#unsent.delete(id);
    const ticket = this.#tickets.get(id);
    this.#tickets.delete(id);
    if ("acceptedAt" in outcome) ticket?.resolve({ id, position: outcome.acceptedAt });
    else if ("rejection" in outcome) ticket?.reject(new RejectedError(outcome.rejection));
    else ticket?.reject(new WithdrawnError(outcome.withdrawal));
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
