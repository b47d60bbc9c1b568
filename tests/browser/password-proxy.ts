/** A proxy before a server that asks for a name and a password, as an authentication hook may. */

import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

const CHALLENGE = 'Basic realm="notes"';

export class PasswordProxy {
  readonly #expected: string;
  readonly #to: { readonly hostname: string; readonly port: string };
  readonly #server: Server;

  constructor(to: string, username: string, password: string) {
    this.#to = new URL(to);
    this.#expected = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    this.#server = createServer((asked, answer) => {
      if (!this.#isLetIn(asked)) {
        answer.writeHead(401, { "www-authenticate": CHALLENGE }).end();
        return;
      }
      const { method, url: path, headers } = asked;
      const passedOn = request({ ...this.#target, method, path, headers }, (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      });
      asked.pipe(passedOn);
    });
    this.#server.on("upgrade", (asked: IncomingMessage, socket: Socket) => {
      if (this.#isLetIn(asked)) this.#passOn(asked, socket);
      else socket.end(`HTTP/1.1 401 Unauthorized\r\nwww-authenticate: ${CHALLENGE}\r\n\r\n`);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #target() {
    return { host: this.#to.hostname, port: Number(this.#to.port) };
  }

  #isLetIn({ headers }: IncomingMessage): boolean {
    return headers.authorization === this.#expected;
  }

  #passOn({ url, rawHeaders }: IncomingMessage, socket: Socket): void {
    const headers = rawHeaders.map((text, index) =>
      index % 2 === 0 ? `${text}: ` : `${text}\r\n`,
    );
    const server = connect(this.#target, () => {
      server.write(`GET ${url} HTTP/1.1\r\n${headers.join("")}\r\n`);
      server.pipe(socket).pipe(server);
    });
    for (const end of [server, socket]) {
      end.on("error", () => {
        server.destroy();
        socket.destroy();
      });
    }
  }
}
