import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Connection,
  type ConnectionOptions,
  connect,
  createApi,
  type LoadedAction,
  ProblemError,
  type RecordedEvent,
} from "../src/index.ts";
import { ManualTimer } from "./manual-timer.ts";
import { eventAt, json, NodeWebSocket, problem, TestServer } from "./server.ts";

/** The waits of these tests: each kind has a length of its own, so that it can be told by it. */
const ATTEMPT_MS = 7_777;
const STABLE_MS = 3_333;
const FIRST_WAIT_MS = 50;
const SILENCE_MS = 4_444;

let server: TestServer;
let time: ManualTimer;
let dispatched: (LoadedAction | RecordedEvent)[];
let errors: unknown[];
let connection: Connection;

beforeEach(async () => {
  server = await new TestServer().start();
  time = new ManualTimer();
  dispatched = [];
  errors = [];
});

afterEach(async () => {
  connection?.close();
  await server.stop();
});

function start(options: Partial<ConnectionOptions> = {}): Connection {
  connection = connect({
    api: createApi({ url: server.url }),
    collections: ["notes"],
    dispatch: (action) => dispatched.push(action),
    onError: (error) => errors.push(error),
    WebSocket: NodeWebSocket,
    timer: time.timer,
    random: () => 0.5,
    backoffFirstMs: 2 * FIRST_WAIT_MS,
    attemptMaxMs: ATTEMPT_MS,
    stableMs: STABLE_MS,
    silenceMaxMs: SILENCE_MS,
    ...options,
  });
  return connection;
}

async function until(assertion: () => void): Promise<void> {
  await vi.waitFor(assertion, { timeout: 5_000, interval: 2 });
}

async function untilLive(): Promise<void> {
  await until(() => expect(connection.status).toBe("live"));
}

async function untilOffline(): Promise<void> {
  await until(() => expect(connection.status).toBe("offline"));
}

/** The positions of the events that were dispatched, in order; the loading left out. */
function positions(): (number | "loaded")[] {
  return dispatched.map((action) => ("position" in action ? action.position : "loaded"));
}

describe("connecting", () => {
  it("loads the collections, then follows the events after them", async () => {
    server.documents = { notes: [{ id: "a" }] };
    server.events = [eventAt(1), eventAt(2)];
    start();
    expect(connection.status).toBe("connecting");
    await untilLive();
    const third = server.record();
    await until(() => expect(connection.position).toBe(3));
    expect(dispatched).toEqual([
      {
        type: "@@flux-capacitor/loaded",
        payload: { collection: "notes", position: 2, documents: [{ id: "a" }] },
      },
      third,
    ]);
    expect(server.opened).toEqual(["2"]);
  });

  it("misses nothing that happens between the loading and the opening", async () => {
    server.answer = ({ path }) => {
      if (!path.startsWith("/collections")) return undefined;
      queueMicrotask(() => server.record());
      return undefined;
    };
    start();
    await until(() => expect(positions()).toEqual(["loaded", 1]));
  });

  it("counts an event's position only after its dispatch", async () => {
    const seen: (number | undefined)[] = [];
    start({ dispatch: () => seen.push(connection.position) });
    await untilLive();
    server.record();
    server.record();
    await until(() => expect(seen).toEqual([undefined, 0, 1]));
  });

  it("gives up an attempt that takes too long, and tries again", async () => {
    server.answer = () => "never";
    start();
    await until(() => expect(server.received).toHaveLength(1));
    time.fire(ATTEMPT_MS);
    await untilOffline();
    server.answer = () => undefined;
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    expect(errors).toEqual([]);
  });

  it("tells its status to those who subscribe, until they do no more", async () => {
    start();
    const heard: string[] = [];
    const unsubscribe = connection.subscribe((status) => heard.push(status));
    await untilLive();
    server.cut();
    await untilOffline();
    expect(heard).toEqual(["live", "offline"]);
    unsubscribe();
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    expect(heard).toEqual(["live", "offline"]);
  });

  it("survives a subscriber that throws", async () => {
    start();
    connection.subscribe((status) => {
      throw new Error(`no ${status}, please`);
    });
    await untilLive();
    server.cut();
    await untilOffline();
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    expect(errors.map(String)).toContain("Error: no live, please");
  });
});

describe("events", () => {
  it("at or below the position are dropped", async () => {
    server.events = [eventAt(1), eventAt(2)];
    start();
    await untilLive();
    server.send([eventAt(1), eventAt(2)]);
    server.send([eventAt(2), eventAt(3), eventAt(3), eventAt(4)]);
    await until(() => expect(connection.position).toBe(4));
    expect(positions()).toEqual(["loaded", 3, 4]);
  });

  it.each([
    ["with a gap", [eventAt(1), eventAt(3)]],
    ["out of order", [eventAt(1), eventAt(3), eventAt(2)]],
  ])("%s make it resume from the last good position", async (_, frame) => {
    start();
    await untilLive();
    server.send(frame);
    await untilOffline();
    expect(positions()).toEqual(["loaded", 1]);
    expect(String(errors)).toContain("expected the event at position 2 from the server, got 3");
    server.events = [eventAt(1), eventAt(2), eventAt(3)];
    time.fire(FIRST_WAIT_MS);
    await until(() => expect(positions()).toEqual(["loaded", 1, 2, 3]));
    expect(server.opened).toEqual(["0", "1"]);
  });

  it.each([
    ["no JSON", "<html>", "text that is no JSON"],
    ["no array", { type: "noteAdded" }, "JSON that is no array"],
    ["no recorded events", [eventAt(2), { type: "noteAdded" }], "element 1 is no recorded event"],
    ["an event at position 0", [{ ...eventAt(1), position: 0 }], "element 0 is no recorded event"],
    ["bytes", new Uint8Array([1, 2]), "a binary frame"],
  ])("in a frame that is %s are not read; it resumes", async (_, frame, reason) => {
    server.events = [eventAt(1)];
    start();
    await untilLive();
    server.send(frame);
    await untilOffline();
    expect(errors).toHaveLength(1);
    expect(String(errors)).toContain(reason);
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    server.record();
    await until(() => expect(positions()).toEqual(["loaded", 2]));
    expect(server.opened).toEqual(["1", "1"]);
  });

  it("are each dispatched once and in order, whatever the network does", async () => {
    const last = 8;
    const frame = fc.array(fc.integer({ min: 1, max: last }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(frame, { maxLength: 4 }), { maxLength: 4 }),
        async (scripts) => {
          const unfriendly = await new TestServer().start();
          const remaining = [...scripts];
          // Each connection but the last gets the frames of its script, then is cut.
          unfriendly.speak = (socket) => {
            const script = remaining.shift();
            if (script === undefined) return false;
            for (const some of script) socket.send(JSON.stringify(some.map((at) => eventAt(at))));
            socket.close();
            return true;
          };
          const seen: number[] = [];
          const followed = connect({
            api: createApi({ url: unfriendly.url }),
            collections: ["notes"],
            dispatch: (action) => {
              if ("position" in action) seen.push(action.position);
              else
                unfriendly.events = Array.from({ length: last }, (_, index) => eventAt(index + 1));
            },
            onError: () => {},
            WebSocket: NodeWebSocket,
            random: () => 0,
          });
          await until(() => expect(followed.position).toBe(last));
          followed.close();
          await unfriendly.stop();
          expect(seen).toEqual(Array.from({ length: last }, (_, index) => index + 1));
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("a lost connection", () => {
  it("resumes by position, without loading again", async () => {
    start();
    await untilLive();
    server.record();
    await until(() => expect(connection.position).toBe(1));
    await server.stop();
    await untilOffline();
    server.events.push(eventAt(2));
    await server.start();
    time.fire(FIRST_WAIT_MS);
    await until(() => expect(positions()).toEqual(["loaded", 1, 2]));
    expect(server.opened).toEqual(["0", "1"]);
    expect(errors).toEqual([]);
  });

  it("is tried again after waits that double up to a bound, with jitter", async () => {
    await server.stop();
    start({ backoffFirstMs: 100, backoffMaxMs: 350 });
    for (const delayMs of [50, 100, 175, 175]) {
      await until(() => expect(time.delaysMs).toEqual([delayMs]));
      time.fire(delayMs);
    }
    await until(() => expect(time.delaysMs).toEqual([175]));
    expect(errors).toEqual([]);
    await server.start();
    time.fire(175);
    await untilLive();
  });

  it("that held long enough is tried again after a first wait", async () => {
    start();
    for (const delayMs of [FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, FIRST_WAIT_MS]) {
      await untilLive();
      if (server.opened.length === 3) time.fire(STABLE_MS);
      server.cut();
      await untilOffline();
      expect(time.delaysMs).toEqual([delayMs]);
      time.fire(delayMs);
    }
    await untilLive();
  });

  it("is tried again while the server answers that it is unavailable", async () => {
    const answers = [problem(503, "unavailable"), { status: 502, body: "<html>" }];
    server.answer = () => answers.shift();
    start();
    await untilOffline();
    time.fire(FIRST_WAIT_MS);
    await until(() => expect(time.delaysMs).toEqual([2 * FIRST_WAIT_MS]));
    time.fire(2 * FIRST_WAIT_MS);
    await untilLive();
    expect(errors).toEqual([]);
  });

  it("is tried again, and the error told, where waiting is unlikely to help", async () => {
    server.answer = () => problem(404, "collection_not_found");
    start();
    await untilOffline();
    expect(errors).toEqual([expect.any(ProblemError)]);
    expect(time.delaysMs).toEqual([FIRST_WAIT_MS]);
  });

  it("loads again where the server's log is shorter than what was seen of it", async () => {
    server.events = [eventAt(1), eventAt(2)];
    start();
    await untilLive();
    server.events = [eventAt(1)];
    server.cut();
    await untilOffline();
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    expect(positions()).toEqual(["loaded", "loaded"]);
    expect(connection.position).toBe(1);
  });

  it.each([
    ["as long", [eventAt(1, 7)]],
    ["longer", [eventAt(1, 7), eventAt(2, 7), eventAt(3, 7)]],
  ])("loads again where the server's log is another one that is %s", async (_, log) => {
    server.events = [eventAt(1)];
    start();
    await untilLive();
    server.events = log;
    server.cut();
    await untilOffline();
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    expect(positions()).toEqual(["loaded", "loaded"]);
    expect(connection.position).toBe(log.length);
    expect(errors).toEqual([]);
  });

  it("loads again where the log is replaced between the question and the socket", async () => {
    start();
    await untilLive();
    server.record();
    await until(() => expect(connection.position).toBe(1));
    server.answer = ({ path }) => {
      if (!path.startsWith("/events")) return undefined;
      server.answer = () => undefined;
      server.events = [eventAt(1, 7), eventAt(2, 7)];
      return json({ position: 1, eventId: eventAt(1).id, events: [] });
    };
    server.cut();
    await untilOffline();
    time.fire(FIRST_WAIT_MS);
    await until(() => expect(time.delaysMs).toEqual([2 * FIRST_WAIT_MS]));
    time.fire(2 * FIRST_WAIT_MS);
    await untilLive();
    expect(positions()).toEqual(["loaded", 1, "loaded"]);
    expect(connection.position).toBe(2);
  });

  it("loads again where a dispatch threw, since nobody knows what the state is then", async () => {
    let fails = true;
    start({
      dispatch: (action) => {
        dispatched.push(action);
        if (!("position" in action) || !fails) return;
        fails = false;
        throw new Error("reducer broke");
      },
    });
    await untilLive();
    server.record();
    await untilOffline();
    expect(errors.map(String)).toEqual(["Error: reducer broke"]);
    expect(connection.position).toBeUndefined();
    time.fire(FIRST_WAIT_MS);
    await untilLive();
    expect(positions()).toEqual(["loaded", 1, "loaded"]);
  });
});

describe("a connection that is silent", () => {
  const asked = () => server.received.filter(({ path }) => path === "/health").length;

  it("goes on where the server has nothing to say", async () => {
    start();
    await untilLive();
    for (const count of [1, 2]) {
      time.fire(SILENCE_MS);
      await until(() => expect(time.delaysMs).toEqual([STABLE_MS, SILENCE_MS]));
      expect(asked()).toBe(count);
    }
    server.record();
    await until(() => expect(positions()).toEqual(["loaded", 1]));
    expect(server.opened).toEqual(["0"]);
  });

  it("is not asked for while events come", async () => {
    start();
    await untilLive();
    const [watch] = time.pending.filter(({ delayMs }) => delayMs === SILENCE_MS);
    server.record();
    await until(() => expect(connection.position).toBe(1));
    expect(time.pending).not.toContain(watch);
    expect(time.delaysMs).toEqual([STABLE_MS, SILENCE_MS]);
  });

  it("is ended where the server does not answer in time", async () => {
    start();
    await untilLive();
    server.answer = ({ path }) => (path === "/health" ? "never" : undefined);
    time.fire(SILENCE_MS);
    await until(() => expect(asked()).toBe(1));
    time.fire(ATTEMPT_MS);
    await untilOffline();
    expect(time.delaysMs).toEqual([FIRST_WAIT_MS]);
    time.fire(FIRST_WAIT_MS);
    await untilLive();
  });

  it("is ended where the server knows of events that do not come", async () => {
    server.speak = () => server.opened.length === 1;
    const api = createApi({ url: server.url });
    const answers: number[] = [];
    const readPosition: typeof api.readPosition = async (options) => {
      const position = await api.readPosition(options);
      answers.push(position);
      return position;
    };
    start({ api: { ...api, readPosition } });
    await untilLive();
    // Nobody hears of it: the socket is dead.
    server.events.push(eventAt(1));
    time.fire(SILENCE_MS);
    await until(() => expect(answers).toEqual([1]));
    expect(connection.status).toBe("live");
    expect(time.delaysMs).toEqual([STABLE_MS, ATTEMPT_MS]);
    time.fire(ATTEMPT_MS);
    await untilOffline();
    time.fire(FIRST_WAIT_MS);
    await until(() => expect(positions()).toEqual(["loaded", 1]));
    expect(errors).toEqual([]);
  });

  it("goes on where the events that the server knows of come meanwhile", async () => {
    start();
    await untilLive();
    server.answer = ({ path }) => {
      if (path !== "/health") return undefined;
      server.record();
      return json({ status: "ok", position: 1 });
    };
    time.fire(SILENCE_MS);
    await until(() => expect(connection.position).toBe(1));
    if (time.delaysMs.includes(ATTEMPT_MS)) time.fire(ATTEMPT_MS);
    await until(() => expect(time.delaysMs).toEqual([STABLE_MS, SILENCE_MS]));
    expect(server.opened).toEqual(["0"]);
  });

  it("is not watched any more once it has ended", async () => {
    start();
    await untilLive();
    server.cut();
    await untilOffline();
    expect(time.delaysMs).toEqual([FIRST_WAIT_MS]);
  });
});

describe("what the browser says of its network", () => {
  let page: EventTarget;
  const say = (type: "online" | "offline") => page.dispatchEvent(new Event(type));

  beforeEach(() => {
    page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  });
  afterEach(() => void vi.unstubAllGlobals());

  it("ends a connection that can't be, and the wait for another once it can", async () => {
    start();
    await untilLive();
    say("offline");
    await untilOffline();
    server.record();
    say("online");
    await untilLive();
    await until(() => expect(positions()).toEqual(["loaded", 1]));
    expect(time.delaysMs).not.toContain(FIRST_WAIT_MS);
  });

  it("ends no connection that is there", async () => {
    start();
    await untilLive();
    say("online");
    server.record();
    await until(() => expect(positions()).toEqual(["loaded", 1]));
    expect(server.opened).toEqual(["0"]);
  });

  it("does not end the attempts: a server may be on this machine", async () => {
    start();
    await untilLive();
    say("offline");
    await untilOffline();
    say("offline");
    time.fire(FIRST_WAIT_MS);
    await untilLive();
  });
});

describe("close", () => {
  it("ends the connection for good", async () => {
    start();
    await untilLive();
    connection.close();
    expect(connection.status).toBe("closed");
    await until(() => expect(server.openSockets).toBe(0));
    await until(() => expect(time.pending).toEqual([]));
    expect(connection.status).toBe("closed");
  });

  it("ends the wait for another attempt", async () => {
    await server.stop();
    start();
    await untilOffline();
    connection.close();
    await until(() => expect(time.pending).toEqual([]));
    expect(connection.status).toBe("closed");
    await server.start();
  });

  it("lets nothing be dispatched afterwards, not even the rest of a frame", async () => {
    start({
      dispatch: (action) => {
        dispatched.push(action);
        if ("position" in action && action.position === 2) connection.close();
      },
    });
    await untilLive();
    server.send([eventAt(1), eventAt(2), eventAt(3)]);
    await until(() => expect(server.openSockets).toBe(0));
    expect(positions()).toEqual(["loaded", 1, 2]);
  });
});

describe("a connection that cannot be", () => {
  it("says that a WebSocket is missing", () => {
    vi.stubGlobal("WebSocket", undefined);
    const api = createApi({ url: server.url });
    expect(() => connect({ api, collections: [], dispatch: () => {} })).toThrow(
      "needs a WebSocket",
    );
    vi.unstubAllGlobals();
  });

  it("says that a URL leads nowhere", () => {
    const api = createApi({ url: "/api" });
    expect(() => start({ api })).toThrow('got "/api"; outside of a page it must be absolute');
  });
});
