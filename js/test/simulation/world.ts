/** A server, browsers with tabs that share a storage, and a network that does its worst. */

import { IDBFactory } from "fake-indexeddb";
import type { Action, Dispatched, Withdrawal } from "../../src/index.ts";
import { indexedDbQueue, WithdrawnError } from "../../src/index.ts";
import { ManualTimer } from "../manual-timer.ts";
import { type Boards, isRefusal, reduceBoards, replay, step } from "./boards.ts";
import { SimulatedChannels, SimulatedLocks } from "./browser.ts";
import { Client } from "./client.ts";
import { endingQueue } from "./ending-queue.ts";
import { again, Network } from "./network.ts";
import { problem, SimulatedServer } from "./server.ts";

/** One thing that happens. Numbers choose among what there is, whatever that is by then. */
export type Happening =
  | { readonly kind: "local"; readonly tab: number; readonly limit: number }
  | { readonly kind: "clear" | "resume"; readonly tab: number }
  | { readonly kind: "withdraw"; readonly tab: number; readonly which: number }
  | { readonly kind: "trouble"; readonly trouble: Trouble }
  | { readonly kind: "remote"; readonly count: number }
  | { readonly kind: "arrive"; readonly which: number }
  | { readonly kind: "lose"; readonly which: number }
  | { readonly kind: "cut"; readonly tab: number }
  | { readonly kind: "repeat"; readonly from: number; readonly count: number }
  | { readonly kind: "disorder"; readonly tab: number }
  | { readonly kind: "open"; readonly browser: number }
  | { readonly kind: "reload"; readonly tab: number }
  | { readonly kind: "close"; readonly tab: number }
  | { readonly kind: "wait"; readonly tab: number }
  | { readonly kind: "turns"; readonly count: number }
  | { readonly kind: "silence"; readonly isSilent: boolean };

/** What the server answers to dispatches: a status, before or after it has recorded them. */
export type Trouble = "none" | 500 | "500 though recorded" | 401;

interface Browser {
  readonly indexedDB: IDBFactory;
  readonly locks: SimulatedLocks;
  readonly channels: SimulatedChannels;
}

interface Tab {
  readonly browser: number;
  readonly client: Client;
  /** Ends the page, in the middle of whatever it does. */
  readonly end: AbortController;
  readonly dispatched: Dispatched[];
  /** The time of its storage. */
  readonly time: ManualTimer;
}

/** Missed events beyond which a snapshot is loaded: few, so that it happens. */
const GAP_MAX = 3;

const BROWSERS = 2;

/** Turns of the event loop in which everything must have come to rest. */
const TURNS_MAX = 5_000;

export class World {
  readonly server: SimulatedServer = new SimulatedServer();
  readonly network: Network = new Network(this.server);
  readonly #browsers: readonly Browser[] = Array.from({ length: BROWSERS }, () => ({
    indexedDB: new IDBFactory(),
    locks: new SimulatedLocks(),
    channels: new SimulatedChannels(),
  }));
  readonly #tabs: Tab[] = [];
  /** All pages there were. */
  readonly #pages: Tab[] = [];
  /** Ids of events that are in a storage, and must not be lost. */
  readonly #stored = new Set<string>();
  /** Events that somebody wanted to withdraw, and those that were, by id. */
  readonly #unwanted = new Set<string>();
  readonly withdrawn: Map<string, Withdrawal> = new Map();
  readonly #hasWebLocks: boolean;
  #steps = 0;

  /** Without Web Locks, as on a page that is served over plain http, every tab sends. */
  constructor({ hasWebLocks }: { readonly hasWebLocks: boolean }) {
    this.#hasWebLocks = hasWebLocks;
    this.network.isPrompt = false;
    for (const browser of this.#browsers.keys()) this.#open(browser);
  }

  async happen(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case "local":
        return this.#dispatch(happening.tab, step(this.#name(), "plan", happening.limit));
      case "clear":
        return this.#dispatch(happening.tab, { type: "boardCleared", payload: { board: "plan" } });
      case "withdraw":
        return this.#withdraw(pick(this.#tabs, happening.tab)?.client, happening.which);
      case "resume":
        return pick(this.#tabs, happening.tab)?.client.store.sync.resume();
      case "trouble":
        return this.#trouble(happening.trouble);
      case "remote":
        for (let left = happening.count; left > 0; left -= 1) {
          this.server.dispatch([step(this.#name())]);
        }
        return;
      case "arrive":
      case "lose": {
        const thing = pick(this.network.underWay, happening.which);
        if (thing !== undefined) this.network.finish(thing, happening.kind);
        return;
      }
      case "cut":
        return this.network.cut(pick(this.#tabs, happening.tab)?.client.name ?? "");
      case "repeat":
        return this.network.send(
          again(this.server.log, happening.from, happening.from + happening.count),
        );
      case "disorder":
        return this.network.disorder(pick(this.#tabs, happening.tab)?.client.name ?? "");
      case "open":
        return this.#open(happening.browser);
      case "reload": {
        const tab = this.#end(happening.tab);
        return tab && this.#open(tab.browser);
      }
      case "close":
        this.#end(happening.tab);
        return;
      case "wait":
        return passWaits(pick(this.#tabs, happening.tab));
      case "turns":
        return turns(happening.count);
      case "silence":
        for (const { channels } of this.#browsers) {
          channels.isDelivered = () => !happening.isSilent;
        }
    }
  }

  /** What is true at any moment: the confirmed state is the log's, the view is the rule's. */
  check(): void {
    for (const tab of this.#tabs) {
      const { client } = tab;
      const { position, confirmed, pending } = client.sync;
      const boards = confirmed.boards as Boards;
      const log = this.server.log.slice(0, position ?? 0);
      if (position !== null) same(boards, replay(log), `what is confirmed in ${client.name}`);
      const view = pending.reduce<Boards>((state, event) => {
        const next = reduceBoards(state, event as Action);
        return isRefusal(next) ? state : next;
      }, boards);
      same(client.state.boards, view, `the view of ${client.name}`);
      const covered = pending.filter((event) => (event.acceptedAt ?? Infinity) <= (position ?? 0));
      same(covered, [], `pending in ${client.name}, though known to be confirmed`);
      this.#checkEvents(tab, new Set(log.map(({ id }) => id)));
    }
  }

  /** No event of a page is there twice, or has gone before it is settled; they keep their order. */
  #checkEvents({ client, dispatched }: Tab, recorded: ReadonlySet<string>): void {
    const pending = client.sync.pending.map(({ id }) => id);
    const isPending = new Set(pending);
    same(pending.length, isPending.size, `distinct pending events in ${client.name}`);
    const { blockage } = client.sync;
    const isInTheWay = blockage === null || isPending.has(blockage.id);
    same(isInTheWay, true, `what is in the way of ${client.name} is pending`);
    const heard = client.confirmed.filter(({ id }) => isPending.has(id));
    same(heard, [], `pending in ${client.name} after they were confirmed`);
    const own = dispatched.map(({ id }) => id);
    const isTold = new Set(client.rejections.map(({ id }) => id));
    const isKnown = (id: string) => recorded.has(id) || isTold.has(id) || this.#unwanted.has(id);
    const gone = own.filter((id) => !isPending.has(id) && !isKnown(id));
    same(gone, [], `gone from ${client.name} before they are settled`);
    const ordered = own.filter((id) => isPending.has(id));
    const isOwn = new Set(own);
    same(
      pending.filter((id) => isOwn.has(id)),
      ordered,
      `order of the events of ${client.name}`,
    );
  }

  /** Lets everything arrive, and waits until all pages have come to rest. */
  async comeToRest(): Promise<void> {
    for (const browser of this.#browsers.keys()) this.#open(browser);
    for (const { channels } of this.#browsers) channels.isDelivered = () => true;
    this.#trouble("none");
    this.network.isPrompt = true;
    for (let left = TURNS_MAX; left > 0; left -= 1) {
      this.network.step();
      await turns(1);
      for (const tab of this.#tabs) {
        passWaits(tab);
        // An answer that was on its way may say once more that nobody has signed in.
        if (tab.client.sync.blockage?.isPaused) tab.client.store.sync.resume();
      }
      if (this.#tabs.every(({ client }) => this.#isAtRest(client))) break;
    }
    await turns(20);
  }

  /** What is true in the end: all have the server's state, nothing is lost, nothing is there twice. */
  async checkEnd(): Promise<void> {
    const { log, boards } = this.server;
    same(log.length, new Set(log.map(({ id }) => id)).size, "the log has each event once");
    const positions = new Map(log.map(({ id, position }) => [id, position]));
    const isRejected = new Set(
      this.#pages.flatMap(({ client }) => client.rejections.map((it) => it.id)),
    );
    for (const { client, dispatched } of this.#tabs) {
      same(client.sync.pending, [], `${client.name} has nothing pending`);
      same(client.sync.blockage, null, `nothing is in the way of ${client.name}`);
      same(client.state.boards, boards, `${client.name} shows the server's state`);
      for (const { id, accepted } of dispatched) {
        const outcome = await Promise.race([
          accepted.then(
            ({ position }) => position,
            (error) => (error instanceof WithdrawnError ? "withdrawn" : "rejected"),
          ),
          turns(2).then(() => "unknown"),
        ]);
        const isWithdrawn = outcome === "withdrawn" && this.#unwanted.has(id);
        const expected = isWithdrawn ? "withdrawn" : (positions.get(id) ?? "rejected");
        same(outcome, expected, `what ${client.name} was told of ${id}`);
      }
      const errors = client.errors
        .map(String)
        .filter((it) => !it.includes("expected the event at") && !it.includes("Sorry: trouble"));
      same(errors, [], `errors of ${client.name}`);
    }
    for (const id of this.#stored) {
      const isDecided = this.server.decisions.has(id) || this.#unwanted.has(id);
      same(isDecided, true, `${id} is decided on`);
    }
    for (const { id, mayBeRecorded } of this.withdrawn.values()) {
      if (!mayBeRecorded) same(this.server.decisions.has(id), false, `${id} was never sent`);
    }
    for (const id of isRejected)
      same(positions.has(id), false, `${id}, which is rejected, is recorded`);
    for (const { client, dispatched } of this.#pages) {
      // A request that was under way when its event was withdrawn may arrive at any time.
      const wanted = dispatched.filter(({ id }) => !this.#unwanted.has(id));
      const own = wanted.flatMap(({ id }) => positions.get(id) ?? []);
      same(
        own,
        [...own].sort((a, b) => a - b),
        `the events of ${client.name} keep their order`,
      );
      const heard = client.confirmed.map(({ position }) => position);
      same(
        heard,
        [...new Set(heard)].sort((a, b) => a - b),
        `${client.name} heard of each event once`,
      );
      for (const event of client.confirmed) same(event, log[event.position - 1], "what was heard");
    }
  }

  end(): void {
    while (this.#tabs.length > 0) this.#end(0);
    // What waits for a signal is kept in memory until that fires.
    for (const { client } of this.#pages) client.store.sync.close();
  }

  #name(): string {
    this.#steps += 1;
    return `${this.#steps}`;
  }

  #isAtRest({ sync }: Client): boolean {
    const hasRead = sync.storage !== "opening";
    return hasRead && sync.pending.length === 0 && sync.position === this.server.log.length;
  }

  #open(which: number): void {
    const index = which % BROWSERS;
    const browser = this.#browsers[index];
    if (browser === undefined) return;
    const end = new AbortController();
    const time = new ManualTimer();
    const name = `page ${this.#pages.length} of browser ${index}`;
    const queue = indexedDbQueue("boards", {
      indexedDB: browser.indexedDB,
      locks: this.#hasWebLocks ? browser.locks.of(end.signal) : undefined,
      BroadcastChannel: browser.channels.of(end.signal),
      timer: time.timer,
    });
    const fetch: typeof globalThis.fetch = (...request) =>
      end.signal.aborted ? new Promise(() => {}) : this.network.fetchOf(name)(...request);
    const storage = endingQueue(queue, end.signal, (id) => this.#stored.add(id));
    const client = new Client(this.network, name, { storage, fetch, gapMax: GAP_MAX });
    const tab = { browser: index, client, end, dispatched: [], time };
    this.#tabs.push(tab);
    this.#pages.push(tab);
  }

  #end(which: number): Tab | undefined {
    const tab = pick(this.#tabs, which);
    if (tab === undefined) return undefined;
    this.#tabs.splice(this.#tabs.indexOf(tab), 1);
    tab.end.abort();
    this.network.forget(tab.client.name);
    return tab;
  }

  #withdraw(client: Client | undefined, which: number): void {
    const event = client && pick(client.sync.pending, which);
    if (event === undefined) return;
    this.#unwanted.add(event.id);
    const keep = (withdrawal: Withdrawal | null) => {
      if (withdrawal !== null) this.withdrawn.set(event.id, withdrawal);
    };
    client?.store.sync.withdraw(event.id).then(keep, () => {});
  }

  #trouble(trouble: Trouble): void {
    this.network.answer = (path, body) => {
      if (path !== "/events" || trouble === "none") return undefined;
      if (trouble === "500 though recorded") this.server.dispatch(body as readonly Action[]);
      return problem(trouble === 401 ? 401 : 500, "trouble");
    };
  }

  #dispatch(which: number, event: Action): void {
    const tab = pick(this.#tabs, which);
    tab?.dispatched.push(tab.client.dispatch(event));
  }
}

export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

function passWaits(tab: Tab | undefined): void {
  tab?.client.passWaits();
  for (const delayMs of tab?.time.delaysMs ?? []) tab?.time.fire(delayMs);
}

function pick<Element>(elements: readonly Element[], which: number): Element | undefined {
  return elements[which % Math.max(1, elements.length)];
}

function same(found: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: expected ${right}, found ${left}`);
}
