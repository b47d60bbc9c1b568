/** A queue that goes on in memory when its storage fails, so that nothing is lost meanwhile. */

import {
  type Leadership,
  memoryQueue,
  type Outcome,
  type PendingQueue,
  type QueueContents,
} from "./queue.ts";
import type { Blockage, QueuedEvent } from "./sync-state.ts";
import type { Timer } from "./timer.ts";

/** What a fallback needs. */
export interface FallbackOptions {
  readonly timer: Timer;
  /** How long the storage may take for one request. */
  readonly storageMaxMs: number;
  /** Hears, once, that the storage works no more, and why. */
  readonly onFallback: (error: Error) => void;
}

/**
 * Wraps a queue. When it fails, this page takes all events that it knows to wait into memory, and
 * sends them itself. Another tab may send them, too: they have the same ids, so that the server takes
 * each once. What becomes of them is still written to the storage where that works.
 */
export class FallbackQueue implements PendingQueue {
  readonly #stored: PendingQueue;
  readonly #options: FallbackOptions;
  readonly #memory = memoryQueue();
  /** Fires when the storage has failed. */
  readonly #failing = new AbortController();
  #isClosed = false;
  /** What waits in the storage, as far as this page knows. */
  #known = new Map<string, QueuedEvent>();

  constructor(stored: PendingQueue, options: FallbackOptions) {
    this.#stored = stored;
    this.#options = options;
  }

  get kind(): "persistent" | "memory" {
    return this.#failing.signal.aborted ? "memory" : this.#stored.kind;
  }

  async append(events: readonly QueuedEvent[]): Promise<void> {
    const isStored = await this.#try(() => this.#stored.append(events));
    if (!isStored) return this.#memory.append(events);
    for (const event of events) this.#known.set(event.id, event);
  }

  async read(ids: readonly string[]): Promise<QueueContents> {
    const contents = await this.#try(() => this.#stored.read(ids));
    if (!contents) return this.#memory.read(ids);
    this.#known = new Map(contents.value.waiting.map((event) => [event.id, event]));
    return contents.value;
  }

  async settle(outcomes: readonly Outcome[]): Promise<void> {
    const hasFailed = this.#failing.signal.aborted;
    const isStored = await this.#try(() => this.#stored.settle(outcomes));
    if (isStored) for (const { id } of outcomes) this.#known.delete(id);
    else await this.#memory.settle(outcomes);
    // Not awaited: it may not answer.
    if (hasFailed) this.#stored.settle(outcomes).catch(() => {});
  }

  async setBlockage(blockage: Blockage | null): Promise<void> {
    const isStored = await this.#try(() => this.#stored.setBlockage(blockage));
    if (!isStored) await this.#memory.setBlockage(blockage);
  }

  subscribe(listener: () => void): () => void {
    const unsubscribe = [this.#stored.subscribe(listener), this.#memory.subscribe(listener)];
    return () => {
      for (const stop of unsubscribe) stop();
    };
  }

  /** Leads where the storage lets it; after it has failed each page leads itself. */
  async lead(signal: AbortSignal): Promise<Leadership> {
    const { signal: failing } = this.#failing;
    const own: Leadership = { isAlone: false, ended: signal };
    if (failing.aborted) return own;
    const failed = new Promise<Leadership>((resolve) => {
      failing.addEventListener("abort", () => resolve(own), { once: true });
    });
    const led = this.#stored
      .lead(AbortSignal.any([signal, failing]))
      .catch(async (error: unknown) => {
        await this.#fallBack(error);
        return own;
      });
    return Promise.race([led, failed]);
  }

  close(): void {
    this.#isClosed = true;
    this.#stored.close();
    this.#memory.close();
  }

  /** What the storage says, or nothing from the first failure on. */
  async #try<Value>(ask: () => Promise<Value>): Promise<{ readonly value: Value } | undefined> {
    if (this.#failing.signal.aborted) return undefined;
    try {
      return { value: await this.#withinLimit(ask) };
    } catch (error) {
      await this.#fallBack(error);
      return undefined;
    }
  }

  async #withinLimit<Value>(ask: () => Promise<Value>): Promise<Value> {
    const { timer, storageMaxMs } = this.#options;
    let cancel = () => {};
    const limit = new Promise<never>((_, reject) => {
      const late = () => reject(new Error(`it did not answer within ${storageMaxMs} ms`));
      cancel = timer(late, storageMaxMs);
    });
    try {
      return await Promise.race([ask(), limit]);
    } finally {
      cancel();
    }
  }

  async #fallBack(cause: unknown): Promise<void> {
    // That nothing answers after the end is no failure.
    if (this.#isClosed || this.#failing.signal.aborted) return;
    this.#failing.abort();
    await this.#memory.append([...this.#known.values()]);
    const error = new Error(
      `pending events can't be stored (${String(cause)}): they are kept in memory until the server has them, and are lost if the page is closed before. Is the storage of the browser full, or denied to this page?`,
      { cause },
    );
    this.#options.onFallback(error);
  }
}
