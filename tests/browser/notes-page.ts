/** The notes page on its real server, and what its tests do with it. */

import {
  type Browser,
  type BrowserContext,
  test as base,
  expect,
  type Locator,
  type Page,
} from "@playwright/test";
import { NotesServer } from "./notes-server.ts";

/** A test with a server of its own; `serverOptions` are those of `notes-server serve`. */
export const test = base.extend<{ serverOptions: readonly string[]; server: NotesServer }>({
  serverOptions: [[], { option: true }],
  server: async ({ serverOptions }, use) => {
    const server = new NotesServer(...serverOptions);
    await server.start();
    await use(server);
    await server.remove();
  },
});

/** Opens a window of its own: another storage, another connection. */
export async function openWindow(
  browser: Browser,
  server: NotesServer,
  user: string,
): Promise<Page> {
  return openTab(await browser.newContext(), server, user);
}

/** Opens a window that shares the storage with the others of its context. */
export async function openTab(
  context: BrowserContext,
  server: NotesServer,
  user: string,
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.url);
  await isLive(page);
  await page.getByRole("textbox", { name: "Your name" }).fill(user);
  return page;
}

export async function isLive(page: Page): Promise<void> {
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
}

export async function isOffline(page: Page): Promise<void> {
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toHaveCount(0);
}

export async function addNote(page: Page, title: string, text = ""): Promise<void> {
  await page.getByRole("textbox", { name: "Title", exact: true }).fill(title);
  await page.getByRole("textbox", { name: "Text", exact: true }).fill(text);
  await page.getByRole("button", { name: "Add note" }).click();
}

/** Edits the title or the text of a note. */
export async function edit(card: Locator, field: "title" | "text", words: string): Promise<void> {
  const page = card.page();
  await card.getByRole("button", { name: `Edit ${field}` }).click();
  await page.getByRole("textbox", { name: `Edit ${field}` }).fill(words);
  await page.getByRole("button", { name: "Save" }).click();
}

export function note(page: Page, title: string): Locator {
  return page.getByRole("article", { name: title, exact: true });
}

export async function titles(page: Page): Promise<(string | null)[]> {
  const notes = await page.getByRole("article").all();
  return Promise.all(notes.map((each) => each.getAttribute("aria-label")));
}

/** Turns the switch with which the page is cut off, and joined again. */
export async function switchNetwork(page: Page): Promise<void> {
  await page.getByRole("switch", { name: "Work offline" }).click();
}

/** Says how many changes the page has that the server has not confirmed. */
export async function hasUnsaved(page: Page, count: number): Promise<void> {
  const words = count === 0 ? /^$/ : new RegExp(`^${count} changes? not saved yet`);
  await expect(page.getByRole("status").nth(1)).toHaveText(words);
  if (count === 0) await expect(page.getByText("Not saved yet")).toHaveCount(0);
}

/** Holds back what the page dispatches, until the returned function is called. */
export async function holdDispatches(page: Page): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/api/events", async (route) => {
    if (route.request().method() === "POST") await released;
    await route.continue();
  });
  return release;
}
