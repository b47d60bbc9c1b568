import { combineReducers, legacy_createStore } from "redux";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createId, createSync, RejectedError, resultOf, type SyncState } from "../src/index.ts";
import { boardsReducer, step } from "./simulation/boards.ts";
import { Client, until } from "./simulation/client.ts";
import { Network, type UnderWay } from "./simulation/network.ts";
import { SimulatedServer } from "./simulation/server.ts";

let server: SimulatedServer;
let network: Network;
let opened: Client[];

beforeEach(() => {
  server = new SimulatedServer();
  network = new Network(server);
  opened = [];
});
afterEach(() => {
  for (const client of opened) client.store.sync.close();
  vi.restoreAllMocks();
});

function open(...rest: [name?: string, options?: object, preloaded?: object]): Client {
  const [name = "ann", options, preloaded] = rest;
  const client = new Client(network, name, options, preloaded);
  opened.push(client);
  return client;
}

const isPost = ({ body, kind }: UnderWay) => body !== undefined && kind === "request";
const isAnswer = ({ body, kind }: UnderWay) => body !== undefined && kind === "answer";
const isFrame = ({ kind }: UnderWay) => kind === "frame";

/** Lets what is held now arrive. */
function release(hold: (thing: UnderWay) => boolean = () => false): void {
  network.hold = hold;
  network.step();
}

describe("the view is what is confirmed and the pending events run again", () => {
  it("a dispatched event applies at once, and is pending", async () => {
    network.hold = isPost;
    const client = await open().live();
    const { id, applied } = client.dispatch(step("a"));
    expect(client.steps()).toEqual(["a"]);
    expect(client.confirmedSteps()).toEqual([]);
    expect(client.sync.pending).toEqual([{ id, ...step("a"), status: "waiting" }]);
    await applied;
    await until(() => client.statuses[0] === "sent");
  });

  it("events of others go below the pending ones", async () => {
    network.hold = isPost;
    const client = await open().live();
    client.dispatch(step("mine"));
    server.dispatch([step("theirs")]);
    await until(() => client.sync.position === 1);
    expect(client.confirmedSteps()).toEqual(["theirs"]);
    expect(client.steps()).toEqual(["theirs", "mine"]);
  });

  it("all events of a frame and the pending ones are one step of the reducer", async () => {
    network.hold = (thing) => isPost(thing) || isFrame(thing);
    const client = await open().live();
    client.dispatch(step("mine"));
    await until(() => client.statuses[0] === "sent");
    const views: unknown[] = [];
    client.store.subscribe(() => views.push(client.steps()));
    server.dispatch([step("a"), step("b"), step("c")]);
    release(isPost);
    await until(() => client.sync.position === 3);
    expect(views).toEqual([["a", "b", "c", "mine"]]);
  });

  it.each([
    ["before the answer", isAnswer, []],
    ["after the answer", isFrame, ["accepted"]],
  ])("the echo is known by its id %s, and nothing flickers", async (_, held, meanwhile) => {
    network.hold = held;
    const client = await open().live();
    const views: unknown[] = [];
    client.dispatch(step("a"));
    client.store.subscribe(() => views.push(client.steps().join()));
    await until(() => expect(network.underWay).toHaveLength(1));
    await until(() => expect(client.statuses).toEqual(meanwhile));
    release();
    await until(() => client.sync.pending.length === 0 && client.sync.position === 1);
    expect(client.confirmedSteps()).toEqual(["a"]);
    expect(new Set(views)).toEqual(new Set(["a"]));
  });

  it("an event has a status on its way: waiting, sent, accepted, then it is confirmed", async () => {
    network.hold = (thing) => isPost(thing) || isFrame(thing);
    const client = await open().live();
    const statuses: unknown[] = [];
    client.store.subscribe(() => statuses.push(client.statuses[0] ?? "confirmed"));
    const { accepted, id } = client.dispatch(step("a"));
    await until(() => client.statuses[0] === "sent");
    release(isFrame);
    expect(await accepted).toEqual({ id, position: 1 });
    await until(() => client.statuses[0] === "accepted");
    release();
    await until(() => client.sync.pending.length === 0);
    expect([...new Set(statuses)]).toEqual(["waiting", "sent", "accepted", "confirmed"]);
  });

  it("a rejected event disappears, the others run again, and the app is told why", async () => {
    network.hold = isPost;
    const client = await open().live();
    const rejected = client.dispatch(step("second", "plan", 1));
    const kept = client.dispatch(step("third"));
    expect(client.steps()).toEqual(["second", "third"]);
    server.dispatch([step("first")]);
    await until(() => client.sync.position === 1);
    // Refused where it runs again, it has no effect; the server has the last word.
    expect(client.steps()).toEqual(["first", "third"]);
    expect(client.sync.pending).toHaveLength(2);
    release();
    await expect(rejected.accepted).rejects.toBeInstanceOf(RejectedError);
    expect(await kept.accepted).toMatchObject({ position: 2 });
    const rejection = {
      id: rejected.id,
      type: "stepAdded",
      code: "board_full",
      detail: "Sorry: board_full.",
      by: "server",
    };
    await until(() => client.sync.pending.length === 0);
    expect(client.sync.lastRejection).toEqual(rejection);
    expect(client.rejections).toEqual([rejection]);
    expect(client.steps()).toEqual(["first", "third"]);
    expect(server.decisions.get(rejected.id)).toEqual(["rejected"]);
  });

  it("a rejected event is taken out of the middle of the view", async () => {
    // The server knows of a limit that the client's reducer does not refuse by.
    network.answer = (path, body) =>
      path === "/events" && JSON.stringify(body).includes("bad")
        ? { status: 422, body: { code: "bad", detail: "No.", field: "step" } }
        : undefined;
    network.hold = isPost;
    const client = await open().live();
    for (const name of ["a", "bad", "c"]) client.dispatch(step(name));
    expect(client.steps()).toEqual(["a", "bad", "c"]);
    release();
    await until(() => client.sync.pending.length === 0);
    expect(client.steps()).toEqual(["a", "c"]);
    expect(client.sync.lastRejection).toMatchObject({ code: "bad", field: "step", by: "server" });
  });

  it("a rejection is none any more once the event is recorded: a request came late", async () => {
    const client = await open().live();
    network.answer = (path, body) =>
      path === "/events" && JSON.stringify(body).includes("late")
        ? { status: 422, body: { code: "bad", detail: "No." } }
        : undefined;
    const { id, accepted } = client.dispatch(step("late"));
    await accepted.catch(() => {});
    await until(() => client.sync.lastRejection?.id === id);
    server.dispatch([{ id, ...step("late") }]);
    await until(() => client.sync.position === 1);
    expect(client.sync.lastRejection).toBe(null);
    expect(client.steps()).toEqual(["late"]);
    expect(client.confirmed).toHaveLength(1);
  });

  it("what is confirmed is in nobody's way, whatever the queue still says of it", async () => {
    network.hold = isPost;
    const client = await open().live();
    const { id, applied } = client.dispatch(step("a"));
    await applied;
    const event = { ...step("a"), id };
    const since = "2026-11-26T00:00:00.000Z";
    const why = { status: 500, code: null, detail: "", isPaused: false, since };
    const blockage = { id, type: event.type, ...why };
    const payload = { waiting: [event], accepted: [], rejected: [], withdrawn: [], blockage };
    const told = { type: "@@flux-capacitor/queueRead", payload } as never;
    client.store.dispatch(told);
    expect(client.sync.blockage).toEqual(blockage);
    const unfounded: SyncState[] = [];
    client.store.subscribe(() => {
      const { sync } = client;
      const isPending = sync.pending.some((pending) => pending.id === sync.blockage?.id);
      if (sync.blockage !== null && !isPending) unfounded.push(sync);
    });
    server.dispatch([event]);
    await until(() => client.confirmedSteps().length === 1);
    expect(unfounded).toEqual([]);
  });

  it("the app is told what a rejected event was, to offer it again", async () => {
    network.hold = isPost;
    const client = await open().live();
    const told: unknown[] = [];
    client.store.sync.onRejected((rejection, event) => told.push([rejection.by, event]));
    const second = client.dispatch(step("second", "plan", 1));
    server.dispatch([step("first")]);
    release();
    await second.accepted.catch(() => {});
    const third = client.dispatch(step("third", "plan", 1));
    await until(() => expect(told).toHaveLength(2));
    expect(told).toEqual([
      ["server", { id: second.id, ...step("second", "plan", 1) }],
      ["reducer", { id: third.id, ...step("third", "plan", 1) }],
    ]);
  });

  it("an event that the reducer here refuses is not queued", async () => {
    const client = await open().live();
    await client.dispatch(step("a")).accepted;
    const { applied, accepted, id } = client.dispatch(step("b", "plan", 1));
    await expect(applied).rejects.toThrow(
      'the reducer rejected "stepAdded": plan is full (board_full)',
    );
    await expect(accepted).rejects.toBeInstanceOf(RejectedError);
    expect(client.sync.pending.filter((pending) => pending.id === id)).toEqual([]);
    expect(client.sync.lastRejection).toMatchObject({ id, code: "board_full", by: "reducer" });
    expect(client.rejections).toHaveLength(1);
    expect(network.arrived.filter(({ body }) => body !== undefined)).toHaveLength(1);
  });

  it("an event that the reducer here refuses is not queued, whichever store of the page has it", async () => {
    const { boards, onRejected } = boardsReducer();
    const clients = [1, 2].map((index) => {
      const client = open(`ann ${index}`, { rejections: onRejected });
      client.store.replaceReducer(combineReducers({ boards, seen: () => null }));
      return client;
    });
    for (const client of clients) {
      const { applied } = client.dispatch(step("a", "plan", 0));
      await expect(applied).rejects.toThrow("board_full");
    }
  });

  it("promises that nobody handles do not end the process", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const client = await open().live();
    client.dispatch(step("a", "plan", 0));
    network.answer = (path) =>
      path === "/events" ? { status: 422, body: { code: "no", detail: "No." } } : undefined;
    client.dispatch(step("b"));
    await until(() => expect(client.rejections).toHaveLength(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
    process.off("unhandledRejection", unhandled);
  });

  it("the same event dispatched twice is one", async () => {
    network.hold = isPost;
    const client = await open().live();
    const event = { ...step("a"), id: createId() };
    expect(client.dispatch(event)).toBe(client.dispatch(event));
    expect(client.steps()).toEqual(["a"]);
    release();
    await until(() => client.sync.pending.length === 0);
    expect(server.log).toHaveLength(1);
  });

  it("an event is applied as the server will read it: as JSON", async () => {
    const client = await open().live();
    const payload = { board: "plan", step: new Date(0), none: undefined };
    const { id } = client.dispatch({ type: "stepAdded", payload, extra: 1 } as never);
    expect(client.steps()).toEqual(["1970-01-01T00:00:00.000Z"]);
    expect(client.actions.at(-1)).toEqual({
      id,
      type: "stepAdded",
      payload: { board: "plan", step: "1970-01-01T00:00:00.000Z" },
    });
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    expect(() => client.dispatch({ type: "stepAdded", payload: cyclic })).toThrow(
      'the event "stepAdded" can\'t be sent',
    );
  });
});

describe("the rest of the application", () => {
  it("never sees the key of the synchronisation", async () => {
    const complaint = vi.spyOn(console, "error").mockImplementation(() => {});
    const client = await open().live();
    client.dispatch(step("a"));
    await until(() => client.sync.position === 1);
    expect(complaint).not.toHaveBeenCalled();
  });

  it("is untouched by it: an action that is no event goes through, and is not sent", async () => {
    const client = await open().live();
    const action = { type: "panelOpened" };
    expect(client.store.dispatch(action)).toBe(action);
    expect(client.state.seen).toEqual(["panelOpened"]);
    expect(client.sync.pending).toEqual([]);
  });

  it("keeps its state where nothing changes", async () => {
    const client = await open().live();
    client.store.replaceReducer((state: unknown = { boards: {}, seen: [] }) => state);
    const before = client.state;
    client.store.dispatch({ type: "unknown" });
    expect(client.state).toBe(before);
  });

  it("sees each event once: a local one, one of others, not the echo, not when run again", async () => {
    network.hold = isPost;
    const client = await open().live();
    client.dispatch(step("mine"));
    server.dispatch([step("theirs"), { type: "boardCleared", payload: { board: "other" } }]);
    await until(() => client.sync.position === 2);
    expect(client.state.seen).toEqual(["stepAdded", "stepAdded", "boardCleared"]);
    release();
    await until(() => client.sync.position === 3);
    expect(client.state.seen).toHaveLength(3);
  });

  it("may have more slices that follow the server's order", async () => {
    network.hold = isPost;
    const client = await open("ann", { slices: ["seen"] }).live();
    client.dispatch(step("mine"));
    server.dispatch([{ type: "boardCleared", payload: { board: "other" } }]);
    await until(() => client.sync.position === 1);
    expect(client.state.seen).toEqual(["boardCleared", "stepAdded"]);
  });

  it("may change a synced slice itself, and the change stays", async () => {
    network.hold = isPost;
    const client = await open("ann", { slices: ["seen"] }).live();
    client.dispatch(step("mine"));
    client.store.dispatch({ type: "local" });
    server.dispatch([{ type: "boardCleared", payload: { board: "other" } }]);
    await until(() => client.sync.position === 1);
    expect(client.state.seen).toEqual(["local", "boardCleared", "stepAdded"]);
  });

  it("can go back in time: the same actions give the same states, from any that is stored", async () => {
    network.hold = isPost;
    const client = await open().live();
    client.dispatch(step("mine"));
    server.dispatch([step("theirs")]);
    await until(() => client.sync.position === 1);
    release();
    await until(() => client.sync.pending.length === 0 && client.sync.position === 2);
    let state: unknown;
    for (const action of client.actions) {
      state = JSON.parse(JSON.stringify(client.reduce(state, action)));
    }
    expect(state).toEqual(client.state);
  });
});

describe("side effects", () => {
  it("bind to confirmed events, each once, after they are in the state", async () => {
    network.hold = isPost;
    const client = await open().live();
    const positions: unknown[] = [];
    client.store.sync.onConfirmed((event) =>
      positions.push([event.position, client.sync.position]),
    );
    client.dispatch(step("mine"));
    expect(client.confirmed).toEqual([]);
    server.dispatch([step("theirs")]);
    await until(() => expect(client.confirmed).toHaveLength(1));
    release();
    await until(() => expect(client.confirmed).toHaveLength(2));
    network.send(server.log);
    server.dispatch([step("last")]);
    await until(() => expect(client.confirmed).toHaveLength(3));
    expect(client.confirmed).toEqual(server.log);
    expect(positions).toEqual([1, 2, 3].map((at) => [at, at]));
  });

  it("that throw are told, and end nothing", async () => {
    const client = await open().live();
    client.store.sync.onConfirmed(() => {
      throw new Error("no, thanks");
    });
    client.store.subscribe(() => {
      if (client.sync.position === 1) throw new Error("nor this");
    });
    server.dispatch([step("a")]);
    await until(() => expect(client.confirmed).toHaveLength(1));
    expect(client.errors.map(String)).toEqual(["Error: nor this", "Error: no, thanks"]);
    expect(client.sync.connection).toBe("live");
  });
});

describe("coming back", () => {
  it("sends what was dispatched while the server was away, once and in order", async () => {
    const client = await open().live();
    network.hold = () => true;
    network.cut("ann");
    const names = ["a", "b", "c"];
    const accepted = names.map((name) => client.dispatch(step(name)).accepted);
    await until(() => client.statuses[0] === "sent");
    network.cut("ann");
    await until(() => client.sync.connection === "offline");
    expect(client.steps()).toEqual(names);
    release();
    await client.caughtUpWith(3);
    await Promise.all(accepted);
    expect(server.log.map(({ payload }) => payload)).toEqual(names.map((it) => step(it).payload));
    expect(client.steps()).toEqual(names);
    expect(client.errors).toEqual([]);
  });

  it("sends again with the same id what may have arrived, and it takes effect once", async () => {
    network.hold = (thing) => isAnswer(thing) || isFrame(thing);
    const client = await open().live();
    const { accepted } = client.dispatch(step("a"));
    await until(() => network.underWay.some(isAnswer));
    network.cut("ann");
    expect(server.log).toHaveLength(1);
    release();
    await client.caughtUpWith(1);
    expect(await accepted).toMatchObject({ position: 1 });
    expect(client.steps()).toEqual(["a"]);
    expect(server.log).toHaveLength(1);
  });

  it("resumes by position, from a state that was stored as well", async () => {
    const first = await open().live();
    await first.dispatch(step("a")).accepted;
    await until(() => first.sync.position === 1);
    const stored = JSON.parse(JSON.stringify(first.state));
    first.store.sync.close();
    server.dispatch([step("b")]);
    network.arrived.length = 0;
    expect(stored.sync).toMatchObject({ connection: "live", storage: "memory" });
    const second = open("ann", {}, stored);
    expect(second.sync).toMatchObject({ connection: "connecting", storage: "opening" });
    expect(second.steps()).toEqual(["a"]);
    await until(() => second.sync.position === 2);
    expect(second.steps()).toEqual(["a", "b"]);
    expect(network.arrived.map(({ path }) => path)).not.toContain("/collections?names=boards");
  });

  it("loads the whole state where the gap is large", async () => {
    const client = await open("ann", { gapMax: 3 }).live();
    network.hold = isPost;
    client.dispatch(step("mine"));
    for (const [missed, loads] of [
      [3, 1],
      [4, 2],
    ] as const) {
      network.cut("ann");
      for (let count = 0; count < missed; count += 1) server.dispatch([step(`m${count}`)]);
      await until(() => {
        client.passWaits();
        return client.sync.position === server.log.length;
      });
      const paths = network.arrived.map(({ path }) => path);
      expect(paths.filter((path) => path.startsWith("/collections"))).toHaveLength(loads);
    }
    expect(client.confirmed).toHaveLength(3);
    expect(client.steps().slice(0, -1)).toEqual(client.confirmedSteps());
    expect(client.steps().at(-1)).toBe("mine");
  });

  it("drops what another log had accepted, and sends what waits to the new one", async () => {
    network.hold = isFrame;
    const client = await open().live();
    await client.dispatch(step("a")).accepted;
    await until(() => client.statuses[0] === "accepted");
    network.hold = () => true;
    network.cut("ann");
    client.dispatch(step("b"));
    server.log.length = 0;
    server.boards = {};
    server.dispatch([step("new")]);
    await until(() => network.underWay.some(isPost));
    release();
    await client.caughtUpWith(2);
    expect(client.steps()).toEqual(["new", "b"]);
  });
});

describe("what is in the state", () => {
  it("is the connection, the position, what is pending and the last rejection", async () => {
    network.hold = isPost;
    const client = open();
    expect(client.sync).toEqual({
      connection: "connecting",
      storage: "opening",
      position: null,
      eventId: null,
      confirmed: { boards: {} },
      pending: [],
      lastRejection: null,
      blockage: null,
    } satisfies SyncState);
    await client.live();
    server.dispatch([step("a")]);
    await until(() => client.sync.position === 1);
    expect(client.sync).toMatchObject({ eventId: server.log[0]?.id, storage: "memory" });
    network.cut("ann");
    await until(() => client.sync.connection === "offline");
    client.store.sync.close();
    expect(client.sync.connection).toBe("closed");
    expect(() => client.dispatch(step("late"))).toThrow("dispatched after `store.sync.close()`");
  });
});

describe("on a server that renders a page", () => {
  it("the state is there, and nothing is opened, though there is nothing to open it with", () => {
    vi.stubGlobal("WebSocket", undefined);
    vi.stubGlobal("BroadcastChannel", () => expect.fail("it is opened"));
    const fetch = vi.fn();
    const url = "/api";
    const sync = createSync({ url, collections: ["boards"], events: [], start: false, fetch });
    const { boards } = boardsReducer();
    const store = legacy_createStore(combineReducers({ boards }), sync);
    expect(store.getState()).toMatchObject({
      boards: {},
      sync: { connection: "connecting", position: null, pending: [] },
    });
    store.sync.close();
    expect(fetch).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
  });
});

describe("options that make no sense", () => {
  it("no collections", () => {
    expect(() => open("ann", { collections: [] })).toThrow("at least one collection");
  });

  it("a collection without a slice", () => {
    expect(() => open("ann", { collections: ["notes"] })).toThrow(
      'no slice "notes" in the state, only boards, seen',
    );
  });

  it("a reducer whose state has no slices", () => {
    const sync = createSync({ url: "http://simulated/api", collections: ["notes"], events: [] });
    const createStore = (reducer: (state: unknown, action: object) => unknown) =>
      reducer(undefined, { type: "@@INIT" });
    expect(() => sync(createStore as never)((() => 7) as never)).toThrow(
      "whose state is an object with the slices notes, got number",
    );
  });

  it("a result of an action that is no event", () => {
    expect(() => resultOf({ type: "panelOpened" })).toThrow('none of it for "panelOpened"');
  });
});
