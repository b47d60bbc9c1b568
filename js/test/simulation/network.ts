/** A network between clients and the simulated server, in which things happen when told to. */

import type { RecordedEvent } from "../../src/event.ts";
import type { Answer, SimulatedServer } from "./server.ts";

/** One thing that is under way. */
export interface UnderWay {
  readonly kind: "request" | "answer" | "opening" | "frame";
  readonly client: string;
  readonly path: string;
  readonly body?: unknown;
  /** Lets it arrive. */
  readonly arrive: () => void;
  /** Lets it get lost: what it belongs to fails. */
  readonly lose: () => void;
}

/** A socket as the client sees it. */
interface Socket {
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
}

export class Network {
  readonly underWay: UnderWay[] = [];
  /** All requests that arrived. */
  readonly arrived: { readonly client: string; readonly path: string; readonly body: unknown }[] =
    [];
  /** Whether things arrive by themselves; those that are held do not. */
  isPrompt = true;
  hold: (thing: UnderWay) => boolean = () => false;
  /** Answers instead of the server where it returns something. */
  answer: (path: string, body: unknown) => Answer | string | undefined = () => undefined;
  readonly #server: SimulatedServer;
  readonly #sockets = new Set<{
    readonly client: string;
    /** Frames on their way. */
    readonly frames: unknown[];
    send(events: unknown): void;
    cut(): void;
  }>();
  readonly #gone = new Set<string>();
  #isStepping = false;

  constructor(server: SimulatedServer) {
    this.#server = server;
    server.onRecorded = (events) => this.send(events);
  }

  /** Sends a frame to all sockets. */
  send(frame: unknown): void {
    for (const socket of this.#sockets) socket.send(frame);
  }

  /** Loses everything of a client that is under way, and its sockets. */
  cut(client: string): void {
    if (this.#gone.has(client)) return;
    for (const socket of [...this.#sockets]) if (socket.client === client) socket.cut();
    for (const thing of [...this.underWay]) if (thing.client === client) this.finish(thing, "lose");
  }

  /** Turns the order of the frames that are on their way to a client. */
  disorder(client: string): void {
    for (const socket of this.#sockets) if (socket.client === client) socket.frames.reverse();
  }

  /** A page is gone: its requests may still arrive, but nobody hears of anything. */
  forget(client: string): void {
    for (const socket of [...this.#sockets]) {
      if (socket.client === client) this.#sockets.delete(socket);
    }
    for (const thing of [...this.underWay]) {
      const isLeft = thing.client !== client || thing.kind === "request";
      if (!isLeft) this.underWay.splice(this.underWay.indexOf(thing), 1);
    }
    this.#gone.add(client);
  }

  /** Lets one thing happen. */
  finish(thing: UnderWay, how: "arrive" | "lose" = "arrive"): void {
    const index = this.underWay.indexOf(thing);
    if (index === -1) return;
    this.underWay.splice(index, 1);
    if (how === "arrive" || !this.#gone.has(thing.client)) thing[how]();
  }

  fetchOf(client: string): typeof globalThis.fetch {
    return (input, init) => {
      const url = new URL(String(input));
      const path = url.pathname.replace("/api", "") + url.search;
      const body = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
      return new Promise((resolve, reject) => {
        const lose = () => reject(new TypeError("fetch failed"));
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        const arrive = () => {
          this.arrived.push({ client, path, body });
          const answer = this.answer(path, body) ?? this.#server.handle(url, body);
          const respond = () => resolve(responseOf(answer));
          this.#begin({ kind: "answer", client, path, body, arrive: respond, lose });
        };
        this.#begin({ kind: "request", client, path, body, arrive, lose });
      });
    };
  }

  webSocketOf(client: string): typeof globalThis.WebSocket {
    const open = (socket: Socket, url: string) => this.#open(client, socket, new URL(url));
    return class {
      onopen: (() => void) | null = null;
      onclose: (() => void) | null = null;
      onmessage: ((event: { data: unknown }) => void) | null = null;
      close: () => void;
      constructor(url: string) {
        this.close = open(this, url);
      }
    } as unknown as typeof globalThis.WebSocket;
  }

  #open(client: string, socket: Socket, url: URL): () => void {
    const frames: unknown[] = [];
    let isOpen = true;
    const path = "/websocket";
    const cut = () => {
      isOpen = false;
      this.#sockets.delete(entry);
      socket.onclose?.();
    };
    const send = (frame: unknown) => {
      frames.push(frame);
      // Frames arrive in the order in which they were sent, whichever of these is chosen.
      const arrive = () => {
        const next = frames.shift();
        const data = typeof next === "string" ? next : JSON.stringify(next);
        if (isOpen) socket.onmessage?.({ data });
      };
      this.#begin({ kind: "frame", client, path, body: frame, arrive, lose: cut });
    };
    const entry = { client, frames, send, cut };
    const arrive = () => {
      if (!isOpen) return;
      if (this.#server.refusal(url) !== undefined) return cut();
      this.#sockets.add(entry);
      socket.onopen?.();
      const after = Number(url.searchParams.get("after"));
      const missed = this.#server.log.slice(after);
      if (missed.length > 0) send(missed);
    };
    this.#begin({ kind: "opening", client, path, arrive, lose: cut });
    return () => {
      isOpen = false;
      this.#sockets.delete(entry);
    };
  }

  #begin(thing: UnderWay): void {
    if (this.#gone.has(thing.client)) return;
    this.underWay.push(thing);
    if (this.isPrompt) this.step();
  }

  /** Lets everything arrive that is not held, one thing after the other. */
  step(): void {
    if (this.#isStepping) return;
    this.#isStepping = true;
    queueMicrotask(() => {
      this.#isStepping = false;
      const next = this.underWay.find((thing) => !this.hold(thing));
      if (next === undefined) return;
      this.finish(next);
      this.step();
    });
  }
}

function responseOf(answer: Answer | string): Response {
  if (typeof answer === "string") return new Response(answer, { status: 200 });
  return new Response(JSON.stringify(answer.body), { status: answer.status });
}

/** Events of the log, as a server may send them again. */
export function again(log: readonly RecordedEvent[], from: number, to: number): RecordedEvent[] {
  return log.slice(Math.max(0, from - 1), to);
}
