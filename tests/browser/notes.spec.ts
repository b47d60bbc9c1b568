/** Two windows on one server, with the reducer in WebAssembly between them. */

import { expect, type Page } from "@playwright/test";
import {
  addNote,
  edit,
  hasUnsaved,
  isLive,
  isOffline,
  note,
  openWindow,
  switchNetwork,
  test,
  titles,
} from "./notes-page.ts";
import { NotesServer } from "./notes-server.ts";
import { countReducerCalls, reducerCalls } from "./wasm-reducer.ts";

test("what one window does shows in the other", async ({ browser, server }) => {
  const ann = await openWindow(browser, server, "Ann");
  const bob = await openWindow(browser, server, "Bob");

  await addNote(ann, "Milk", "two litres");
  await expect(note(bob, "Milk")).toContainText("two litres");
  await expect(note(ann, "Milk")).toContainText("two litres");

  await edit(note(bob, "Milk"), "title", "Oat milk");
  await expect(note(ann, "Oat milk")).toBeVisible();

  await edit(note(ann, "Oat milk"), "text", "three litres");
  await expect(note(bob, "Oat milk")).toContainText("three litres");

  const log = bob.getByRole("region", { name: "Event log" });
  await expect(log.getByRole("listitem")).toHaveCount(3);
  await expect(log.getByRole("listitem").first()).toContainText("Ann");
  await log.getByRole("listitem").first().getByRole("button").first().click();
  await expect(log).toContainText('"type": "noteContentEdited"');
  await expect(log).toContainText('"position": 3');

  await note(bob, "Oat milk").getByRole("button", { name: "Remove" }).click();
  await expect(note(ann, "Oat milk")).toHaveCount(0);
  await expect(note(bob, "Oat milk")).toHaveCount(0);
});

test("notes are there after a reload, the newest first", async ({ browser, server }) => {
  const page = await openWindow(browser, server, "Ann");
  for (const title of ["one", "two", "three"]) {
    await addNote(page, title, "");
    await expect(note(page, title)).toBeVisible();
  }
  expect(await titles(page)).toEqual(["three", "two", "one"]);
  await page.reload();
  await expect(note(page, "one")).toBeVisible();
  expect(await titles(page)).toEqual(["three", "two", "one"]);
  await expect(page.getByRole("textbox", { name: "Your name" })).toHaveValue("Ann");
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`after ${signal} and a start both windows resume and miss nothing`, async ({
    browser,
    server,
  }) => {
    const windows = [
      await openWindow(browser, server, "Ann"),
      await openWindow(browser, server, "Bob"),
    ];
    const [ann, bob] = windows as [Page, Page];
    await addNote(ann, "before", "");
    await expect(note(bob, "before")).toBeVisible();

    await server.stop(signal);
    for (const page of windows) await isOffline(page);
    await server.start();
    for (let number = 1; number <= 60; number += 1) {
      await server.command("addNote", { title: `meanwhile ${number}`, text: "" });
    }
    for (const page of windows) {
      await isLive(page);
      await expect(page.getByRole("article")).toHaveCount(61);
    }
    await addNote(bob, "after", "");
    for (const page of windows) await expect(note(page, "after")).toBeVisible();
    expect(await titles(ann)).toEqual(await titles(bob));
    expect(new Set(await titles(ann)).size).toBe(62);
  });
}

test("a page whose server has another database now shows that one, and nothing of the old", async ({
  browser,
  server,
}) => {
  const other = new NotesServer();
  await other.start();
  for (const title of ["new 1", "new 2", "new 3"])
    await other.command("addNote", { title, text: "" });
  await other.stop();

  const page = await openWindow(browser, server, "Ann");
  await addNote(page, "old", "");
  await expect(note(page, "old")).toBeVisible();
  await hasUnsaved(page, 0);
  await server.stop();
  await server.takeDatabaseOf(other);
  await server.start();
  await expect(page.getByRole("article")).toHaveCount(3);
  expect(await titles(page)).toEqual(["new 3", "new 2", "new 1"]);
  const log = page.getByRole("region", { name: "Event log" });
  await expect(log.getByRole("listitem")).toHaveCount(3);
});

test("the reducer that changes the notes is the one in WebAssembly", async ({
  browser,
  server,
}) => {
  const page = await (await browser.newContext()).newPage();
  await countReducerCalls(page);
  await page.goto(server.url);
  await isLive(page);
  const before = await reducerCalls(page);
  await addNote(page, "Milk", "");
  await expect(note(page, "Milk")).toBeVisible();
  expect(await reducerCalls(page)).toBeGreaterThan(before);

  const without = await (await browser.newContext()).newPage();
  await without.route("**/*.wasm", (route) => route.abort());
  const failed = without.waitForEvent("requestfailed", (request) =>
    request.url().endsWith(".wasm"),
  );
  await without.goto(server.url);
  await failed;
  await expect(without.getByRole("article")).toHaveCount(0);
});

test("what the server refuses is told, and the window goes on", async ({ browser, server }) => {
  const page = await openWindow(browser, server, "Ann");
  await addNote(page, "large", "x".repeat(1_100_000));
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("Please shorten it.");
  const details = alert.getByText("larger than");
  await expect(details).toBeHidden();
  await alert.getByText("Details").click();
  await expect(details).toBeVisible();
  await expect(note(page, "large")).toHaveCount(0);
  await addNote(page, "small", "x");
  await expect(note(page, "small")).toBeVisible();
});

test("what is half typed outlives a removal in another window", async ({ browser, server }) => {
  const ann = await openWindow(browser, server, "Ann");
  const bob = await openWindow(browser, server, "Bob");
  await addNote(ann, "Milk", "two litres");
  const editText = ann.getByRole("textbox", { name: "Edit text" });
  const alert = note(ann, "Milk").getByRole("alert");

  await note(ann, "Milk").getByRole("button", { name: "Edit text" }).click();
  await editText.fill("three litres");
  await note(bob, "Milk").getByRole("button", { name: "Remove" }).click();
  await expect(note(bob, "Milk")).toHaveCount(0);
  await expect(alert).toContainText("This note was removed elsewhere.");
  await expect(editText).toHaveValue("three litres");
  await expect(editText).toBeFocused();

  await editText.press("Escape");
  await ann.getByRole("button", { name: "Keep as a new note" }).click();
  await expect(note(bob, "Milk")).toContainText("three litres");
  await expect(note(ann, "Milk")).toHaveCount(1);
  await expect(alert).toHaveCount(0);

  await switchNetwork(ann);
  await edit(note(ann, "Milk"), "title", "Oat milk");
  await expect(note(ann, "Oat milk")).toBeVisible();
  await note(bob, "Milk").getByRole("button", { name: "Remove" }).click();
  await expect(note(bob, "Milk")).toHaveCount(0);
  // The edit arrives when the note is gone: it saves nothing.
  await switchNetwork(ann);
  const notice = ann.getByRole("alert").filter({ hasText: "Somebody had removed the note" });
  await notice.getByText("What you wrote").click();
  await expect(notice).toContainText("Oat milk");
  await notice.getByRole("button", { name: "Dismiss" }).click();
  await expect(notice).toHaveCount(0);
  for (const page of [ann, bob]) await expect(page.getByRole("article")).toHaveCount(0);
});

test("a note without a title has a name to point at", async ({ browser, server }) => {
  const page = await openWindow(browser, server, "Ann");
  await addNote(page, "  ", "two litres");
  await expect(note(page, "Untitled").getByRole("heading")).toHaveText("Untitled");

  await note(page, "Untitled").getByRole("button", { name: "Edit title" }).click();
  await page.getByRole("textbox", { name: "Edit title" }).fill("  Milk ");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(note(page, "Milk").getByRole("button", { name: "Edit title" })).toBeFocused();
  await hasUnsaved(page, 0);
  expect(await server.notes()).toMatchObject([{ title: "Milk", text: "two litres" }]);
});
