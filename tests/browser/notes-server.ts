/** The real notes server as its own process, with a database file of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BINARY: string =
  process.env.NOTES_SERVER ??
  fileURLToPath(new URL("../../target/tested/notes-server", import.meta.url));

/** An event of the log, as far as the tests read it. */
export interface LoggedEvent {
  readonly type: string;
  readonly payload: { readonly title?: string; readonly text?: string };
}

/** A server that can be stopped and started again on the same port with the same database. */
export class NotesServer {
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;
  #folder: string | undefined;
  #listen = "127.0.0.1:0";

  /** With options of `notes-server serve`. */
  constructor(...options: readonly string[]) {
    this.#options = options;
  }

  /** Where the page is. */
  get url(): string {
    return `http://${this.#listen}`;
  }

  /** Starts it, and waits until it listens. */
  async start(): Promise<void> {
    this.#folder ??= await mkdtemp(join(tmpdir(), "notes-"));
    const server = this.#spawn("serve", "--listen", this.#listen, ...this.#options);
    this.#process = server;
    const lines: string[] = [];
    for await (const line of createInterface({ input: server.stderr })) {
      lines.push(line);
      const address = /notes are at http:\/\/(\S+)/.exec(line)?.[1];
      if (address !== undefined) {
        this.#listen = address;
        server.stderr.resume();
        return;
      }
    }
    throw new Error(`the server did not start:\n${lines.join("\n")}`);
  }

  /** Stops it by a signal, and waits until it has ended. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  }

  /** Uses the database of another server, which has stopped, from the next start on. */
  async takeDatabaseOf(other: NotesServer): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
    this.#folder = other.#folder;
    other.#folder = undefined;
  }

  /** Stops it and removes its database. */
  async remove(): Promise<void> {
    await this.stop();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
  }

  /** The notes that it has. */
  async notes(): Promise<readonly Record<string, unknown>[]> {
    const answer = await fetch(`${this.url}/api/collections/notes`);
    return ((await answer.json()) as { documents: Record<string, unknown>[] }).documents;
  }

  /** Its log. */
  async events(): Promise<readonly LoggedEvent[]> {
    const answer = await fetch(`${this.url}/api/events?limit=10000`);
    return ((await answer.json()) as { events: LoggedEvent[] }).events;
  }

  /** Runs another command of the server's binary on the same database. */
  run(command: string, ...options: readonly string[]): ChildProcess {
    return this.#spawn(command, ...options);
  }

  /** Dispatches actions as another client would. */
  async dispatch(actions: readonly object[]): Promise<void> {
    await this.#post("events", actions);
  }

  /** Runs a command as another client would. */
  async command(name: string, payload: object): Promise<void> {
    await this.#post(`commands/${name}`, { payload, meta: { user: "curl" } });
  }

  async #post(path: string, body: object): Promise<void> {
    const answer = await fetch(`${this.url}/api/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  #spawn(command: string, ...options: readonly string[]) {
    if (this.#folder === undefined) throw new Error("the server was not started");
    const url = `sqlite://${join(this.#folder, "notes.db")}`;
    return spawn(BINARY, [command, "--database-url", url, ...options], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
  }
}
