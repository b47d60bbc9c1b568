/**
 * Bad input to a page with the real reducer, on the real server: a clear error, the state unharmed,
 * and what is pending is sent all the same.
 */

import { readFile } from "node:fs/promises";
import {
  createId,
  createSync,
  memoryQueue,
  RejectedError,
  resultOf,
  selectAll,
} from "@flux-capacitor/client";
import { combineReducers, legacy_createStore } from "redux";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import init, {
  type NoteEvent,
  notes,
  onRejected,
} from "../../examples/notes/wasm/pkg-web/notes_wasm.js";
import { NotesServer } from "../browser/notes-server.ts";

let server: NotesServer;
let closing: (() => void)[];
let errors: string[];

beforeEach(async () => {
  server = new NotesServer();
  await server.start();
  closing = [];
  errors = [];
});
afterEach(async () => {
  for (const close of closing) close();
  await server.remove();
});

function open(preloaded?: object) {
  const sync = createSync<NoteEvent>({
    url: `${server.url}/api`,
    collections: ["notes"],
    events: ["noteAdded", "noteTitleEdited", "noteContentEdited", "noteRemoved"],
    rejections: onRejected,
    storage: memoryQueue(),
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    onError: (error) => errors.push(String(error)),
    backoffFirstMs: 4,
    backoffMaxMs: 50,
  });
  const store = legacy_createStore(combineReducers({ notes }), preloaded as never, sync);
  closing.push(() => store.sync.close());
  return store;
}

function added(title: unknown, more: object = {}) {
  const payload = { id: createId(), title, text: "", createdAt: "2016-09-20T07:04:21.000Z" };
  return { type: "noteAdded", payload, ...more } as unknown as NoteEvent;
}

const titlesOf = (store: ReturnType<typeof open>) =>
  selectAll(store.getState().notes).map(({ title }) => title);

it("a store that is made before the WebAssembly is there says what to do", () => {
  expect(() => open()).toThrow("call and await init()");
});

describe("once it is there", () => {
  beforeAll(async () => {
    const wasm = new URL("../../examples/notes/wasm/pkg-web/notes_wasm_bg.wasm", import.meta.url);
    await init({ module_or_path: await readFile(wasm) });
  });

  const refused: [string, () => NoteEvent, string][] = [
    ["a payload of the wrong kind", () => added(7), "invalid_payload"],
    ["no payload", () => ({ type: "noteAdded" }) as unknown as NoteEvent, "invalid_payload"],
    ["half of a surrogate pair", () => added("a\ud800"), "invalid_payload"],
    ["a number that JSON has not", () => added(Number.NaN), "invalid_payload"],
    [
      "an integer beyond 2^53",
      () => added("a", { meta: { count: 2 ** 53 } }),
      "integer_out_of_range",
    ],
    ["an id that is none", () => added("a", { id: "seven" }), "invalid_action"],
  ];

  it.each(refused)("%s is refused here, and never sent", async (_, event, code) => {
    const store = open();
    const before = resultOf(store.dispatch(added("before")));
    const state = store.getState().notes;
    const { applied, accepted } = resultOf(store.dispatch(event()));
    await expect(applied).rejects.toBeInstanceOf(RejectedError);
    await expect(accepted).rejects.toMatchObject({ rejection: { code, by: "reducer" } });
    expect(store.getState().notes).toBe(state);
    const after = resultOf(store.dispatch(added("after")));
    expect([(await before.accepted).position, (await after.accepted).position]).toEqual([1, 2]);
    expect(errors).toEqual([]);
  });

  it.each([
    ["a bigint", () => added("a", { meta: { count: 2n ** 60n } }), "can't be sent"],
    ["an action that is no object", () => 7 as unknown as NoteEvent, "plain objects"],
    ["an action without a type", () => ({}) as unknown as NoteEvent, '"type" property'],
  ])("%s is thrown back", async (_, event, message) => {
    const store = open();
    const state = store.getState();
    expect(() => store.dispatch(event())).toThrow(message);
    expect(store.getState()).toBe(state);
    expect(await resultOf(store.dispatch(added("after"))).accepted).toMatchObject({ position: 1 });
  });

  it.each([
    ["of another version", (state: object) => ({ ...state, version: 2 })],
    ["of another shape", () => ({ byId: {} })],
    ["that is a text", () => "notes"],
  ])(
    "a stored state %s is replaced by the server's, and what was pending is sent",
    async (_, change) => {
      const first = open();
      await resultOf(first.dispatch(added("recorded"))).accepted;
      await vi.waitFor(() => expect(first.getState().sync.pending).toEqual([]));
      const stop = server.stop();
      first.dispatch(added("pending"));
      const stored = JSON.parse(JSON.stringify(first.getState()));
      first.sync.close();
      await stop;
      stored.notes = change(stored.notes);
      stored.sync.confirmed.notes = change(stored.sync.confirmed.notes);

      await server.start();
      const second = open(stored);
      await vi.waitFor(
        () => expect(second.getState().sync).toMatchObject({ position: 2, pending: [] }),
        { timeout: 10_000 },
      );
      expect(titlesOf(second).toSorted()).toEqual(["pending", "recorded"]);
    },
  );
});
