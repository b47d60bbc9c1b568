/** The queue in IndexedDB: it survives a closed browser, and all tabs of an origin share it. */

import { Election } from "./election.ts";
import {
  type Leadership,
  OUTCOMES_MAX,
  type Outcome,
  type PendingQueue,
  type QueueContents,
} from "./queue.ts";
import type { Blockage, QueuedEvent } from "./sync-state.ts";
import { systemTimer, type Timer } from "./timer.ts";

/** What a browser offers for it; each is the global one if left out. */
export interface IndexedDbQueueOptions {
  readonly indexedDB?: IDBFactory | undefined;
  /**
   * Decides which tab sends. Pages that are served over plain http have none: there the tabs elect
   * one, by a BroadcastChannel.
   */
  readonly locks?: Pick<LockManager, "request"> | undefined;
  /** Tells other tabs that the queue has changed. */
  readonly BroadcastChannel?: typeof globalThis.BroadcastChannel | undefined;
  readonly timer?: Timer;
}

const VERSION = 2;

/** Events in the order of their keys, which IndexedDB gives out. */
const WAITING = "waiting";
const OUTCOMES = "outcomes";
/** The index of both. */
const BY_ID = "id";
/** One value under one key: the blockage, if there is one. */
const BLOCKAGE = "blockage";

/** The object stores, in one transaction. */
interface Stores {
  readonly waiting: IDBObjectStore;
  readonly outcomes: IDBObjectStore;
  readonly blockage: IDBObjectStore;
}

/**
 * Creates the queue with this name. Tabs that name the same share it: any of them appends, the one
 * that holds the Web Lock of the name sends, and the next one takes over when it is closed. Without Web
 * Locks the tabs elect one. Give each user a name of their own where several use one browser.
 *
 * Nothing is opened yet. Where IndexedDB is denied or full the promises of the queue are rejected.
 *
 * @example
 * createSync({ url: "/api", collections: ["notes"], events, storage: indexedDbQueue("notes-ann") });
 */
export function indexedDbQueue(name: string, options: IndexedDbQueueOptions = {}): PendingQueue {
  return new IndexedDbQueue(name, {
    locks: globalThis.navigator?.locks,
    BroadcastChannel: globalThis.BroadcastChannel,
    ...options,
  });
}

class IndexedDbQueue implements PendingQueue {
  readonly kind = "persistent";
  readonly #name: string;
  readonly #options: IndexedDbQueueOptions;
  readonly #channel: BroadcastChannel | undefined;
  /** Where there are no Web Locks. */
  readonly #electionChannel: BroadcastChannel | undefined;
  readonly #election: Election | undefined;
  readonly #listeners = new Set<() => void>();
  #database: Promise<IDBDatabase> | undefined;

  constructor(name: string, options: IndexedDbQueueOptions) {
    this.#name = `flux-capacitor:${name}`;
    this.#options = options;
    const { BroadcastChannel } = options;
    this.#channel = BroadcastChannel && new BroadcastChannel(this.#name);
    if (this.#channel !== undefined) this.#channel.onmessage = () => this.#tellHere();
    if (BroadcastChannel === undefined || options.locks !== undefined) return;
    this.#electionChannel = new BroadcastChannel(`${this.#name}:leader`);
    this.#election = new Election(this.#electionChannel, options.timer ?? systemTimer);
  }

  async append(events: readonly QueuedEvent[]): Promise<void> {
    await this.#transact("readwrite", async ({ waiting, outcomes }) => {
      for (const event of events) {
        const known = await Promise.all([
          done(waiting.index(BY_ID).getKey(event.id)),
          done(outcomes.index(BY_ID).getKey(event.id)),
        ]);
        if (known.every((key) => key === undefined)) await done(waiting.add(event));
      }
    });
    this.#tell();
  }

  read(ids: readonly string[]): Promise<QueueContents> {
    return this.#transact("readonly", async ({ waiting, outcomes, blockage }) => {
      const events: QueuedEvent[] = await done(waiting.getAll());
      const isWaiting = new Set(events.map(({ id }) => id));
      const settled = ids.filter((id) => !isWaiting.has(id));
      const found = await Promise.all(
        settled.map((id): Promise<Outcome | undefined> => done(outcomes.index(BY_ID).get(id))),
      );
      const blocking: Blockage | undefined = await done(blockage.get(BLOCKAGE));
      return {
        waiting: events,
        outcomes: found.filter((outcome) => outcome !== undefined),
        blockage: blocking ?? null,
      };
    });
  }

  async settle(settled: readonly Outcome[]): Promise<void> {
    await this.#transact("readwrite", async ({ waiting, outcomes, blockage }) => {
      const blocking: Blockage | undefined = await done(blockage.get(BLOCKAGE));
      if (settled.some(({ id }) => id === blocking?.id)) await done(blockage.delete(BLOCKAGE));
      for (const outcome of settled) {
        const [key, known] = await Promise.all([
          done(waiting.index(BY_ID).getKey(outcome.id)),
          done(outcomes.index(BY_ID).getKey(outcome.id)),
        ]);
        if (key !== undefined) await done(waiting.delete(key));
        if (known === undefined) await done(outcomes.add(outcome));
      }
      const surplus = (await done(outcomes.count())) - OUTCOMES_MAX;
      if (surplus <= 0) return;
      const oldest = await done(outcomes.getAllKeys(null, surplus));
      await Promise.all(oldest.map((key) => done(outcomes.delete(key))));
    });
    this.#tell();
  }

  async setBlockage(next: Blockage | null): Promise<void> {
    await this.#transact("readwrite", async ({ waiting, blockage }) => {
      if (next === null) return done(blockage.delete(BLOCKAGE));
      // Another tab may have settled it meanwhile.
      const key = await done(waiting.index(BY_ID).getKey(next.id));
      if (key !== undefined) await done(blockage.put(next, BLOCKAGE));
    });
    this.#tell();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async lead(signal: AbortSignal): Promise<Leadership> {
    const { locks } = this.#options;
    // Without either each tab sends; the server takes each event once.
    if (locks === undefined) {
      return { isAlone: false, ended: (await this.#election?.lead(signal)) ?? signal };
    }
    return new Promise((resolve, reject) => {
      const hold = (): Promise<void> => {
        resolve({ isAlone: true, ended: signal });
        return new Promise((release) => {
          if (signal.aborted) release();
          else signal.addEventListener("abort", () => release(), { once: true });
        });
      };
      locks.request(this.#name, { signal }, hold).catch((error: unknown) => {
        if (!signal.aborted) reject(error);
      });
    });
  }

  close(): void {
    this.#listeners.clear();
    this.#channel?.close();
    this.#electionChannel?.close();
    this.#database?.then((database) => database.close()).catch(() => {});
  }

  /** Runs one transaction; resolves once it is complete, which is when it will not be lost. */
  async #transact<Result>(
    mode: IDBTransactionMode,
    work: (stores: Stores) => Promise<Result>,
  ): Promise<Result> {
    this.#database ??= this.#open();
    const database = await this.#database.catch((error: unknown) => {
      this.#database = undefined;
      throw error;
    });
    const transaction = database.transaction([WAITING, OUTCOMES, BLOCKAGE], mode, {
      durability: "strict",
    });
    const completion = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("it was aborted"));
    });
    completion.catch(() => {});
    const result = await work({
      waiting: transaction.objectStore(WAITING),
      outcomes: transaction.objectStore(OUTCOMES),
      blockage: transaction.objectStore(BLOCKAGE),
    }).catch(async (error: unknown) => {
      await completion;
      throw error;
    });
    await completion;
    return result;
  }

  async #open(): Promise<IDBDatabase> {
    // Not read before: where it is denied, a browser may throw at the mention of it.
    const { indexedDB = globalThis.indexedDB } = this.#options;
    if (indexedDB === undefined) throw new Error("there is no IndexedDB here");
    const opening = indexedDB.open(this.#name, VERSION);
    opening.onupgradeneeded = ({ oldVersion }) => {
      for (const store of oldVersion < 1 ? [WAITING, OUTCOMES] : []) {
        const created = opening.result.createObjectStore(store, { autoIncrement: true });
        created.createIndex(BY_ID, BY_ID, { unique: true });
      }
      opening.result.createObjectStore(BLOCKAGE);
    };
    const database = await done(opening);
    const forget = () => {
      this.#database = undefined;
    };
    // Closed by the browser, or about to be deleted: the next transaction opens it again.
    database.onclose = forget;
    database.onversionchange = () => {
      forget();
      database.close();
    };
    return database;
  }

  #tell(): void {
    this.#channel?.postMessage("changed");
    this.#tellHere();
  }

  #tellHere(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The result of a request. */
function done<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
