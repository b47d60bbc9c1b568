/** The benchmark as a page: Chromium calls `measurePage`. */

import init from "notes-wasm";
import { type Figure, measure, type Scope } from "./measure.ts";

declare global {
  interface Window {
    measurePage(scope: Scope): Promise<readonly Figure[]>;
  }
}

window.measurePage = async (scope) => {
  await init();
  // The browser's driver shows what is written to the console.
  return measure(scope, (line) => console.info(line));
};
