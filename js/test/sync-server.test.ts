/** The synchronisation with Redux Toolkit, over a real HTTP and WebSocket server. */

import { configureStore, createSlice, type PayloadAction } from "@reduxjs/toolkit";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  type Action,
  createSync,
  indexedDbQueue,
  isLoadedAction,
  type RecordedEvent,
  RejectedError,
  resultOf,
} from "../src/index.ts";
import { json, NodeWebSocket, problem, type Received, TestServer } from "./server.ts";

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
let closing: (() => void)[];

beforeEach(async () => {
  server = await new TestServer().start();
  server.answer = dispatchToLog;
  indexedDB = new IDBFactory();
  closing = [];
});
afterEach(async () => {
  for (const close of closing) close();
  await server.stop();
});

/** Records what is dispatched, each id once; refuses notes without a title. */
function dispatchToLog({ method, body }: Received) {
  if (method !== "POST") return undefined;
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
function open() {
  const sync = createSync({
    url: server.url,
    collections: ["notes"],
    events: [added.type],
    storage: indexedDbQueue("notes", { indexedDB }),
    WebSocket: NodeWebSocket,
    backoffFirstMs: 2,
    backoffMaxMs: 20,
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
