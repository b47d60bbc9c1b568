import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ProblemError, type RecordedEvent, UnexpectedAnswerError } from "../src/index.ts";
import { type BoardEvent, boardsReducer, step } from "./simulation/boards.ts";
import { ATTEMPT_MS, Client, FIRST_WAIT_MS, type State, until } from "./simulation/client.ts";
import { Network, type UnderWay } from "./simulation/network.ts";
import { type Answer, problem, SimulatedServer } from "./simulation/server.ts";

let server: SimulatedServer;
let network: Network;
let client: Client;

beforeEach(() => {
  server = new SimulatedServer();
  network = new Network(server);
});
afterEach(() => client.store.sync.close());

async function open(): Promise<Client> {
  client = new Client(network, "ann");
  return client.live();
}

const posts = () => network.arrived.filter(({ body }) => body !== undefined);
const sent = () => posts().map(({ body }) => (body as RecordedEvent[]).map(({ id }) => id));
const isPost = ({ body, kind }: UnderWay) => body !== undefined && kind === "request";

/** Answers so to each dispatch from now on. */
function answerDispatches(answer: Answer | string | undefined): void {
  network.answer = (path) => (path === "/events" ? answer : undefined);
}

describe("an answer that says nothing of the event: it stays pending and is sent again", () => {
  const answers: [string, Answer | string, unknown][] = [
    ["unavailable", problem(503, "busy"), undefined],
    ["a proxy's page", { status: 502, body: "<html>" }, undefined],
    ["a page", "<!doctype html><title>Notes</title>", UnexpectedAnswerError],
    ["nothing", "", UnexpectedAnswerError],
    ["JSON of another kind", { status: 200, body: { hello: "world" } }, UnexpectedAnswerError],
    [
      "a wrong position",
      { status: 200, body: { position: -1, events: [] } },
      UnexpectedAnswerError,
    ],
    ["no event", { status: 200, body: { position: 1, events: [] } }, UnexpectedAnswerError],
    ["an error of the server", problem(500, "internal"), ProblemError],
    ["not from this page", problem(403, "origin_forbidden"), ProblemError],
    ["a wrong URL", problem(404, "route_not_found"), ProblemError],
  ];

  it.each(answers)("%s", async (_, answer, told) => {
    await open();
    answerDispatches(answer);
    const { id, accepted } = client.dispatch(step("a"));
    for (const delayMs of [FIRST_WAIT_MS, 2 * FIRST_WAIT_MS]) {
      await until(() => expect(client.time.delaysMs).toContain(delayMs));
      expect(client.steps()).toEqual(["a"]);
      expect(client.statuses).toEqual(["sent"]);
      client.time.fire(delayMs);
    }
    await until(() => expect(client.time.delaysMs).toContain(4 * FIRST_WAIT_MS));
    expect(client.errors).toHaveLength(told === undefined ? 0 : 3);
    if (told === undefined) expect(client.sync.blockage).toBe(null);
    else await until(() => expect(client.sync.blockage).toMatchObject({ id, isPaused: false }));
    if (told !== undefined) expect(client.errors[0]).toBeInstanceOf(told);
    answerDispatches(undefined);
    client.time.fire(4 * FIRST_WAIT_MS);
    expect(await accepted).toEqual({ id, position: 1 });
    expect(sent()).toEqual([[id], [id], [id], [id]]);
    expect(client.rejections).toEqual([]);
    await until(() => expect(client.sync.blockage).toBe(null));
  });

  it("none at all, for too long", async () => {
    await open();
    network.hold = isPost;
    const { accepted } = client.dispatch(step("a"));
    await until(() => expect(client.time.delaysMs).toContain(ATTEMPT_MS));
    client.time.fire(ATTEMPT_MS);
    await until(() => expect(client.time.delaysMs).toContain(FIRST_WAIT_MS));
    network.hold = () => false;
    client.time.fire(FIRST_WAIT_MS);
    expect(await accepted).toMatchObject({ position: 1 });
    expect(client.errors).toEqual([]);
  });
});

describe("a rejection concerns one event", () => {
  it.each([
    [400, "invalid_action"],
    [403, "forbidden"],
    [409, "event_id_taken"],
    [413, "too_large"],
    [422, "title_empty"],
  ])("with status %d it is for good", async (status, code) => {
    await open();
    answerDispatches(problem(status, code));
    const { id } = client.dispatch(step("a"));
    await until(() => client.sync.pending.length === 0);
    expect(client.steps()).toEqual([]);
    expect(client.sync.lastRejection).toMatchObject({ id, code, by: "server" });
    expect(client.errors).toEqual([]);
  });

  it("the others of its request go on, in order", async () => {
    await open();
    network.hold = isPost;
    const first = client.dispatch(step("0"));
    await until(() => network.underWay.length === 1);
    const names = ["1", "2", "bad", "3", "bad", "bad", "4"];
    const rest = names.map((name) => client.dispatch(step(name)));
    network.answer = (path, body) => {
      if (path !== "/events") return undefined;
      const event = (body as RecordedEvent[]).findIndex(({ payload }) => isBad(payload));
      return event === -1 ? undefined : problem(422, "bad", { event });
    };
    network.hold = () => false;
    network.step();
    await client.caughtUpWith(5);
    expect(client.steps()).toEqual(["0", "1", "2", "3", "4"]);
    expect(client.rejections.map(({ id }) => id)).toEqual(
      rest.filter((_, index) => names[index] === "bad").map(({ id }) => id),
    );
    expect(await first.accepted).toMatchObject({ position: 1 });
  });

  it("a proxy that takes less than the server gets them one by one", async () => {
    await open();
    network.hold = isPost;
    client.dispatch(step("first"));
    await until(() => network.underWay.length === 1);
    for (const name of ["a", "b", "c"]) client.dispatch(step(name));
    network.answer = (path, body) =>
      path === "/events" && (body as RecordedEvent[]).length > 1
        ? { status: 413, body: "<html>" }
        : undefined;
    network.hold = () => false;
    network.step();
    await client.caughtUpWith(4);
    expect(sent().map((ids) => ids.length)).toEqual([1, 3, 1, 2, 1, 1]);
    expect(client.rejections).toEqual([]);
  });

  it("a request has no more than it may, by number and by size", async () => {
    await open();
    network.hold = isPost;
    client.dispatch(step("first"));
    await until(() => network.underWay.length === 1);
    const large = "x".repeat(200_000);
    for (let count = 0; count < 70; count += 1) client.dispatch(step(`${count}`));
    for (const name of [large, large, large]) client.dispatch(step(name));
    network.hold = () => false;
    network.step();
    await client.caughtUpWith(74);
    expect(sent().map((ids) => ids.length)).toEqual([1, 64, 7, 1, 1]);
  });
});

function isBad(payload: unknown): boolean {
  return (payload as { readonly step: string }).step === "bad";
}

describe("what the server sends is applied in order or not at all", () => {
  const frames: [string, (next: RecordedEvent) => unknown, string][] = [
    ["a page", () => "<html>", "text that is no JSON"],
    ["no event", () => [{ type: "stepAdded" }], "element 0 is no recorded event"],
    [
      "a position too far",
      (next) => [{ ...next, position: 3 }],
      "position 2 from the server, got 3",
    ],
    [
      "events out of order",
      (next) => [{ ...next, id: "x", position: 3 }, next],
      "position 2 from the server, got 3",
    ],
  ];

  it.each(frames)("%s: told, the state unharmed, and it resumes", async (_, frameOf, reason) => {
    server.dispatch([step("before")]);
    await open();
    network.hold = isPost;
    client.dispatch(step("mine"));
    await until(() => client.statuses[0] === "sent");
    const next = { ...step("wrong"), id: "w", timestamp: "2016-09-20T07:04:21.000Z", position: 2 };
    network.send(frameOf(next));
    await until(() => client.sync.connection === "offline");
    expect(String(client.errors)).toContain(reason);
    expect(client.sync).toMatchObject({ position: 1, pending: [{ status: "sent" }] });
    expect(client.steps()).toEqual(["before", "mine"]);
    server.dispatch([step("right")]);
    network.hold = () => false;
    network.step();
    await client.caughtUpWith(3);
    expect([...client.steps()].sort()).toEqual(["before", "mine", "right"]);
  });

  it("an event that the reducer here refuses: told, then the whole state is loaded", async () => {
    await open();
    network.hold = isPost;
    client.dispatch(step("mine"));
    const event = { ...step("x", "plan", 0), id: "n", timestamp: "", position: 1 };
    network.hold = () => true;
    network.send([event]);
    network.hold = isPost;
    network.step();
    await until(() => expect(client.errors).toHaveLength(1));
    expect(String(client.errors)).toContain(
      'the reducer refuses the recorded event "stepAdded": plan is full (board_full)',
    );
    expect(client.sync).toMatchObject({ position: 0 });
    expect(client.steps()).toEqual(["mine"]);
    const loads = () => network.arrived.filter(({ path }) => path.startsWith("/collections"));
    expect(loads()).toHaveLength(1);
    await until(() => {
      client.passWaits();
      return loads().length === 2 && client.sync.connection === "live";
    });
    expect(client.steps()).toEqual(["mine"]);
  });

  it("documents that the reducer here refuses: told, and the state stays as it is", async () => {
    network.answer = (path) =>
      path.startsWith("/collections")
        ? { status: 200, body: { position: 4, eventId: "e", collections: { boards: [7] } } }
        : undefined;
    client = new Client(network, "ann");
    client.dispatch(step("mine"));
    await until(() => expect(client.errors).toHaveLength(1));
    expect(String(client.errors)).toContain('refuses the server\'s documents of "boards"');
    expect(client.sync).toMatchObject({ position: null, confirmed: { boards: {} } });
    expect(client.steps()).toEqual(["mine"]);
    network.answer = () => undefined;
    await client.caughtUpWith(1);
    expect(client.steps()).toEqual(["mine"]);
  });

  it("a reducer that throws: told, and the state stays as it is", async () => {
    await open();
    const before = client.state;
    client.store.replaceReducer((state: unknown, action: { type: string }) => {
      if (action.type === "stepAdded") throw new Error("reducer broke");
      return state;
    });
    expect(() => client.dispatch(step("mine"))).toThrow("reducer broke");
    server.dispatch([step("theirs")]);
    await until(() => client.sync.connection === "offline");
    expect(client.errors.map(String)).toEqual(["Error: reducer broke"]);
    expect(client.state.boards).toEqual(before.boards);
    expect(client.sync.pending).toEqual([]);
    expect(posts()).toEqual([]);
  });

  it("a pending event on which the reducer throws when it runs again has no effect", async () => {
    await open();
    network.hold = isPost;
    const { boards } = boardsReducer();
    client.store.replaceReducer((state: State, action: BoardEvent) => {
      const isFirst = (state.boards.plan?.steps.length ?? 0) === 0;
      if (action.type === "stepAdded" && action.payload.step === "first" && !isFirst) {
        throw new Error("reducer broke");
      }
      return { ...state, boards: boards(state.boards, action) };
    });
    client.dispatch(step("first"));
    client.dispatch(step("second"));
    server.dispatch([step("theirs")]);
    await until(() => client.sync.position === 1);
    expect(client.steps()).toEqual(["theirs", "second"]);
    expect(client.sync.pending).toHaveLength(2);
    expect(client.sync.connection).toBe("live");
  });

  it("an action that is no event, and that a reducer refuses, is told as an error", async () => {
    client = new Client(network, "ann", { events: [] });
    client.store.dispatch(step("x", "plan", 0));
    expect(client.errors.map(String)).toEqual([
      "Error: a reducer refused an action: plan is full (board_full)",
    ]);
  });

  it("what is dispatched by hand as if the server had sent it is not applied", async () => {
    await open();
    const loaded = { collection: "boards", position: 0, documents: [] };
    client.dispatch(step("mine"));
    client.store.dispatch({ type: "@@flux-capacitor/loaded", payload: loaded });
    const event = { ...step("theirs"), id: "x", timestamp: "", position: 9 };
    client.store.dispatch(event);
    expect(client.steps()).toEqual(["mine"]);
    await client.caughtUpWith(1);
  });
});
