/** The network between one page and the server: real TCP, which can be as bad as it gets. */

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What a line does with what is sent over it. */
export type LineState =
  /** Carries everything. */
  | "well"
  /** Takes no connection. */
  | "refusing"
  /** Carries what the page sends, and loses what the server says. */
  | "deaf";

export class Line {
  state: LineState = "well";
  readonly #target: () => number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((page) => this.#carry(page));
  }

  /** Opens a line to the port that the server has at the time of each connection. */
  static async open(target: () => number): Promise<Line> {
    const line = new Line(target);
    await new Promise<void>((listening) => line.#server.listen(0, "127.0.0.1", listening));
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections, in the middle of whatever they carry. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #carry(page: Socket): void {
    if (this.state === "refusing") return void page.destroy();
    const server = connect(this.#target(), "127.0.0.1");
    for (const [from, to] of [
      [page, server],
      [server, page],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => from.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on("data", (bytes) => {
        if (from !== server || this.state !== "deaf") to.write(bytes);
      });
    }
  }
}
