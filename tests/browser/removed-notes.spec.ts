/** Removed notes, and how they come back: by an event as any other. */

import { expect, type Page } from "@playwright/test";
import {
  addNote,
  edit,
  hasUnsaved,
  isOffline,
  note,
  openWindow,
  switchNetwork,
  test,
} from "./notes-page.ts";

test("a removed note is restored by one click, as it was, for everybody", async ({
  browser,
  server,
}) => {
  const ann = await openWindow(browser, server, "Ann");
  await addNote(ann, "Milk", "two litres");
  await edit(note(ann, "Milk"), "text", "three litres");
  await hasUnsaved(ann, 0);
  const [before] = await server.notes();
  await note(ann, "Milk").getByRole("button", { name: "Remove" }).click();
  await hasUnsaved(ann, 0);

  // Who has never seen it finds it by the log and its history.
  const bob = await openWindow(browser, server, "Bob");
  await removedNotes(bob).locator("summary").click();
  await expect(removedNotes(bob).getByRole("listitem")).toContainText("three litres");
  await bob.getByRole("button", { name: "Restore Milk" }).click();
  for (const page of [ann, bob]) await expect(note(page, "Milk")).toContainText("three litres");
  await expect(removedNotes(bob).getByRole("listitem")).toHaveCount(0);
  await expect(removedNotes(bob).locator("summary")).toBeFocused();
  await hasUnsaved(bob, 0);
  expect(await server.notes()).toEqual([before]);
  const log = ann.getByRole("region", { name: "Event log" });
  await expect(log.getByRole("listitem").first()).toContainText("Bob restored “Milk”");
});

test("offline a note is removed and restored at once; of two who restore it one is told", async ({
  browser,
  server,
}) => {
  const ann = await openWindow(browser, server, "Ann");
  await addNote(ann, "Milk", "two litres");
  await addNote(ann, "Bread");
  await hasUnsaved(ann, 0);
  await note(ann, "Milk").getByRole("button", { name: "Remove" }).click();
  await hasUnsaved(ann, 0);
  const bob = await openWindow(browser, server, "Bob");

  await switchNetwork(ann);
  await isOffline(ann);
  await note(ann, "Bread").getByRole("button", { name: "Remove" }).click();
  await removedNotes(ann).locator("summary").click();
  await expect(removedNotes(ann).getByRole("listitem")).toHaveCount(2);
  for (const title of ["Bread", "Milk"]) {
    await ann.getByRole("button", { name: `Restore ${title}` }).click();
    await expect(note(ann, title)).toBeVisible();
  }
  await removedNotes(bob).locator("summary").click();
  await bob.getByRole("button", { name: "Restore Milk" }).click();
  await hasUnsaved(bob, 0);

  await switchNetwork(ann);
  await hasUnsaved(ann, 0);
  await expect(ann.getByRole("alert")).toContainText("Undone: you restored “Milk”.");
  await expect(ann.getByRole("alert")).toContainText("somebody else was faster");
  for (const title of ["Bread", "Milk"]) {
    for (const page of [ann, bob]) await expect(note(page, title)).toHaveCount(1);
  }
});

function removedNotes(page: Page) {
  return page.locator("details", { hasText: "Removed notes" });
}
