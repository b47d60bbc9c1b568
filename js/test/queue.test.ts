import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ANSWER_MS, ASK_AGAIN_MS } from "../src/election.ts";
import {
  createId,
  indexedDbQueue,
  type Leadership,
  memoryQueue,
  type PendingQueue,
  WithdrawnError,
} from "../src/index.ts";
import { OUTCOMES_MAX } from "../src/queue.ts";
import type { QueuedEvent, Rejection } from "../src/sync-state.ts";
import { POLL_MS } from "../src/synchronization.ts";
import { ManualTimer } from "./manual-timer.ts";
import { step } from "./simulation/boards.ts";
import { SimulatedChannels, SimulatedLocks } from "./simulation/browser.ts";
import { Client, STORAGE_MS, until } from "./simulation/client.ts";
import { Network } from "./simulation/network.ts";
import { SimulatedServer } from "./simulation/server.ts";
import { turns } from "./simulation/world.ts";

/** One browser: what its tabs share. */
let indexedDB: IDBFactory;
let locks: SimulatedLocks;
let channels: SimulatedChannels;
let server: SimulatedServer;
let network: Network;
let closing: (() => void)[];

beforeEach(() => {
  indexedDB = new IDBFactory();
  locks = new SimulatedLocks();
  channels = new SimulatedChannels();
  server = new SimulatedServer();
  network = new Network(server);
  closing = [];
});
afterEach(() => {
  for (const close of closing) close();
});

function openQueue(name = "boards", tab = new AbortController().signal): PendingQueue {
  const queue = indexedDbQueue(name, {
    indexedDB,
    locks: locks.of(tab),
    BroadcastChannel: channels.of(tab),
  });
  closing.push(() => queue.close());
  return queue;
}

function openTab(name: string, storage: PendingQueue = openQueue()): Client {
  const client = new Client(network, name, { storage });
  closing.push(() => client.store.sync.close());
  return client;
}

function event(name: string): QueuedEvent {
  return { ...step(name), id: createId() };
}

function rejectionOf({ id, type }: QueuedEvent): Rejection {
  return { id, type, code: "board_full", detail: "It is full.", by: "server" };
}

const posts = () => network.arrived.filter(({ body }) => body !== undefined);
const isPost = ({ body, kind }: { body?: unknown; kind: string }) =>
  body !== undefined && kind === "request";

describe.each([
  ["in memory", () => memoryQueue()],
  ["in IndexedDB", () => openQueue()],
])("a queue %s", (_, open) => {
  it("keeps events in order, each once", async () => {
    const queue = open();
    const [a, b, c] = [event("a"), event("b"), event("c")];
    await queue.append([a, b]);
    await queue.append([b, c]);
    expect(await queue.read([])).toEqual({ waiting: [a, b, c], outcomes: [], blockage: null });
  });

  it("keeps what became of events, for those who ask", async () => {
    const queue = open();
    const [a, b, c] = [event("a"), event("b"), event("c")];
    await queue.append([a, b, c]);
    const outcomes = [
      { id: a.id, acceptedAt: 7 },
      { id: b.id, rejection: rejectionOf(b) },
    ];
    await queue.settle(outcomes);
    expect(await queue.read([c.id, b.id, a.id])).toEqual({
      waiting: [c],
      outcomes: [outcomes[1], outcomes[0]],
      blockage: null,
    });
    expect((await queue.read([])).outcomes).toEqual([]);
  });

  it("keeps what was said of an event first", async () => {
    const queue = open();
    const a = event("a");
    await queue.append([a]);
    const withdrawal = { id: a.id, type: a.type, mayBeRecorded: true };
    await queue.settle([{ id: a.id, withdrawal }]);
    await queue.settle([{ id: a.id, acceptedAt: 7 }]);
    expect((await queue.read([a.id])).outcomes).toEqual([{ id: a.id, withdrawal }]);
  });

  it("keeps what is in the way, until nothing is", async () => {
    const queue = open();
    const a = event("a");
    const { id, type } = a;
    const since = "2016-09-20T07:04:21.000Z";
    const blockage = { id, type, status: 500, code: null, detail: "", isPaused: false, since };
    const blocking = async () => (await queue.read([])).blockage;
    await queue.setBlockage(blockage);
    expect(await blocking(), "it does not wait").toBe(null);
    await queue.append([a]);
    await queue.setBlockage(blockage);
    expect(await blocking()).toEqual(blockage);
    await queue.setBlockage(null);
    expect(await blocking()).toBe(null);
    await queue.setBlockage(blockage);
    await queue.settle([{ id, acceptedAt: 7 }]);
    expect(await blocking(), "it waits no more").toBe(null);
  });

  it("takes no event again that is settled", async () => {
    const queue = open();
    const a = event("a");
    await queue.append([a]);
    await queue.settle([{ id: a.id, rejection: rejectionOf(a) }]);
    await queue.append([a]);
    expect((await queue.read([])).waiting).toEqual([]);
  });

  it("forgets the oldest outcomes", async () => {
    const queue = open();
    const ids = Array.from({ length: OUTCOMES_MAX + 2 }, () => createId());
    await queue.settle(ids.map((id, index) => ({ id, acceptedAt: index + 1 })));
    const { outcomes } = await queue.read(ids);
    expect(outcomes).toHaveLength(OUTCOMES_MAX);
    expect(outcomes[0]).toEqual({ id: ids[2], acceptedAt: 3 });
  });
});

describe("queues of one name in IndexedDB", () => {
  it("share their events, and tell each other", async () => {
    const [first, second] = [openQueue(), openQueue()];
    let heard = 0;
    second.subscribe(() => {
      heard += 1;
    });
    const a = event("a");
    await first.append([a]);
    await until(() => expect(heard).toBe(1));
    expect((await second.read([])).waiting).toEqual([a]);
    expect((await openQueue("another").read([])).waiting).toEqual([]);
  });

  it("are led by one tab, and by the next when that is gone", async () => {
    const ends = [new AbortController(), new AbortController()];
    const led: number[] = [];
    for (const [index, { signal }] of ends.entries()) {
      void openQueue("boards", signal)
        .lead(new AbortController().signal)
        .then(() => led.push(index));
    }
    await until(() => expect(led).toEqual([0]));
    ends[0]?.abort();
    await until(() => expect(led).toEqual([0, 1]));
  });

  it("take over what an older version of the database holds", async () => {
    const a = event("a");
    await new Promise<void>((resolve) => {
      const opening = indexedDB.open("flux-capacitor:boards", 1);
      opening.onupgradeneeded = () => {
        for (const store of ["waiting", "outcomes"]) {
          const created = opening.result.createObjectStore(store, { autoIncrement: true });
          created.createIndex("id", "id", { unique: true });
          if (store === "waiting") created.add(a);
        }
      };
      opening.onsuccess = () => {
        opening.result.close();
        resolve();
      };
    });
    expect(await openQueue().read([])).toEqual({ waiting: [a], outcomes: [], blockage: null });
  });

  it("open the database again that the browser has closed", async () => {
    const queue = openQueue();
    await queue.append([event("a")]);
    // As a browser does when the user clears the data of the page.
    await new Promise((resolve) => {
      indexedDB.deleteDatabase("flux-capacitor:boards").onsuccess = resolve;
    });
    expect((await queue.read([])).waiting).toEqual([]);
  });
});

describe("without Web Locks", () => {
  interface Candidate {
    readonly time: ManualTimer;
    readonly queue: PendingQueue;
    /** Ends the page without a word. */
    readonly end: AbortController;
    /** Ends it properly. */
    readonly leave: AbortController;
    leadership?: Leadership;
  }

  function candidate(): Candidate {
    const [time, end, leave] = [new ManualTimer(), new AbortController(), new AbortController()];
    const queue = indexedDbQueue("boards", {
      indexedDB,
      locks: undefined,
      BroadcastChannel: channels.of(end.signal),
      timer: time.timer,
    });
    closing.push(() => queue.close());
    const self: Candidate = { time, queue, end, leave };
    // As the synchronisation does: who does not lead any more waits for it again.
    const lead = async (): Promise<void> => {
      const leadership = await queue.lead(leave.signal);
      if (leave.signal.aborted) return;
      self.leadership = leadership;
      leadership.ended.addEventListener("abort", () => void lead(), { once: true });
    };
    void lead();
    return self;
  }

  const leads = ({ leadership }: Candidate) =>
    leadership !== undefined && !leadership.ended.aborted;

  /** Lets the tabs hear each other, and what they wait for be over. */
  async function pass(candidates: readonly Candidate[], delayMs: number): Promise<void> {
    await turns(5);
    for (const { time } of candidates) if (time.delaysMs.includes(delayMs)) time.fire(delayMs);
    await turns(5);
  }

  it("one of the tabs leads, and another when that has left", async () => {
    const tabs = [candidate(), candidate(), candidate()];
    await pass(tabs, ANSWER_MS);
    // Who came late has not heard the others ask.
    await pass(tabs, ANSWER_MS);
    const [first] = tabs.filter(leads);
    expect(tabs.filter(leads)).toEqual([first]);
    expect(first?.leadership?.isAlone).toBe(false);
    first?.leave.abort();
    const rest = tabs.filter((tab) => tab !== first);
    await pass(rest, ANSWER_MS);
    expect(rest.filter(leads)).toHaveLength(1);
  });

  it("a tab that comes later does not lead, until the one that does has ended without a word", async () => {
    const first = candidate();
    await pass([first], ANSWER_MS);
    const second = candidate();
    for (const round of [1, 2]) {
      await pass([second], ANSWER_MS);
      expect([first, second].map(leads), `round ${round}`).toEqual([true, false]);
      if (round === 2) first.end.abort();
      await pass([second], ASK_AGAIN_MS);
    }
    await pass([second], ANSWER_MS);
    expect(leads(second)).toBe(true);
  });

  it("of two that lead, for one of them was frozen, one gives it up", async () => {
    channels.isDelivered = () => false;
    const tabs = [candidate(), candidate()];
    await pass(tabs, ANSWER_MS);
    expect(tabs.map(leads)).toEqual([true, true]);
    channels.isDelivered = () => true;
    const third = candidate();
    await pass([third], ANSWER_MS);
    expect([...tabs, third].filter(leads)).toHaveLength(1);
    expect(leads(third)).toBe(false);
  });

  it("one tab sends what all have dispatched, and another when that is closed", async () => {
    const ends = [new AbortController(), new AbortController()];
    const times = [new ManualTimer(), new ManualTimer()];
    const [first, second] = ends.map(({ signal }, index) =>
      openTab(
        `tab ${index}`,
        indexedDbQueue("boards", {
          indexedDB,
          locks: undefined,
          BroadcastChannel: channels.of(signal),
          ...(times[index] && { timer: times[index].timer }),
        }),
      ),
    ) as [Client, Client];
    await Promise.all([first.live(), second.live()]);
    for (const time of times) {
      if (time.delaysMs.includes(ANSWER_MS)) time.fire(ANSWER_MS);
      await turns(5);
    }
    const accepted = [
      first.dispatch(step("a")).accepted,
      second.dispatch(step("b")).accepted,
      first.dispatch(step("c")).accepted,
    ];
    await Promise.all(accepted);
    const senders = [...new Set(posts().map(({ client }) => client))];
    expect(senders).toHaveLength(1);
    const sent = posts().flatMap(({ body }) => body as QueuedEvent[]);
    expect(sent).toHaveLength(3);

    const [one, other] = senders[0] === "tab 0" ? [first, second] : [second, first];
    one.store.sync.close();
    await until(() => times.some(({ delaysMs }) => delaysMs.includes(ANSWER_MS)));
    await turns(5);
    for (const time of times) if (time.delaysMs.includes(ANSWER_MS)) time.fire(ANSWER_MS);
    expect(await other.dispatch(step("d")).accepted).toMatchObject({ position: 4 });
    await other.caughtUpWith(4);
  });
});

describe("pending events in IndexedDB", () => {
  it("survive a closed browser, are shown without a network, and are sent once, in order", async () => {
    network.hold = () => true;
    const before = openTab("before");
    const names = ["a", "b", "c"];
    for (const name of names) before.dispatch(step(name));
    before.store.sync.close();
    network.forget("before");
    locks = new SimulatedLocks();
    const stored = openQueue();
    await until(async () => expect((await stored.read([])).waiting).toHaveLength(3));
    await turns(50);

    const after = openTab("after");
    await until(() => expect(after.steps()).toEqual(names));
    expect(after.sync).toMatchObject({ position: null, storage: "persistent" });
    network.hold = () => false;
    network.step();
    await after.caughtUpWith(3);
    expect(server.log.map(({ payload }) => payload)).toEqual(names.map((it) => step(it).payload));
    await until(async () => expect((await stored.read([])).waiting).toEqual([]));
  });

  it("are shared by the tabs: all show them in one order, one tab sends", async () => {
    network.hold = isPost;
    const [ann, bob] = [openTab("ann"), openTab("bob")];
    await Promise.all([ann.live(), bob.live()]);
    ann.dispatch(step("a1"));
    bob.dispatch(step("b1"));
    ann.dispatch(step("a2"));
    await until(() => expect(ann.steps()).toHaveLength(3));
    await until(() => expect(bob.steps()).toEqual(ann.steps()));
    const order = ann.steps();
    network.hold = () => false;
    network.step();
    await Promise.all([ann.caughtUpWith(3), bob.caughtUpWith(3)]);
    expect(bob.steps()).toEqual(order);
    expect(new Set(posts().map(({ client }) => client)).size).toBe(1);
    const sent = posts().flatMap(({ body }) => body as QueuedEvent[]);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(3);
    expect(sent).toHaveLength(3);
  });

  it("are rejected in all tabs, and each is told why", async () => {
    network.hold = isPost;
    const [ann, bob] = [openTab("ann"), openTab("bob")];
    await Promise.all([ann.live(), bob.live()]);
    const { accepted, id } = bob.dispatch(step("second", "plan", 1));
    await until(() => expect(ann.steps()).toEqual(["second"]));
    server.dispatch([step("first")]);
    network.hold = () => false;
    network.step();
    await expect(accepted).rejects.toThrow("board_full");
    for (const tab of [ann, bob]) {
      await tab.caughtUpWith(1);
      expect(tab.steps()).toEqual(["first"]);
      expect(tab.sync.lastRejection).toMatchObject({ id, code: "board_full", by: "server" });
      expect(tab.rejections).toHaveLength(1);
    }
  });

  it("are withdrawn in all tabs by any of them, and what is behind goes on", async () => {
    network.answer = (path, body) =>
      path === "/events" && JSON.stringify(body).includes("poison")
        ? { status: 500, body: { code: "internal", detail: "No." } }
        : undefined;
    const ann = await openTab("ann").live();
    const bob = await openTab("bob").live();
    const poison = ann.dispatch(step("poison"));
    await until(() => expect(ann.sync.blockage).toMatchObject({ id: poison.id }));
    const behind = ann.dispatch(step("behind"));
    for (const tab of [ann, bob]) {
      await until(() => expect(tab.sync.blockage).toMatchObject({ id: poison.id, status: 500 }));
      await until(() => expect(tab.steps()).toEqual(["poison", "behind"]));
    }
    expect(await bob.store.sync.withdraw(poison.id)).toMatchObject({ mayBeRecorded: true });
    await expect(poison.accepted).rejects.toBeInstanceOf(WithdrawnError);
    // Nobody lets the wait for another attempt end.
    expect(await behind.accepted).toMatchObject({ position: 1 });
    for (const tab of [ann, bob]) {
      await until(() => expect(tab.sync).toMatchObject({ pending: [], blockage: null }));
      expect(tab.steps()).toEqual(["behind"]);
      expect(tab.rejections).toEqual([]);
    }
  });

  it("are sent again when somebody has signed in in any tab", async () => {
    network.answer = (path) =>
      path === "/events"
        ? { status: 401, body: { code: "unauthorized", detail: "Sign in." } }
        : undefined;
    const ann = await openTab("ann").live();
    const bob = await openTab("bob").live();
    const { accepted } = ann.dispatch(step("a"));
    for (const tab of [ann, bob]) {
      await until(() => expect(tab.sync.blockage).toMatchObject({ isPaused: true }));
    }
    network.answer = () => undefined;
    bob.store.sync.resume();
    expect(await accepted).toMatchObject({ position: 1 });
    for (const tab of [ann, bob]) {
      await until(() => expect(tab.sync).toMatchObject({ pending: [], blockage: null }));
    }
  });

  it("are sent by another tab when the one that sends is closed", async () => {
    const end = new AbortController();
    network.hold = isPost;
    const first = openTab("first", openQueue("boards", end.signal));
    await first.live();
    const second = openTab("second");
    await second.live();
    const { accepted } = second.dispatch(step("a"));
    await until(() => expect(network.underWay.map(({ client }) => client)).toEqual(["first"]));
    network.forget("first");
    end.abort();
    network.hold = () => false;
    network.step();
    expect(await accepted).toMatchObject({ position: 1 });
    await second.caughtUpWith(1);
  });

  it("are found by the tab that sends, though it was not told", async () => {
    const [ann, bob] = [openTab("ann"), openTab("bob")];
    await Promise.all([ann.live(), bob.live()]);
    await ann.dispatch(step("a")).accepted;
    const queue = openQueue();
    await until(async () => expect((await queue.read([])).waiting).toHaveLength(0));
    await turns(50);
    channels.isDelivered = () => false;
    const { accepted, id } = bob.dispatch(step("b"));
    await until(async () => expect((await queue.read([])).waiting).toHaveLength(1));
    await turns(50);
    expect(posts()).toHaveLength(1);
    ann.time.fire(POLL_MS);
    expect(await accepted).toEqual({ id, position: 2 });
    await bob.caughtUpWith(2);
  });

  it("are put back where somebody has emptied the storage", async () => {
    network.hold = isPost;
    const client = await openTab("ann").live();
    client.dispatch(step("a"));
    await until(() => client.statuses[0] === "sent");
    await new Promise((resolve) => {
      indexedDB.deleteDatabase("flux-capacitor:boards").onsuccess = resolve;
    });
    network.cut("ann");
    network.hold = () => false;
    await client.caughtUpWith(1);
    expect(client.steps()).toEqual(["a"]);
  });

  it("of a state that was stored are queued, unless they are settled", async () => {
    network.hold = isPost;
    const first = await openTab("first", memoryQueue()).live();
    first.dispatch(step("a"));
    const rejected = first.dispatch(step("b"));
    const stored = JSON.parse(JSON.stringify(first.state));
    first.store.sync.close();
    network.forget("first");
    const queue = openQueue();
    await queue.settle([{ id: rejected.id, rejection: rejectionOf(rejected) }]);
    network.hold = () => false;
    const second = new Client(network, "second", { storage: queue }, stored);
    closing.push(() => second.store.sync.close());
    await second.caughtUpWith(1);
    expect(second.steps()).toEqual(["a"]);
    expect(server.decisions.has(rejected.id)).toBe(false);
  });
});

describe("without a storage that works, events are kept in memory and sent all the same", () => {
  /** What fails, in a queue that works otherwise. */
  const broken: [string, (queue: PendingQueue) => PendingQueue, string][] = [
    [
      "it is denied",
      () => indexedDbQueue("boards", { indexedDB: denying() }),
      "SecurityError: denied",
    ],
    ["there is none", () => indexedDbQueue("boards"), "there is no IndexedDB here"],
    [
      "it is full",
      (queue) => ({
        ...of(queue),
        append: () => Promise.reject(new DOMException("no room", "QuotaExceededError")),
      }),
      "QuotaExceededError: no room",
    ],
    [
      "outcomes can't be written",
      (queue) => ({ ...of(queue), settle: () => Promise.reject(new Error("disk")) }),
      "disk",
    ],
    [
      "it takes no lock",
      (queue) => ({ ...of(queue), lead: () => Promise.reject(new Error("no locks here")) }),
      "no locks here",
    ],
    [
      "it does not answer",
      (queue) => ({ ...of(queue), append: () => new Promise(() => {}) }),
      `it did not answer within ${STORAGE_MS} ms`,
    ],
  ];

  it.each(broken)("because %s", async (_, breaking, reason) => {
    network.hold = isPost;
    const client = await openTab("ann", breaking(openQueue())).live();
    const accepted = ["a", "b"].map((name) => client.dispatch(step(name)).accepted);
    expect(client.steps()).toEqual(["a", "b"]);
    network.hold = () => false;
    network.step();
    await until(() => {
      network.step();
      if (client.time.delaysMs.includes(STORAGE_MS) && reason.includes("answer")) {
        client.time.fire(STORAGE_MS);
      }
      return client.sync.pending.length === 0 && client.sync.position === 2;
    });
    await Promise.all(accepted);
    await until(() => client.sync.storage === "memory");
    expect(client.errors).toHaveLength(1);
    expect(String(client.errors)).toContain("pending events can't be stored");
    expect(String(client.errors)).toContain(reason);
    expect(client.steps()).toEqual(["a", "b"]);
    expect(server.log).toHaveLength(2);
  });

  it("and of what was stored before a withdrawal says that another tab may have sent it", async () => {
    network.answer = (path) =>
      path === "/events" ? { status: 500, body: { code: "internal", detail: "No." } } : undefined;
    const queue = openQueue();
    let isFull = false;
    const append: PendingQueue["append"] = (events) =>
      isFull ? Promise.reject(new Error("full")) : queue.append(events);
    const client = await openTab("ann", { ...of(queue), append }).live();
    const poison = client.dispatch(step("poison"));
    await until(() => expect(client.sync.blockage).toMatchObject({ id: poison.id }));
    const [behind, stored] = ["behind", "stored"].map((name) => client.dispatch(step(name)));
    expect(await client.store.sync.withdraw(behind?.id ?? "")).toMatchObject({
      mayBeRecorded: false,
    });
    isFull = true;
    client.dispatch(step("not stored"));
    await until(() => client.sync.storage === "memory");
    expect(await client.store.sync.withdraw(stored?.id ?? "")).toMatchObject({
      mayBeRecorded: true,
    });
    expect(client.steps()).toEqual(["poison", "not stored"]);
  });

  it("also those that were stored before, and in their order", async () => {
    network.hold = isPost;
    const queue = openQueue();
    let isFull = false;
    const append: PendingQueue["append"] = (events) =>
      isFull ? Promise.reject(new Error("full")) : queue.append(events);
    const client = await openTab("ann", { ...of(queue), append }).live();
    client.dispatch(step("stored"));
    await until(() => client.statuses[0] === "sent");
    isFull = true;
    client.dispatch(step("not stored"));
    await until(() => client.sync.storage === "memory");
    expect(client.steps()).toEqual(["stored", "not stored"]);
    network.hold = () => false;
    network.step();
    await client.caughtUpWith(2);
    expect(client.steps()).toEqual(["stored", "not stored"]);
  });
});

/** A queue whose methods may be replaced. */
function of(queue: PendingQueue): PendingQueue {
  return {
    kind: queue.kind,
    append: (events) => queue.append(events),
    read: (ids) => queue.read(ids),
    settle: (outcomes) => queue.settle(outcomes),
    setBlockage: (blockage) => queue.setBlockage(blockage),
    subscribe: (listener) => queue.subscribe(listener),
    lead: (signal) => queue.lead(signal),
    close: () => queue.close(),
  };
}

function denying(): IDBFactory {
  const open = () => {
    throw new DOMException("denied", "SecurityError");
  };
  return { open } as unknown as IDBFactory;
}
