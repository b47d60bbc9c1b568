/** The page where the browser does not let it store anything: it goes on, and says so. */

import { expect } from "@playwright/test";
import {
  addNote,
  hasUnsaved,
  holdDispatches,
  isLive,
  isOffline,
  note,
  openWindow,
  switchNetwork,
  test,
} from "./notes-page.ts";

const WARNING = "and lost if you close the page";

test("without IndexedDB pending notes are in memory, the user is told, and they are sent", async ({
  browser,
  server,
}) => {
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", {
      get: () => {
        throw new DOMException("denied", "SecurityError");
      },
    });
  });
  await page.goto(server.url);
  await isLive(page);
  await switchNetwork(page);
  await isOffline(page);
  await addNote(page, "Milk");
  await expect(page.getByText(WARNING)).toBeVisible();
  await switchNetwork(page);
  await hasUnsaved(page, 0);
  expect(await server.notes()).toMatchObject([{ title: "Milk" }]);
});

test("where the storage is full, nothing that is pending is lost, old or new", async ({
  browser,
  server,
}) => {
  const page = await openWindow(browser, server, "Ann");
  const release = await holdDispatches(page);
  await addNote(page, "stored");
  await hasUnsaved(page, 1);
  await page.evaluate(() => {
    IDBObjectStore.prototype.add = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  await addNote(page, "in memory");
  await expect(page.getByText(WARNING)).toBeVisible();
  for (const title of ["stored", "in memory"]) await expect(note(page, title)).toBeVisible();
  release();
  await hasUnsaved(page, 0);
  const titles = (await server.notes()).map(({ title }) => title);
  expect(titles.toSorted()).toEqual(["in memory", "stored"]);
});
