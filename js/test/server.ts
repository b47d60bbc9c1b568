/** A real HTTP and WebSocket server on a free port, with a log of events that a test can script. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { RecordedEvent } from "../src/event.ts";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body: string;
}

export class TestServer {
  /** The log. `record` adds to it. */
  events: RecordedEvent[] = [];
  /** What `GET /collections` gives, at the position of the last event. */
  documents: Readonly<Record<string, readonly unknown[]>> = { notes: [] };
  /** All requests so far, and the `after` of all sockets so far. */
  readonly received: Received[] = [];
  readonly opened: string[] = [];
  /** Answers instead of the server where it returns something; "never" leaves the request open. */
  answer: (received: Received) => Answer | "never" | undefined = () => undefined;
  /** Speaks to a socket instead of the server where it returns true. */
  speak: (socket: WebSocket, after: number) => boolean = () => false;

  #http = createServer((request, response) => void this.#handle(request, response));
  #sockets = new WebSocketServer({ noServer: true });
  #port = 0;

  async start(): Promise<this> {
    this.#http = createServer((request, response) => void this.#handle(request, response));
    this.#sockets = new WebSocketServer({ noServer: true });
    this.#http.on("upgrade", (request, socket, head) => {
      const { searchParams } = new URL(request.url ?? "", this.url);
      if (this.#refusal(searchParams) !== undefined) {
        socket.end("HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n");
        return;
      }
      const after = searchParams.get("after") ?? "";
      this.#sockets.handleUpgrade(request, socket, head, (opened) => {
        this.opened.push(after);
        if (this.speak(opened, Number(after))) return;
        const missed = this.events.filter(({ position }) => position > Number(after));
        if (missed.length > 0) opened.send(JSON.stringify(missed));
      });
    });
    await new Promise<void>((resolve) => this.#http.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#http.address() as AddressInfo).port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/api`;
  }

  get openSockets(): number {
    return this.#sockets.clients.size;
  }

  /** Records one event and tells the open sockets. */
  record(): RecordedEvent {
    const event = eventAt(this.events.length + 1);
    this.events.push(event);
    this.send([event]);
    return event;
  }

  /** Sends any frame to the open sockets. */
  send(frame: unknown): void {
    const data = frame instanceof Uint8Array || typeof frame === "string" ? frame : undefined;
    for (const socket of this.#sockets.clients) socket.send(data ?? JSON.stringify(frame));
  }

  /** Cuts all open sockets, as a network does. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const received: Received = {
      method: request.method ?? "",
      path: (request.url ?? "").replace("/api", ""),
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.received.push(received);
    const answer = this.answer(received) ?? this.#answerItself(received);
    if (answer === "never") return;
    response.writeHead(answer.status, { "content-type": answer.type ?? "application/json" });
    response.end(answer.body);
  }

  /** Why the place that is asked for is none of this log. */
  #refusal(parameters: URLSearchParams): string | undefined {
    const after = Number(parameters.get("after") ?? 0);
    if (after > this.events.length) return "position_ahead";
    const afterId = parameters.get("afterId");
    const isHere = afterId === null || this.events[after - 1]?.id === afterId;
    return isHere ? undefined : "log_replaced";
  }

  #answerItself({ path }: Received): Answer {
    const position = this.events.length;
    const eventId = this.events.at(-1)?.id ?? null;
    if (path === "/health") return json({ status: "ok", position });
    if (path.startsWith("/collections?")) {
      return json({ position, eventId, collections: this.documents });
    }
    const refusal = this.#refusal(new URL(path, this.url).searchParams);
    if (refusal !== undefined) return problem(409, refusal);
    if (path.startsWith("/events") || path.startsWith("/commands/")) {
      return json({ position, events: this.events });
    }
    return problem(404, "route_not_found");
  }
}

/** `log` tells events at the same position of different logs apart. */
export function eventAt(position: number, log = 0): RecordedEvent {
  return {
    id: `0000000${log}-0000-4000-8000-${String(position).padStart(12, "0")}`,
    timestamp: "2016-09-20T07:04:21.000Z",
    type: "noteAdded",
    payload: { title: `Note ${position}` },
    position,
  };
}

export function json(value: unknown): Answer {
  return { status: 200, body: JSON.stringify(value) };
}

export function problem(status: number, code: string, more: object = {}): Answer {
  const body = {
    type: "about:blank",
    title: code,
    status,
    detail: `Sorry: ${code}.`,
    code,
    ...more,
  };
  return { status, type: "application/problem+json", body: JSON.stringify(body) };
}

/** The `WebSocket` of Node 20, which has no global one; it lacks a few members that we do not use. */
export const NodeWebSocket = WebSocket as unknown as typeof globalThis.WebSocket;
