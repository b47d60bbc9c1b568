/** The synchronisation with Redux Toolkit, over a real HTTP and WebSocket server. */

import { configureStore, createSlice, type PayloadAction } from "@reduxjs/toolkit";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Action,
  createSync,
  indexedDbQueue,
  isLoadedAction,
  type RecordedEvent,
  RejectedError,
  resultOf,
  type SyncOptions,
  WithdrawnError,
} from "../src/index.ts";
import { json, NodeWebSocket, problem, type Received, TestServer } from "./server.ts";
import { SimulatedLocks } from "./simulation/browser.ts";

interface Note {
  readonly id: string;
  readonly title: string;
}

const slice = createSlice({
  name: "notes",
  initialState: [] as Note[],
  reducers: {
    added: (notes, { payload }: PayloadAction<Note>) => {
      notes.push(payload);
    },
  },
  extraReducers: (builder) =>
    builder.addMatcher(isLoadedAction, (_, { payload }) => payload.documents as Note[]),
});
const { added } = slice.actions;

let server: TestServer;
let indexedDB: IDBFactory;
let locks: SimulatedLocks;
let closing: (() => void)[];

beforeEach(async () => {
  server = await new TestServer().start();
  server.answer = dispatchToLog;
  indexedDB = new IDBFactory();
  locks = new SimulatedLocks();
  closing = [];
});
afterEach(async () => {
  for (const close of closing) close();
  await server.stop();
});

/** Records what is dispatched, each id once; refuses notes without a title, fails on "poison". */
function dispatchToLog({ method, body }: Received) {
  if (method !== "POST") return undefined;
  if (JSON.stringify(body).includes("poison")) return problem(500, "internal");
  const actions = body as (Action & { readonly id: string; readonly payload: Note })[];
  const atFault = actions.findIndex(({ payload }) => payload.title === "");
  if (atFault !== -1) return problem(422, "title_empty", { event: atFault, field: "title" });
  const events = actions.map((action): RecordedEvent => {
    const known = server.events.find(({ id }) => id === action.id);
    if (known !== undefined) return known;
    const position = server.events.length + 1;
    const event = { ...action, timestamp: "2016-09-20T07:04:21.000Z", position };
    server.events.push(event);
    server.send([event]);
    return event;
  });
  server.documents = { notes: server.events.map(({ payload }) => payload) };
  return json({ position: server.events.length, events });
}

/** Opens a page of the one browser. */
function open(options: Partial<SyncOptions> = {}) {
  const sync = createSync({
    url: server.url,
    collections: ["notes"],
    events: [added.type],
    storage: indexedDbQueue("notes", { indexedDB, locks: locks.of(new AbortController().signal) }),
    WebSocket: NodeWebSocket,
    backoffFirstMs: 2,
    backoffMaxMs: 20,
    onError: () => {},
    ...options,
  });
  const store = configureStore({
    reducer: { notes: slice.reducer },
    enhancers: (defaults) => defaults().concat(sync),
  });
  closing.push(() => store.sync.close());
  return store;
}

function note(title: string): Note {
  return { id: title, title };
}

async function until(assertion: () => void): Promise<void> {
  await vi.waitFor(assertion, { timeout: 5_000, interval: 2 });
}

it("an event applies at once, is accepted, and reaches another page", async () => {
  const [ann, bob] = [open(), open()];
  const { accepted } = resultOf(ann.dispatch(added(note("Milk"))));
  expect(ann.getState().notes).toEqual([note("Milk")]);
  expect(await accepted).toMatchObject({ position: 1 });
  await until(() => expect(bob.getState().sync).toMatchObject({ position: 1, pending: [] }));
  expect(bob.getState().notes).toEqual([note("Milk")]);
  await until(() => expect(ann.getState().sync.pending).toEqual([]));
  expect(ann.getState().notes).toEqual([note("Milk")]);
});

it("an event that the server rejects disappears, and the app is told why", async () => {
  const store = open();
  const { accepted } = resultOf(store.dispatch(added(note(""))));
  expect(store.getState().notes).toEqual([note("")]);
  const error = await accepted.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RejectedError);
  expect(error).toMatchObject({ rejection: { code: "title_empty", field: "title" } });
  await until(() => expect(store.getState().notes).toEqual([]));
});

it("work goes on while the server is away, and after a reload", async () => {
  const before = open();
  await until(() => expect(before.getState().sync.connection).toBe("live"));
  await server.stop();
  for (const title of ["Milk", "Bread"]) before.dispatch(added(note(title)));
  await until(() => expect(before.getState().sync.connection).toBe("offline"));
  expect(before.getState().notes).toHaveLength(2);
  before.sync.close();

  const after = open();
  await until(() => expect(after.getState().notes).toEqual([note("Milk"), note("Bread")]));
  await server.start();
  await until(() => expect(after.getState().sync).toMatchObject({ position: 2, pending: [] }));
  expect(after.getState().notes).toEqual([note("Milk"), note("Bread")]);
  expect(server.events.map(({ payload }) => payload)).toEqual([note("Milk"), note("Bread")]);
});

const posts = () => server.received.filter(({ method }) => method === "POST");
const titlesOf = (store: ReturnType<typeof open>) =>
  store.getState().notes.map(({ title }) => title);

describe("an event that the server fails on again and again", () => {
  it("blocks what is behind it, which is told, until it is withdrawn", async () => {
    const began = Date.now();
    const store = open();
    const [, poison, behind] = ["Milk", "poison", "Bread"].map((title) =>
      resultOf(store.dispatch(added(note(title)))),
    );
    await until(() => expect(store.getState().sync.blockage).toMatchObject({ id: poison?.id }));
    const { blockage } = store.getState().sync;
    expect(blockage).toMatchObject({ status: 500, code: "internal", isPaused: false });
    expect(blockage?.detail).toBe("Sorry: internal.");
    expect(Date.parse(blockage?.since ?? "")).toBeGreaterThanOrEqual(began);
    const before = posts().length;
    await until(() => expect(posts().length).toBeGreaterThan(before + 2));
    expect(store.getState().sync.blockage).toBe(blockage);
    expect(titlesOf(store)).toEqual(["Milk", "poison", "Bread"]);

    const withdrawal = await store.sync.withdraw(poison?.id ?? "");
    expect(withdrawal).toEqual({ id: poison?.id, type: added.type, mayBeRecorded: true });
    expect(titlesOf(store)).toEqual(["Milk", "Bread"]);
    const error = await poison?.accepted.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WithdrawnError);
    expect(error).toMatchObject({ withdrawal });
    expect(await behind?.accepted).toMatchObject({ position: 2 });
    await until(() => {
      expect(store.getState().sync).toMatchObject({ blockage: null, pending: [], position: 2 });
    });
    expect(titlesOf(store)).toEqual(["Milk", "Bread"]);
    expect(server.events.map(({ payload }) => payload)).toEqual([note("Milk"), note("Bread")]);
  });

  it("does not hide what is certain: what is behind it was never sent", async () => {
    const store = open();
    await until(() => expect(store.getState().sync.connection).toBe("live"));
    const poison = resultOf(store.dispatch(added(note("poison"))));
    await until(() => expect(store.getState().sync.blockage).toMatchObject({ id: poison.id }));
    const behind = resultOf(store.dispatch(added(note("Bread"))));
    expect(await store.sync.withdraw(behind.id)).toMatchObject({ mayBeRecorded: false });
    await expect(behind.accepted).rejects.toThrow("withdrawn before it was sent");
    await store.sync.withdraw(poison.id);
    await until(() => expect(store.getState().sync).toMatchObject({ blockage: null, pending: [] }));
    expect(JSON.stringify(posts())).not.toContain("Bread");
    expect(server.events).toEqual([]);
  });

  it("stays withdrawn after a reload", async () => {
    const before = open();
    const { id } = resultOf(before.dispatch(added(note("poison"))));
    before.dispatch(added(note("Bread")));
    await until(() => expect(before.getState().sync.blockage).toMatchObject({ id }));
    await before.sync.withdraw(id);
    before.sync.close();
    const after = open();
    await until(() => expect(after.getState().sync).toMatchObject({ position: 1, pending: [] }));
    expect(titlesOf(after)).toEqual(["Bread"]);
  });
});

describe("where somebody has to sign in first", () => {
  it.each([
    ["the server says so", problem(401, "unauthorized"), "unauthorized"],
    ["a proxy's page says so", { status: 401, type: "text/html", body: "<h1>Sign in" }, null],
  ])("nothing is sent until the app resumes: %s", async (_, answer, code) => {
    const errors: unknown[] = [];
    const store = open({ onError: (error) => errors.push(error) });
    await until(() => expect(store.getState().sync.connection).toBe("live"));
    server.answer = (received) => (received.method === "POST" ? answer : undefined);
    const first = resultOf(store.dispatch(added(note("Milk"))));
    const blockage = { id: first.id, status: 401, code, isPaused: true };
    await until(() => expect(store.getState().sync.blockage).toMatchObject(blockage));
    const second = resultOf(store.dispatch(added(note("Bread"))));
    await until(() => expect(store.getState().sync.pending).toHaveLength(2));
    // Stored, and so looked at by what sends.
    await store.sync.withdraw("an event that is none");
    expect(posts()).toHaveLength(1);
    expect(errors).toHaveLength(1);
    expect(titlesOf(store)).toEqual(["Milk", "Bread"]);

    server.answer = dispatchToLog;
    store.sync.resume();
    expect(await first.accepted).toMatchObject({ position: 1 });
    expect(await second.accepted).toMatchObject({ position: 2 });
    await until(() => expect(store.getState().sync).toMatchObject({ blockage: null, pending: [] }));
  });

  it("a connection that is live again ends the pause, and so does a reload", async () => {
    const store = open();
    await until(() => expect(store.getState().sync.connection).toBe("live"));
    server.answer = ({ method }) => (method === "POST" ? problem(401, "unauthorized") : undefined);
    store.dispatch(added(note("Milk")));
    const isPaused = (of: typeof store) =>
      until(() => expect(of.getState().sync.blockage).toMatchObject({ isPaused: true }));
    await isPaused(store);
    server.answer = dispatchToLog;
    server.cut();
    await until(() => expect(store.getState().sync).toMatchObject({ position: 1, pending: [] }));

    server.answer = ({ method }) => (method === "POST" ? problem(401, "unauthorized") : undefined);
    store.dispatch(added(note("Bread")));
    await isPaused(store);
    store.sync.close();
    server.answer = dispatchToLog;
    const reloaded = open();
    const sync = { position: 2, pending: [], blockage: null };
    await until(() => expect(reloaded.getState().sync).toMatchObject(sync));
  });
});

describe("an event whose answer is lost", () => {
  it("may be withdrawn, and comes back if the server has it", async () => {
    const store = open();
    await until(() => expect(store.getState().sync.connection).toBe("live"));
    const confirmed: string[] = [];
    store.sync.onConfirmed(({ id }) => confirmed.push(id));
    let release = () => {};
    server.answer = (received) => {
      if (received.method !== "POST") return undefined;
      release = () => void dispatchToLog(received);
      return "never";
    };
    const { id, accepted } = resultOf(store.dispatch(added(note("Milk"))));
    await until(() => expect(posts()).toHaveLength(1));
    expect(await store.sync.withdraw(id)).toMatchObject({ mayBeRecorded: true });
    await expect(accepted).rejects.toThrow("it comes back as a recorded event");
    expect(titlesOf(store)).toEqual([]);
    release();
    await until(() => expect(store.getState().sync).toMatchObject({ position: 1, pending: [] }));
    expect(titlesOf(store)).toEqual(["Milk"]);
    expect(confirmed).toEqual([id]);
  });

  it("can't be withdrawn once its answer is known", async () => {
    const store = open();
    const { id, accepted } = resultOf(store.dispatch(added(note("Milk"))));
    await accepted;
    expect(await store.sync.withdraw(id)).toBe(null);
    expect(titlesOf(store)).toEqual(["Milk"]);
  });

  it("can't be withdrawn after the end", async () => {
    const store = open();
    store.sync.close();
    await expect(store.sync.withdraw("a")).rejects.toThrow("after `close()`");
  });
});
