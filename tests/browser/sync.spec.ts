/** The notes page shows what was done before the server knows of it, and goes on without it. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, expect } from "@playwright/test";
import { countActions, jumpTo, recordActions, runAgainFromJson } from "./developer-tools.ts";
import {
  addNote,
  edit,
  hasUnsaved,
  holdDispatches,
  isLive,
  isOffline,
  note,
  openTab,
  openWindow,
  switchNetwork,
  test,
  titles,
} from "./notes-page.ts";
import type { LoggedEvent } from "./notes-server.ts";

/** The titles or texts that the log's events have, in order. */
function words(events: readonly LoggedEvent[]): (string | undefined)[] {
  return events.map(({ payload }) => payload.title ?? payload.text);
}

test("a note is shown, and marked, while the server is held back", async ({ browser, server }) => {
  const ann = await openWindow(browser, server, "Ann");
  const bob = await openWindow(browser, server, "Bob");
  const release = await holdDispatches(ann);

  await addNote(ann, "Milk", "two litres");
  await expect(note(ann, "Milk")).toContainText("two litres");
  await expect(note(ann, "Milk")).toContainText("Not saved yet");
  await edit(note(ann, "Milk"), "title", "Oat milk");
  await expect(note(ann, "Oat milk")).toBeVisible();
  await hasUnsaved(ann, 2);
  await addNote(bob, "Bread");
  await expect(note(ann, "Bread")).toBeVisible();
  await expect(note(ann, "Bread")).not.toContainText("Not saved yet");
  expect(words(await server.events())).toEqual(["Bread"]);

  release();
  await hasUnsaved(ann, 0);
  await expect(note(ann, "Oat milk")).not.toContainText("Not saved yet");
  await expect(note(bob, "Oat milk")).toBeVisible();
  expect(words(await server.events())).toEqual(["Bread", "Milk", "Oat milk"]);
});

test("what the server rejects is undone, its reason told, and the rest stays", async ({
  browser,
  server,
}) => {
  const page = await openWindow(browser, server, "Ann");
  await addNote(page, "Milk", "two litres");
  await hasUnsaved(page, 0);
  const release = await holdDispatches(page);
  await edit(note(page, "Milk"), "text", "my password is 123");
  await addNote(page, "Bread");
  await expect(note(page, "Milk")).toContainText("my password is 123");

  release();
  const notice = page.getByRole("alert");
  await expect(notice).toContainText("Undone: you edited the text of “Milk”.");
  await expect(notice).toContainText("Please leave passwords out.");
  await expect(note(page, "Milk")).toContainText("two litres");
  await expect(note(page, "Bread")).toBeVisible();
  await hasUnsaved(page, 0);
  await notice.getByText("What you wrote").click();
  await expect(notice).toContainText("my password is 123");
  await notice.getByRole("button", { name: "Dismiss" }).click();
  await expect(notice).toHaveCount(0);
  expect(words(await server.events())).toEqual(["Milk", "Bread"]);
});

test("a note that can't be saved is taken back, and what waits behind it is saved", async ({
  browser,
  server,
}) => {
  const ann = await openWindow(browser, server, "Ann");
  await addNote(ann, "zero");
  await hasUnsaved(ann, 0);
  await ann.route("**/api/events", async (route) => {
    const isPoison = route.request().postData()?.includes("poison") ?? false;
    if (isPoison) await route.fulfill({ status: 500, body: "<h1>Sorry" });
    else await route.continue();
  });
  await addNote(ann, "poison");
  await edit(note(ann, "poison"), "text", "edited");
  await edit(note(ann, "zero"), "text", "behind");
  await expect(ann.getByRole("status").nth(1)).toHaveText(
    "3 changes not saved yet: one can’t be saved",
  );
  expect(words(await server.events())).toEqual(["zero"]);

  await note(ann, "poison").getByRole("button", { name: "Take back" }).click();
  await expect(note(ann, "poison")).toHaveCount(0);
  await hasUnsaved(ann, 0);
  await expect(ann.getByRole("button", { name: "Try again" })).toHaveCount(0);
  await expect(note(ann, "zero")).toContainText("behind");
  await ann.reload();
  await isLive(ann);
  expect(await titles(ann)).toEqual(["zero"]);
  expect(words(await server.events())).toEqual(["zero", "behind"]);
});

test("what is offline can be taken back, too, an edit as well as a note", async ({
  browser,
  server,
}) => {
  const page = await openWindow(browser, server, "Ann");
  await addNote(page, "Milk", "two litres");
  await hasUnsaved(page, 0);
  await switchNetwork(page);
  await isOffline(page);
  await addNote(page, "Bread");
  await edit(note(page, "Milk"), "text", "three litres");
  await page.reload();
  await hasUnsaved(page, 2);
  await note(page, "Milk").getByRole("button", { name: "Take back" }).click();
  await expect(note(page, "Milk")).toContainText("two litres");
  await note(page, "Bread").getByRole("button", { name: "Take back" }).click();
  await expect(note(page, "Bread")).toHaveCount(0);
  await hasUnsaved(page, 0);
  await switchNetwork(page);
  await isLive(page);
  await addNote(page, "Tea");
  await hasUnsaved(page, 0);
  expect(words(await server.events())).toEqual(["Milk", "Tea"]);
});

test("after somebody has signed in again, what waits is saved", async ({ browser, server }) => {
  const page = await openWindow(browser, server, "Ann");
  let isSignedIn = false;
  let asked = 0;
  await page.route("**/api/events", async (route) => {
    if (route.request().method() === "POST") asked += 1;
    if (isSignedIn) await route.continue();
    else await route.fulfill({ status: 401, body: "Who are you?" });
  });
  for (const title of ["one", "two"]) await addNote(page, title);
  await expect(page.getByRole("status").nth(1)).toHaveText(
    "2 changes not saved yet: please sign in again",
  );
  expect(asked).toBe(1);
  isSignedIn = true;
  await page.getByRole("button", { name: "Try again" }).click();
  await hasUnsaved(page, 0);
  expect(words(await server.events())).toEqual(["one", "two"]);
});

test("work goes on offline and over a reload, and is sent once and in order", async ({
  browser,
  server,
}) => {
  const page = await openWindow(browser, server, "Ann");
  await addNote(page, "zero");
  await hasUnsaved(page, 0);
  await switchNetwork(page);
  await isOffline(page);
  for (const title of ["one", "two", "three"]) await addNote(page, title);
  await edit(note(page, "two"), "title", "second");
  await edit(note(page, "zero"), "text", "edited offline");
  await page.reload();
  await isOffline(page);
  await hasUnsaved(page, 5);
  expect(await titles(page)).toEqual(["three", "second", "one", "zero"]);
  await expect(note(page, "zero")).toContainText("edited offline");
  await addNote(page, "four");
  expect(words(await server.events())).toEqual(["zero"]);

  await switchNetwork(page);
  await isLive(page);
  await hasUnsaved(page, 0);
  expect(await titles(page)).toEqual(["four", "three", "second", "one", "zero"]);
  const sent = ["zero", "one", "two", "three", "second", "edited offline", "four"];
  expect(words(await server.events())).toEqual(sent);
  const log = page.getByRole("region", { name: "Event log" });
  await expect(log.getByRole("listitem")).toHaveCount(7);
  await page.reload();
  await expect(page.getByRole("article")).toHaveCount(5);
  expect(await server.events()).toHaveLength(7);
});

test("what is not sent when the browser is closed is sent when it is opened again", async ({
  server,
}, { project }) => {
  const folder = await mkdtemp(join(tmpdir(), "browser-"));
  const open = () => chromium.launchPersistentContext(folder, project.use.launchOptions);
  const before = await open();
  const page = await openTab(before, server, "Ann");
  await switchNetwork(page);
  for (const title of ["one", "two"]) await addNote(page, title);
  await hasUnsaved(page, 2);
  await before.close();
  expect(await server.events()).toEqual([]);

  const after = await open();
  const again = await openTab(after, server, "Ann");
  await hasUnsaved(again, 0);
  expect(await titles(again)).toEqual(["two", "one"]);
  expect(words(await server.events())).toEqual(["one", "two"]);
  await after.close();
  await rm(folder, { recursive: true });
});

test("two tabs have one queue, and either sends what the other leaves", async ({
  browser,
  server,
}) => {
  const context = await browser.newContext();
  const first = await openTab(context, server, "Ann");
  const second = await openTab(context, server, "Ann");
  await server.stop();
  for (const tab of [first, second]) await isOffline(tab);
  await addNote(first, "one");
  await expect(note(second, "one")).toContainText("Not saved yet");
  await addNote(second, "two");
  await expect(note(first, "two")).toContainText("Not saved yet");
  await addNote(first, "three");
  await hasUnsaved(second, 3);
  // It was the first to open, and is the one that sends.
  await first.close();

  await server.start();
  await isLive(second);
  await hasUnsaved(second, 0);
  expect(await titles(second)).toEqual(["three", "two", "one"]);
  expect(words(await server.events())).toEqual(["one", "two", "three"]);
  const third = await openTab(context, server, "Ann");
  await addNote(third, "four");
  await expect(note(second, "four")).toBeVisible();
  await hasUnsaved(third, 0);
  expect(words(await server.events())).toEqual(["one", "two", "three", "four"]);
});

test.describe("over plain http", () => {
  test.use({ serverOptions: ["--allow-anonymous"] });

  test("there are no Web Locks: two tabs have one queue, and one sends at a time", async ({
    server,
  }, { project }) => {
    const { args = [], ...launchOptions } = project.use.launchOptions ?? {};
    const rules = "--host-resolver-rules=MAP notes.example 127.0.0.1";
    const browser = await chromium.launch({ ...launchOptions, args: [...args, rules] });
    const context = await browser.newContext();
    const url = server.url.replace("127.0.0.1", "notes.example");
    const open = async () => {
      const tab = await context.newPage();
      await tab.goto(url);
      await isLive(tab);
      return tab;
    };
    const [first, second] = [await open(), await open()];
    expect(await first.evaluate(() => "locks" in navigator)).toBe(false);
    const senders: string[] = [];
    for (const [name, tab] of Object.entries({ first, second })) {
      tab.on("request", (sent) => void (sent.method() === "POST" && senders.push(name)));
    }
    for (const [index, title] of ["one", "two", "three", "four"].entries()) {
      await addNote(index % 2 === 0 ? first : second, title);
      for (const tab of [first, second]) await expect(note(tab, title)).toBeVisible();
    }
    for (const tab of [first, second]) await hasUnsaved(tab, 0);
    expect(words(await server.events())).toEqual(["one", "two", "three", "four"]);
    expect(new Set(senders).size).toBe(1);

    // Whichever it is that sends, the other takes over.
    const [closed, left] = senders[0] === "first" ? [first, second] : [second, first];
    await closed.close();
    await addNote(left, "five");
    await hasUnsaved(left, 0);
    expect(words(await server.events())).toEqual(["one", "two", "three", "four", "five"]);
    await browser.close();
  });
});

test("one can jump through old states, and nothing of what happens meanwhile is lost", async ({
  browser,
  server,
}) => {
  const page = await (await browser.newContext()).newPage();
  await recordActions(page);
  await page.goto(server.url);
  await isLive(page);
  const lengths: number[] = [];
  for (const title of ["one", "two", "three"]) {
    await addNote(page, title);
    await hasUnsaved(page, 0);
    lengths.push(await countActions(page));
  }
  for (const [index, length] of [...lengths.entries()].reverse()) {
    await jumpTo(page, length);
    expect(await titles(page)).toEqual(["three", "two", "one"].slice(2 - index));
  }
  // In the past: somebody else writes, and so does the page.
  await server.command("addNote", { title: "four", text: "" });
  await addNote(page, "five");
  await expect.poll(async () => words(await server.events())).toContain("five");
  expect(await titles(page)).toEqual(["one"]);

  await expect
    .poll(async () => {
      await jumpTo(page, await countActions(page));
      return (await titles(page)).toSorted();
    })
    .toEqual(["five", "four", "one", "three", "two"]);
  await hasUnsaved(page, 0);
  await addNote(page, "six");
  await expect(note(page, "six")).toBeVisible();
  await hasUnsaved(page, 0);
  expect(words(await server.events()).slice(0, 3)).toEqual(["one", "two", "three"]);
  expect(await server.events()).toHaveLength(6);

  expect(await runAgainFromJson(page)).toBe(true);
  expect(await titles(page)).toHaveLength(6);
  await addNote(page, "seven");
  await hasUnsaved(page, 0);
  expect(await titles(page)).toHaveLength(7);
});
