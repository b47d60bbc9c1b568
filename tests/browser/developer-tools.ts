/** Puts the store of Redux DevTools into a page, and moves through what has happened there. */

import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { build } from "vite";
import type {} from "./developer-tools-in-page.ts";

/** Records the actions of the page from its start. */
export async function recordActions(page: Page): Promise<void> {
  const entry = fileURLToPath(new URL("developer-tools-in-page.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: { write: false, lib: { entry, formats: ["iife"], name: "developerToolsInPage" } },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (bundle === undefined || !("output" in bundle)) throw new Error("vite has built nothing");
  await page.addInitScript(bundle.output[0].code);
}

/** Returns how many actions there were. */
export function countActions(page: Page): Promise<number> {
  return page.evaluate(() => window.developerTools.length());
}

/** Imports the page's history from JSON; tells whether the reducers made the same states of it. */
export function runAgainFromJson(page: Page): Promise<boolean> {
  return page.evaluate(() => window.developerTools.runAgainFromJson());
}

/** Shows the state after so many actions. */
export function jumpTo(page: Page, length: number): Promise<void> {
  return page.evaluate((to) => window.developerTools.jumpTo(to), length);
}
