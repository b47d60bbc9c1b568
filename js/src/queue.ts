/** Where pending events are kept until the server has answered. */

import type { Blockage, QueuedEvent, Rejection, Withdrawal } from "./sync-state.ts";

/** What became of a queued event. */
export type Outcome =
  | { readonly id: string; readonly acceptedAt: number }
  | { readonly id: string; readonly rejection: Rejection }
  | { readonly id: string; readonly withdrawal: Withdrawal };

/** What is in a queue. */
export interface QueueContents {
  /** The events that wait for an answer, in the order in which they are to be sent. */
  readonly waiting: readonly QueuedEvent[];
  /** Of the events that were asked for, what became of those that wait no more. */
  readonly outcomes: readonly Outcome[];
  /** What is in the way of the events: one of those that wait. */
  readonly blockage: Blockage | null;
}

/** That it is for this page to send. */
export interface Leadership {
  /** Whether no other page does meanwhile; one whose storage has failed is not known of. */
  readonly isAlone: boolean;
  /** Fires when it is so no more. */
  readonly ended: AbortSignal;
}

/**
 * The queue of pending events, which the tabs of a browser may share. Each promise may be rejected;
 * then this page keeps its events in memory instead.
 */
export interface PendingQueue {
  /** Whether what it holds survives the page. */
  readonly kind: "persistent" | "memory";
  /** Appends events in order, those that are neither waiting nor settled. */
  append(events: readonly QueuedEvent[]): Promise<void>;
  /** Reads what waits, and the outcomes of the events with these ids. */
  read(ids: readonly string[]): Promise<QueueContents>;
  /**
   * Takes events out, and keeps what became of them for other tabs to read. What is said of an event
   * first stays.
   */
  settle(outcomes: readonly Outcome[]): Promise<void>;
  /**
   * Says what is in the way of the events, or that nothing is, for all tabs to read. It is so as long
   * as its event waits.
   */
  setBlockage(blockage: Blockage | null): Promise<void>;
  /** Calls back when the queue may have changed, also by other tabs; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /** Resolves once it is for this page to send. It gives that up, or the wait for it, at `signal`. */
  lead(signal: AbortSignal): Promise<Leadership>;
  /** Frees what the queue holds. */
  close(): void;
}

/** Outcomes that a queue remembers, the oldest are forgotten first. */
export const OUTCOMES_MAX = 1_000;

/**
 * Creates a queue that lives as long as the page. Nothing survives a reload, and no other tab sees
 * it.
 *
 * @example
 * createSync({ url: "/api", collections: ["notes"], events, storage: memoryQueue() });
 */
export function memoryQueue(): PendingQueue {
  const waiting = new Map<string, QueuedEvent>();
  const outcomes = new Map<string, Outcome>();
  const listeners = new Set<() => void>();
  let blockage: Blockage | null = null;
  const tell = () => {
    for (const listener of listeners) listener();
  };
  return {
    kind: "memory",
    append: async (events) => {
      for (const event of events) {
        if (!waiting.has(event.id) && !outcomes.has(event.id)) waiting.set(event.id, event);
      }
      tell();
    },
    read: async (ids) => ({
      waiting: [...waiting.values()],
      outcomes: ids.flatMap((id) => outcomes.get(id) ?? []),
      blockage,
    }),
    settle: async (settled) => {
      for (const outcome of settled) {
        waiting.delete(outcome.id);
        if (!outcomes.has(outcome.id)) outcomes.set(outcome.id, outcome);
        if (blockage?.id === outcome.id) blockage = null;
      }
      for (const id of outcomes.keys()) {
        if (outcomes.size <= OUTCOMES_MAX) break;
        outcomes.delete(id);
      }
      tell();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setBlockage: async (next) => {
      if (next === null || waiting.has(next.id)) blockage = next;
      tell();
    },
    lead: async (signal) => ({ isAlone: true, ended: signal }),
    close: () => listeners.clear(),
  };
}
