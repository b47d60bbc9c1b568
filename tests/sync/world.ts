/** The real server, browsers with tabs, others who write, and lines that fail. */

import { randomUUID } from "node:crypto";
import {
  type QueueContents,
  type RecordedEvent,
  selectAll,
  WithdrawnError,
} from "@flux-capacitor/client";
import { IDBFactory } from "fake-indexeddb";
import { expect, vi } from "vitest";
import {
  type NoteEvent,
  type NotesState,
  notes,
} from "../../examples/notes/wasm/pkg-web/notes_wasm.js";
import { SimulatedChannels, SimulatedLocks } from "../../js/test/simulation/browser.ts";
import { NotesServer } from "../browser/notes-server.ts";
import { Line, type LineState } from "./line.ts";
import { type Browser, Page, queueOf } from "./page.ts";

/** One thing that happens. Numbers choose among what there is, whatever that is by then. */
export type Happening =
  | { readonly kind: "local" | "remote"; readonly page: number; readonly event: NoteEvent }
  | { readonly kind: "withdraw"; readonly page: number; readonly which: number }
  | { readonly kind: "line"; readonly page: number; readonly state: LineState }
  | { readonly kind: "cut" | "reload" | "close"; readonly page: number }
  | { readonly kind: "open"; readonly browser: number }
  | { readonly kind: "again"; readonly which: number }
  | { readonly kind: "restart" }
  | { readonly kind: "turns"; readonly count: number };

const BROWSERS = 2;
const PAGES_MAX = 4;
const REST_MS = 30_000;

/** What became of the events: of those that were withdrawn some had been recorded before. */
export interface Counts {
  recorded: number;
  rejected: number;
  withdrawn: number;
  withdrawnTooLate: number;
}

/** What a page had confirmed at one moment. */
interface Sample {
  readonly position: number;
  readonly confirmed: NotesState;
}

export class World {
  readonly #server = new NotesServer();
  readonly #browsers: Browser[] = Array.from({ length: BROWSERS }, () => ({
    indexedDB: new IDBFactory(),
    locks: new SimulatedLocks(),
    channels: new SimulatedChannels(),
    stored: new Set<string>(),
  }));
  readonly #open: { readonly page: Page; readonly browser: Browser }[] = [];
  readonly #all: Page[] = [];
  readonly #samples: Sample[] = [];

  async begin(): Promise<void> {
    await this.#server.start();
    for (const browser of this.#browsers.keys()) await this.#openIn(browser);
  }

  async happen(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case "local":
        return this.#page(happening.page)?.dispatch(happening.event);
      case "withdraw":
        return this.#page(happening.page)?.withdraw(happening.which);
      case "remote":
        return this.#send({ id: randomUUID(), ...happening.event });
      case "again": {
        // As if a request arrived twice. Of a rejected one that may undo the rejection: see the README.
        const log = (await this.#server.events()) as unknown as readonly RecordedEvent[];
        const recorded = log[happening.which % Math.max(1, log.length)];
        if (recorded === undefined) return;
        const { id, type, payload } = recorded;
        return this.#send({ id, type, payload });
      }
      case "line": {
        const page = this.#page(happening.page);
        if (page !== undefined) page.line.state = happening.state;
        return;
      }
      case "cut":
        return this.#page(happening.page)?.line.cut();
      case "open":
        return this.#openIn(happening.browser);
      case "close":
        this.#kill(happening.page);
        return;
      case "reload": {
        const browser = this.#kill(happening.page);
        return browser && this.#openIn(this.#browsers.indexOf(browser));
      }
      case "restart":
        await this.#server.stop("SIGKILL");
        return this.#server.start();
      case "turns":
        return turns(happening.count);
    }
  }

  /** What is true at any moment: the view is what is confirmed, and the pending events run again. */
  check(): void {
    for (const { page } of this.#open) {
      const { notes: view, sync } = page.state;
      const confirmed = sync.confirmed.notes as NotesState;
      const again = sync.pending.reduce<NotesState>(notes, confirmed);
      expect(selectAll(view)).toEqual(selectAll(again));
      const ids = sync.pending.map(({ id }) => id);
      expect(new Set(ids).size, "no event is pending twice").toBe(ids.length);
      const heard = new Set(page.confirmed.map(({ id }) => id));
      expect(
        ids.filter((id) => heard.has(id)),
        "pending after it was confirmed",
      ).toEqual([]);
      if (sync.position !== null) this.#samples.push({ position: sync.position, confirmed });
    }
  }

  /** Lets all lines be well, and waits until all pages have come to rest. */
  async comeToRest(): Promise<void> {
    for (const browser of this.#browsers) {
      if (!this.#open.some((it) => it.browser === browser)) await this.#add(browser);
    }
    for (const { page } of this.#open) {
      page.line.state = "well";
      page.line.cut();
    }
    const atRest = async () => {
      // What a page has stored and told nobody of before it ended is found by looking, every 5 s.
      for (const browser of this.#browsers) {
        expect((await contentsOf(browser)).waiting, "nothing waits").toEqual([]);
      }
      const position = (await this.#server.events()).length;
      for (const { page } of this.#open) {
        const { pending, storage, position: seen } = page.state.sync;
        expect({ pending, storage, seen }).toEqual({
          pending: [],
          storage: "persistent",
          seen: position,
        });
      }
    };
    await vi.waitFor(atRest, { timeout: REST_MS, interval: 10 });
  }

  /** What is true in the end: all have the server's state, nothing is lost, nothing is there twice. */
  async checkEnd(): Promise<Counts> {
    const log = (await this.#server.events()) as unknown as readonly RecordedEvent[];
    const positions = new Map(log.map(({ id, position }) => [id, position]));
    expect(positions.size, "the log has each event once").toBe(log.length);
    const documents = await this.#server.notes();
    for (const { page } of this.#open) {
      expect(selectAll(page.state.notes)).toEqual(documents);
    }
    this.#checkSamples(log);
    const counts: Counts = { recorded: log.length, rejected: 0, withdrawn: 0, withdrawnTooLate: 0 };
    const withdrawn = new Set<string>();
    for (const browser of this.#browsers) {
      const { outcomes } = await contentsOf(browser);
      expect(outcomes.length, "all that was stored is decided").toBe(browser.stored.size);
      for (const outcome of outcomes) {
        const position = positions.get(outcome.id);
        if ("withdrawal" in outcome) {
          withdrawn.add(outcome.id);
          if (!outcome.withdrawal.mayBeRecorded) expect(position, "never sent").toBe(undefined);
          counts[position === undefined ? "withdrawn" : "withdrawnTooLate"] += 1;
          continue;
        }
        const at = "acceptedAt" in outcome ? outcome.acceptedAt : undefined;
        expect(position, "what became of an event").toBe(at);
        if (at === undefined) counts.rejected += 1;
      }
    }
    for (const page of this.#all) {
      for (const { id } of page.withdrawn) expect(withdrawn, "it was withdrawn").toContain(id);
      await this.#checkPage(page, positions, withdrawn);
    }
    return counts;
  }

  async end(): Promise<void> {
    while (this.#open.length > 0) this.#kill(0);
    await this.#server.remove();
  }

  /** What was confirmed at any moment is the log up to there, by the reducer. */
  #checkSamples(log: readonly RecordedEvent[]): void {
    const states = [notes(undefined, { type: "@@begin" })];
    for (const event of log) states.push(notes(states.at(-1), event));
    for (const { position, confirmed } of this.#samples) {
      expect(selectAll(confirmed)).toEqual(selectAll(states[position] as NotesState));
    }
  }

  /** What a page was told is so, each event once and in order. */
  async #checkPage(
    page: Page,
    positions: ReadonlyMap<string, number>,
    withdrawn: ReadonlySet<string>,
  ): Promise<void> {
    const heard = page.confirmed.map(({ position }) => position);
    expect(heard).toEqual([...new Set(heard)].sort((left, right) => left - right));
    for (const { id, accepted } of page.dispatched) {
      const told = await Promise.race([
        accepted.then(
          ({ position }) => position,
          (error) => (error instanceof WithdrawnError ? "withdrawn" : "rejected"),
        ),
        new Promise((resolve) => setImmediate(resolve, "nothing")),
      ]);
      if (told === "nothing") expect(page.ended.aborted, "an open page knows").toBe(true);
      else if (told === "withdrawn") expect(withdrawn, "it was withdrawn").toContain(id);
      else expect(told).toBe(positions.get(id) ?? "rejected");
    }
  }

  #page(which: number): Page | undefined {
    return this.#open[which % Math.max(1, this.#open.length)]?.page;
  }

  async #openIn(which: number): Promise<void> {
    const browser = this.#browsers[which % BROWSERS];
    if (browser !== undefined && this.#open.length < PAGES_MAX) await this.#add(browser);
  }

  async #add(browser: Browser): Promise<void> {
    const line = await Line.open(() => Number(new URL(this.#server.url).port));
    const page = new Page(browser, line);
    this.#open.push({ page, browser });
    this.#all.push(page);
  }

  #kill(which: number): Browser | undefined {
    const [closed] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    closed?.page.kill();
    return closed?.browser;
  }

  /** Sends an event by no line of a page. The server may refuse it. */
  async #send(event: object): Promise<void> {
    const body = JSON.stringify(event);
    const headers = { "content-type": "application/json" };
    await fetch(`${this.#server.url}/api/events`, { method: "POST", headers, body });
  }
}

/** Lets the event loop turn, so that what is under way gets further. */
async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What is in the queue of a browser, and what became of all that ever was. */
async function contentsOf(browser: Browser): Promise<QueueContents> {
  const queue = queueOf(browser, new AbortController().signal);
  const contents = await queue.read([...browser.stored]);
  queue.close();
  return contents;
}
