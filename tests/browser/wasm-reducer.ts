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

/** Runs in the page, before its own scripts. */
function wrapReducer(): void {
  window.reducerCalls = 0;
  const wrap = (source: WebAssembly.WebAssemblyInstantiatedSource) => {
    const reducer = source.instance.exports.notes;
    if (typeof reducer !== "function") throw new Error("the module exports no reducer `notes`");
    const counted = (...parameters: unknown[]): unknown => {
      window.reducerCalls += 1;
      return reducer(...parameters);
    };
    const exports = { ...source.instance.exports, notes: counted };
    return { module: source.module, instance: { exports } };
  };
  const { instantiateStreaming, instantiate } = WebAssembly;
  Object.assign(WebAssembly, {
    instantiateStreaming: async (module: Response, imports: WebAssembly.Imports) =>
      wrap(await instantiateStreaming(module, imports)),
    instantiate: async (module: BufferSource, imports: WebAssembly.Imports) =>
      wrap(await instantiate(module, imports)),
  });
}
