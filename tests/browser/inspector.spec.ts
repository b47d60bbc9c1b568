/** The inspector on the real server: the log, the past, a history, the rate, a rebuild. */

import { once } from "node:events";
import { expect, type Locator, type Page } from "@playwright/test";
import { test } from "./notes-page.ts";
import type { NotesServer } from "./notes-server.ts";
import { PasswordProxy } from "./password-proxy.ts";

test("there is no inspector unless it is asked for", async ({ server }) => {
  const answers = ["inspector", "inspector/main.js", "inspector/rate", "inspector/generations"].map(
    async (path) => (await fetch(`${server.url}/api/${path}`)).status,
  );
  expect(await Promise.all(answers)).toEqual([404, 404, 404, 404]);
});

test.describe("the inspector", () => {
  test.use({ serverOptions: ["--inspector"] });

  test("shows what other clients do as it happens, as text and nothing else", async ({
    page,
    server,
  }) => {
    const messages: string[] = [];
    page.on("console", (message) => messages.push(message.text()));
    page.on("pageerror", (error) => messages.push(error.message));
    await inspect(page, server);
    await expect(page.getByText("No such events.")).toBeVisible();
    const title = '<img src="x" onerror="alert(1)">';
    await server.command("addNote", { title, text: "" });
    await expect(events(page)).toHaveCount(1);
    const event = events(page).first();
    await expect(event).toContainText("noteAdded");
    await expect(event).toContainText("curl");
    await expect(event).toContainText(JSON.stringify(title));
    await expect(page.getByRole("cell", { name: title })).toBeVisible();
    await event.locator("summary").click();
    await expect(event.locator("pre")).toContainText('"position": 1');
    expect(messages).toEqual([]);
  });

  test("filters the log by type and text, pages back, and pauses", async ({ page, server }) => {
    await server.dispatch(notesAdded(1, 250));
    await server.command("editNoteTitle", { id: noteId(7), title: "seven" });
    await inspect(page, server);
    await expect(events(page)).toHaveCount(100);
    await page.getByRole("button", { name: "Older events" }).click();
    await expect(events(page)).toHaveCount(200);

    await page.getByLabel("Type").fill("noteTitleEdited");
    await expect(events(page)).toHaveCount(1);
    await page.getByLabel("Type").fill("");
    await page.getByLabel("Text", { exact: true }).fill("NOTE 17,");
    await expect(page.getByText("No such events.")).toBeVisible();
    await page.getByLabel("Text", { exact: true }).fill('NOTE 17"');
    await expect(events(page)).toHaveCount(1);
    await expect(events(page)).toContainText("#17");

    await page.getByLabel("Text", { exact: true }).fill("");
    await expect(events(page).first()).toContainText("#251");
    await page.getByRole("button", { name: "Pause" }).click();
    await server.command("editNoteTitle", { id: noteId(7), title: "7" });
    await expect(page.getByText("paused, 1 new since")).toBeVisible();
    await expect(events(page).first()).toContainText("#251");
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(events(page).first()).toContainText("#252");
  });

  test("shows every collection as of the moment that the slider is at", async ({
    page,
    server,
  }) => {
    await server.dispatch(notesAdded(1, 3));
    await server.command("removeNote", { id: noteId(2) });
    await server.command("editNoteContent", { id: noteId(3), text: "edited" });
    await inspect(page, server);
    await expect(rows(page)).toHaveCount(2);

    const slider = page.getByRole("slider", { name: "Position" });
    await slider.focus();
    await slider.press("ArrowLeft");
    await slider.press("ArrowLeft");
    // Of the removed note, which is back, and of the others, as the server has them.
    await expect(slider).toHaveAttribute("aria-valuetext", /^after event 3, noteAdded/);
    await expect(rows(page)).toHaveCount(3);
    const past = await fetch(`${server.url}/api/collections/notes?at=3`);
    const { documents } = (await past.json()) as { documents: Record<string, string>[] };
    for (const [index, document] of documents.entries()) {
      for (const value of Object.values(document)) {
        await expect(rows(page).nth(index)).toContainText(value);
      }
    }
    await expect(rows(page).nth(2)).toHaveAttribute("data-change", "added");

    await page.getByRole("button", { name: "One event forth" }).click();
    await expect(page.getByRole("row", { name: "note 2" })).toHaveAttribute(
      "data-change",
      "removed",
    );
    await expect(page.getByRole("button", { name: `notes ${noteId(2)}` })).toBeVisible();
    await expect(page).toHaveURL(/#at=4$/);
    await page.getByRole("navigation").getByRole("button", { name: "events" }).click();
    await expect(rows(page)).toHaveCount(4);

    await page.getByLabel("Position", { exact: true }).last().fill("0");
    await page.getByRole("button", { name: "Go" }).click();
    await expect(page.getByText("Before the first event")).toBeVisible();
    await expect(page.getByText("No documents.")).toBeVisible();
    await page.getByRole("button", { name: "Now" }).click();
    await server.dispatch(notesAdded(4, 1));
    await expect(rows(page)).toHaveCount(6);
  });

  test("marks in a document's history what each event has changed", async ({ page, server }) => {
    await server.dispatch(notesAdded(1, 2));
    await server.command("editNoteTitle", { id: noteId(1), title: "note one" });
    await inspect(page, server);
    await page.getByRole("button", { name: noteId(1), exact: true }).click();
    await expect(page.getByRole("tab", { name: "History" })).toHaveAttribute(
      "aria-selected",
      "true",
    );
    const changes = page.getByRole("list", { name: "Changes" }).getByRole("listitem");
    await expect(changes).toHaveCount(2);
    const [edited, created] = [changes.first(), changes.last()];
    await expect(edited).toContainText("Changed by curl");
    await expect(edited.locator("tbody tr")).toHaveCount(1);
    await expect(edited.locator("tbody th")).toHaveText("title");
    await expect(edited.locator("del")).toHaveText("1");
    await expect(edited.locator("ins")).toHaveText("one");
    await expect(edited.getByText("3 fields unchanged")).toBeVisible();
    await expect(created).toContainText("Created");
    await expect(created.locator("ins")).toHaveCount(4);
    await page.getByRole("tab", { name: "State" }).click();
    await expect(rows(page)).toHaveCount(2);
    await page.getByRole("tab", { name: "History" }).click();
    await expect(changes).toHaveCount(2);

    await server.command("removeNote", { id: noteId(1) });
    await expect(changes).toHaveCount(3);
    await expect(changes.first()).toContainText("Removed");
    await expect(page.getByText("3 changes; it is removed now.")).toBeVisible();
  });

  test("reads a long history page by page", async ({ page, server }) => {
    await server.dispatch(notesAdded(1, 1));
    const edits = Array.from({ length: 149 }, (_, edit) => ({
      type: "noteTitleEdited",
      payload: { id: noteId(1), title: `edit ${edit}` },
    }));
    await server.dispatch(edits);
    await inspect(page, server);
    await page.getByRole("button", { name: noteId(1), exact: true }).click();
    const changes = page.getByRole("list", { name: "Changes" }).getByRole("listitem");
    await expect(changes).toHaveCount(100);
    await expect(page.getByText("The last 100 changes; it is there now.")).toBeVisible();
    await page.getByRole("button", { name: "Earlier changes" }).click();
    await expect(changes).toHaveCount(150);
    await expect(changes.last()).toContainText("Created");
    await expect(page.getByRole("button", { name: "Earlier changes" })).toBeHidden();

    await server.command("editNoteTitle", { id: noteId(1), title: "the last one" });
    await expect(changes).toHaveCount(151);
    await expect(changes.first()).toContainText("the last one");
  });

  test("plots all events over time", async ({ page, server }) => {
    await server.dispatch(notesAdded(1, 5));
    await inspect(page, server);
    const plot = page.locator("#rate-plot");
    await expect(plot).toHaveAttribute("aria-label", /^5 events from /);
    await server.dispatch(notesAdded(6, 20));
    await expect(plot).toHaveAttribute("aria-label", /^25 events from /);
    await page.getByRole("radio", { name: "Hour" }).check();
    await expect(plot).toHaveAttribute("aria-label", /^25 events from .* in 30 s$/);
    await expect(plot.locator("rect:not([height='0'])")).not.toHaveCount(0);
  });

  test("shows how far a rebuild is that another process does, and that it is done", async ({
    page,
    server,
  }) => {
    for (let first = 1; first < 20_000; first += 500) {
      await server.dispatch(notesAdded(first, 500));
    }
    await inspect(page, server);
    const progress = page.getByRole("progressbar", { name: "Rebuilding the tables" });
    await expect(progress).toBeHidden();
    const rebuild = server.run("rebuild");
    const ended = once(rebuild, "exit");
    await expect.poll(() => built(server), { intervals: [5] }).toBeGreaterThan(0);
    // So that it is still there when it is looked at.
    rebuild.kill("SIGSTOP");
    await expect(progress).toBeVisible();
    const done = Number(await progress.getAttribute("value"));
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(1);
    const told = `of 20,000 events (${Math.floor(done * 100)} %)`;
    await expect(page.getByText(told)).toBeVisible();
    await expect(page.getByText(/, nothing new for \d+ s$/)).toBeVisible({ timeout: 20_000 });
    rebuild.kill("SIGCONT");
    expect(await ended).toEqual([0, null]);
    await expect(page.getByRole("heading", { name: "The tables were rebuilt" })).toBeVisible();
    await expect(progress).toBeHidden();
  });
});

test.describe("where a name and a password are asked for, the inspector", () => {
  const httpCredentials = { username: "ann", password: "secret" };
  test.use({ serverOptions: ["--inspector"] });

  test("is open to who has them, its WebSocket included, and to nobody else", async ({
    browser,
    server,
  }) => {
    const proxy = await new PasswordProxy(server.url, "ann", "secret").start();
    expect((await fetch(`${proxy.url}/api/inspector`)).status).toBe(401);
    const page = await browser.newPage({ httpCredentials });
    await inspect(page, proxy);
    await server.command("addNote", { title: "Milk", text: "" });
    await expect(events(page)).toHaveCount(1);
    await expect(rows(page)).toContainText("Milk");
    // Browsers refuse to ask for addresses with a password in them.
    const withThem = await (await browser.newContext()).newPage();
    await inspect(withThem, { url: proxy.url.replace("//", "//ann:secret@") });
    await expect(events(withThem)).toHaveCount(1);
    await page.close();
    await withThem.close();
    proxy.stop();
  });
});

/** Opens the inspector, and waits until it follows the log. */
async function inspect(page: Page, server: { readonly url: string }): Promise<void> {
  await page.goto(`${server.url}/api/inspector`);
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
}

/** How far the tables are that are being built. */
async function built(server: NotesServer): Promise<number> {
  const answer = await fetch(`${server.url}/api/inspector/generations`);
  const { generations } = (await answer.json()) as {
    generations: { state: string; position: number }[];
  };
  return generations.find(({ state }) => state === "building")?.position ?? 0;
}

function events(page: Page): Locator {
  return page.getByRole("list", { name: "Events" }).getByRole("listitem");
}

/** The documents that are shown. */
function rows(page: Page): Locator {
  return page.getByRole("table", { name: "Documents" }).locator("tbody tr");
}

/** Ids that rise with their number. */
function noteId(number: number): string {
  return `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}

function notesAdded(first: number, count: number): readonly object[] {
  return Array.from({ length: count }, (_, index) => {
    const [id, createdAt] = [noteId(first + index), "2016-09-26T20:32:46.588Z"];
    const payload = { id, title: `note ${first + index}`, text: "", createdAt };
    return { type: "noteAdded", payload, meta: { user: "curl" } };
  });
}
