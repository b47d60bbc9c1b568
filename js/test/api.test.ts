import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createApi,
  createId,
  ProblemError,
  UnexpectedAnswerError,
  UnreachableError,
} from "../src/index.ts";
import { eventAt, json, problem, TestServer } from "./server.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server: TestServer;
beforeEach(async () => {
  server = await new TestServer().start();
});
afterEach(() => server.stop());

/** The body of the last request, as far as the tests look at it. */
function lastBody(): unknown {
  return server.received.at(-1)?.body;
}

describe("dispatch", () => {
  it("posts actions with an id each and gives what was recorded", async () => {
    server.events = [eventAt(1), eventAt(2)];
    const answer = await createApi({ url: server.url }).dispatch([
      { type: "noteAdded", payload: { title: "Milk" } },
      { id: "7a4f2c5e-0000-4000-8000-000000000001", type: "noteRemoved" },
    ]);
    expect(answer).toEqual({ position: 2, events: server.events });
    expect(server.received.at(-1)).toMatchObject({ method: "POST", path: "/events" });
    expect(lastBody()).toEqual([
      { id: expect.stringMatching(UUID), type: "noteAdded", payload: { title: "Milk" } },
      { id: "7a4f2c5e-0000-4000-8000-000000000001", type: "noteRemoved" },
    ]);
  });

  it("takes one action as well", async () => {
    await createApi({ url: `${server.url}/` }).dispatch({ type: "noteAdded" });
    expect(lastBody()).toEqual([{ id: expect.stringMatching(UUID), type: "noteAdded" }]);
  });
});

describe("runCommand", () => {
  it("gives each command an id of its own", async () => {
    const api = createApi({ url: server.url });
    await api.runCommand("addNote", { title: "Milk" }, { meta: { user: "Ann" } });
    await api.runCommand("addNote", { title: "Milk" });
    const [first, second] = server.received.map(({ body }) => body as { id: string });
    expect(first).toEqual({
      id: expect.stringMatching(UUID),
      payload: { title: "Milk" },
      meta: { user: "Ann" },
    });
    expect(second).toEqual({ id: expect.stringMatching(UUID), payload: { title: "Milk" } });
    expect(first?.id).not.toBe(second?.id);
  });

  it("sends the id it is given, so that a retry is known as one", async () => {
    const id = createId();
    await createApi({ url: server.url }).runCommand("addNote", {}, { id });
    expect(server.received.at(-1)).toEqual({
      method: "POST",
      path: "/commands/addNote",
      body: { id, payload: {} },
    });
  });
});

describe("reading", () => {
  it("loads collections at one position", async () => {
    server.documents = { notes: [{ id: "a" }], tags: [] };
    const answer = await createApi({ url: server.url }).loadCollections(["notes", "tags"]);
    expect(answer).toEqual({
      position: 0,
      eventId: null,
      collections: { notes: [{ id: "a" }], tags: [] },
    });
    expect(server.received.at(-1)?.path).toBe("/collections?names=notes,tags");
  });

  it("lists events", async () => {
    server.events = [eventAt(1)];
    const answer = await createApi({ url: server.url }).listEvents({ order: "desc", limit: 50 });
    expect(answer).toEqual({ position: 1, events: [eventAt(1)] });
    expect(server.received.at(-1)?.path).toBe("/events?order=desc&limit=50");
  });

  it("lists the changes of a document", async () => {
    const changes = [{ event: eventAt(1), before: null, after: { id: "a/b" } }];
    server.answer = () => json({ changes });
    const api = createApi({ url: server.url });
    expect(await api.listChanges("notes", "a/b")).toEqual(changes);
    expect(server.received.at(-1)?.path).toBe("/history/notes/a%2Fb");
    await api.listChanges("notes", "a/b", { before: 8, limit: 20 });
    expect(server.received.at(-1)?.path).toBe("/history/notes/a%2Fb?before=8&limit=20");
    server.answer = () => json({ changes: [{ event: eventAt(1), before: null }] });
    await expect(api.listChanges("notes", 7)).rejects.toBeInstanceOf(UnexpectedAnswerError);
  });

  it("reads the position of the last event", async () => {
    server.events = [eventAt(1)];
    expect(await createApi({ url: server.url }).readPosition()).toBe(1);
  });
});

describe("what goes wrong", () => {
  it("is a ProblemError where the server says no", async () => {
    server.answer = () => problem(422, "title_empty", { field: "title", event: 1 });
    const error = await createApi({ url: server.url })
      .runCommand("addNote", { title: "" })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      code: "title_empty",
      status: 422,
      detail: "Sorry: title_empty.",
      field: "title",
      event: 1,
    });
  });

  it("leaves out field and event where the problem has none", async () => {
    server.answer = () => problem(503, "unavailable");
    const error = await createApi({ url: server.url })
      .readPosition()
      .catch((reason: unknown) => reason);
    expect(error).not.toHaveProperty("field");
    expect(error).not.toHaveProperty("event");
  });

  const answers: [string, { status: number; body: string }][] = [
    ["HTML of a proxy", { status: 502, body: "<html><h1>Bad Gateway</h1></html>" }],
    ["HTML of a page", { status: 200, body: "<!doctype html><title>Notes</title>" }],
    ["nothing", { status: 200, body: "" }],
    ["JSON of another kind", json({ hello: "world" })],
    ["JSON that is no object", json([])],
    ["events that are none", json({ position: 1, events: [{ type: "noteAdded" }] })],
    ["an error that is no problem", { status: 500, body: '{"error":"oops"}' }],
  ];

  it.each(answers)("is an UnexpectedAnswerError where the answer is %s", async (_, answer) => {
    server.answer = () => answer;
    const error = await createApi({ url: server.url })
      .listEvents()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnexpectedAnswerError);
    expect(error).toMatchObject({ status: answer.status });
    expect(String(error)).toContain(`GET ${server.url}/events`);
  });

  it("is an UnexpectedAnswerError where a collection that was asked for is missing", async () => {
    const loading = createApi({ url: server.url }).loadCollections(["notes", "tags"]);
    await expect(loading).rejects.toBeInstanceOf(UnexpectedAnswerError);
  });

  it("is an UnreachableError where nothing answers", async () => {
    await server.stop();
    const error = await createApi({ url: server.url })
      .readPosition()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(String(error)).toContain("Is the server running");
    await server.start();
  });

  it("is the reason of the signal where the caller gives up", async () => {
    server.answer = () => "never";
    const giveUp = new AbortController();
    const reading = createApi({ url: server.url }).readPosition({ signal: giveUp.signal });
    giveUp.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
});
