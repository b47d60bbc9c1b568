/** Stands between the page and its WebAssembly: counts the calls of the reducer. */

import type { Page } from "@playwright/test";

declare global {
  interface Window {
    reducerCalls: number;
  }
}

/** Counts the calls of the reducer from the page's start. */
export async function countReducerCalls(page: Page): Promise<void> {
  await page.addInitScript(wrapReducer);
}

/** Returns how often the reducer in WebAssembly was called. */
export function reducerCalls(page: Page): Promise<number> {
  return page.evaluate(() => window.reducerCalls);
}

/** Runs in the page, before its own scripts: an action is a call of a function of the module's table. */
function wrapReducer(): void {
  window.reducerCalls = 0;
  const { get } = WebAssembly.Table.prototype;
  WebAssembly.Table.prototype.get = function (index: number): unknown {
    const found: unknown = get.call(this, index);
    if (typeof found !== "function") return found;
    return (...parameters: unknown[]): unknown => {
      window.reducerCalls += 1;
      return found(...parameters);
    };
  };
}
