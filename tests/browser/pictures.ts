/** Takes the pictures of the inspector for the README: `npm run pictures -w tests/browser`. */

import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { NotesServer } from "./notes-server.ts";

const FOLDER = fileURLToPath(new URL("../../docs", import.meta.url));
const USERS = ["Ann", "Bob", "Cleo"];
const TITLES = ["Ideas", "Bread", "Call the plumber", "Lisbon", "Book the train", "Milk"];
const TEXTS = [
  "a map of all the notes, by place",
  "rye, not sliced",
  "before noon, the tap in the kitchen drips",
  "the hotel has no breakfast; there is a bakery across the street",
  "the early one, two seats",
  "two litres",
];

/** Events of one working day, more of them around noon. */
const EVENTS = 1440;
const BEGIN = Date.UTC(2026, 2, 2, 7);
const LENGTH_MS = 10 * 3600 * 1000;

for (const scheme of ["light", "dark"] as const) {
  test(`the pictures in ${scheme}`, async ({ browser }) => {
    const server = await serverOfADay();
    const page = await browser.newPage({
      colorScheme: scheme,
      locale: "en-GB",
      timezoneId: "UTC",
      viewport: { width: 1280, height: 800 },
    });
    await mkdir(FOLDER, { recursive: true });
    await page.goto(`${server.url}/api/inspector#at=${REMOVED_AT}`);
    await expect(page.locator('[data-change="removed"]')).toHaveCount(1);
    await expect(page.locator("#rate-plot .mark")).toHaveCount(1);
    await page.screenshot({ path: join(FOLDER, `inspector-state-${scheme}.png`) });
    const address = `view=history&collection=notes&id=${noteId(0)}`;
    await page.goto(`${server.url}/api/inspector#${address}`);
    await expect(page.getByText("4 changes; it is removed now.")).toBeVisible();
    await page.screenshot({ path: join(FOLDER, `inspector-history-${scheme}.png`) });
    await page.close();
    await server.remove();
  });
}

/** The position at which the first note is removed. */
const REMOVED_AT = EVENTS - 12;

/** Starts a server whose log is that of a day. */
async function serverOfADay(): Promise<NotesServer> {
  const server = new NotesServer("--inspector");
  await server.start();
  await server.stop();
  const folder = await mkdtemp(join(tmpdir(), "pictures-"));
  const file = join(folder, "log.jsonl");
  await writeFile(
    file,
    day()
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(""),
  );
  expect(await once(server.run("import", "--file", file), "exit")).toEqual([0, null]);
  await rm(folder, { recursive: true });
  await server.start();
  return server;
}

function day(): object[] {
  return Array.from({ length: EVENTS }, (_, index) => {
    const position = index + 1;
    const timestamp = new Date(BEGIN + LENGTH_MS * timeOf(index / EVENTS)).toISOString();
    const meta = { user: USERS[(index * 7) % USERS.length] };
    const id = `01930000-0000-7000-8000-${String(position).padStart(12, "0")}`;
    return { id, timestamp, ...eventOf(position, timestamp), meta, position };
  });
}

/** When, between 0 and 1: the middle of the day is twice as busy as its ends, and at two all pause. */
function timeOf(part: number): number {
  const time = part + Math.sin(part * 2 * Math.PI) / 9 + Math.sin(part * 61) / 400;
  return time > 0.68 ? 0.07 + time * 0.93 : time * 0.98;
}

function eventOf(position: number, createdAt: string): { type: string; payload: object } {
  const note = position % TITLES.length;
  const [title, text] = [TITLES[note] ?? "", TEXTS[note] ?? ""];
  if (position <= TITLES.length) {
    return { type: "noteAdded", payload: { id: noteId(note), title, text, createdAt } };
  }
  if (note === 0 && position === REMOVED_AT) {
    return { type: "noteRemoved", payload: { id: noteId(note) } };
  }
  if (note === 0 && position === REMOVED_AT - 6) {
    const later = "a map of all the notes, by place and by time";
    return { type: "noteContentEdited", payload: { id: noteId(note), text: later } };
  }
  if (note === 0 && position === REMOVED_AT - 12) {
    return { type: "noteTitleEdited", payload: { id: noteId(note), title: "Ideas for spring" } };
  }
  // The first note is left alone, so that its history is short.
  const edited = note === 0 ? 1 : note;
  if (position % 4 === 0) {
    return { type: "noteTitleEdited", payload: { id: noteId(edited), title: TITLES[edited] } };
  }
  const words = `${TEXTS[edited]}${position % 3 === 0 ? ", if there is any" : ""}`;
  return { type: "noteContentEdited", payload: { id: noteId(edited), text: words } };
}

function noteId(note: number): string {
  return `01920000-0000-7000-8000-${String(note).padStart(12, "0")}`;
}
