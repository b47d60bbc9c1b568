/** What is given on the command line, as `name=value`. */

import type { Scope } from "./measure.ts";

export type Runtime = "chromium" | "node";

export interface Options extends Scope {
  readonly runtimes: readonly Runtime[];
}

const RUNTIMES: readonly Runtime[] = ["node", "chromium"];
const DOCUMENTS = "100,1000,10000,100000";
const SECONDS = "60";

/** @throws Error if there is an option that is not known, or a value that makes no sense. */
export function optionsOf(given: readonly string[]): Options {
  const options = new Map([
    ["only", RUNTIMES.join()],
    ["documents", DOCUMENTS],
    ["seconds", SECONDS],
  ]);
  for (const option of given) {
    const [name = "", value] = option.split("=", 2);
    if (value === undefined || !options.has(name)) {
      throw new Error(
        `there is no option \`${option}\`; there are only=node, only=chromium, documents=100,1000 and seconds=${SECONDS}`,
      );
    }
    options.set(name, value);
  }
  const only = (options.get("only") ?? "").split(",");
  const runtimes = RUNTIMES.filter((runtime) => only.includes(runtime));
  if (runtimes.length !== only.length) {
    throw new Error(`only=${only}: expected node or chromium`);
  }
  const documents = (options.get("documents") ?? "").split(",").map(Number);
  if (!documents.every((size) => Number.isSafeInteger(size) && size >= 100)) {
    throw new Error(`documents=${documents}: expected whole numbers from 100 on`);
  }
  const seconds = Number(options.get("seconds"));
  if (!(seconds > 0)) throw new Error(`seconds=${options.get("seconds")}: expected a number`);
  return { runtimes, documents, seconds };
}
