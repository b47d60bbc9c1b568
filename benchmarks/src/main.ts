/** `cargo xtask bench frontend`: measures under Node.js and in Chromium, and prints tables. */

import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import init from "notes-wasm";
import { measureInChromium } from "./chromium.ts";
import { measure } from "./measure.ts";
import { measureMemory } from "./memory.ts";
import { type Options, optionsOf } from "./options.ts";
import { measureSizes } from "./size.ts";
import { tableOfMemory, tableOfSizes, tablesOfFigures } from "./tables.ts";

/** From benchmarks/dist/node. */
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Where one sees that it goes on; the tables alone are on the standard output. */
function progressOf(runtime: string): (line: string) => void {
  return (line) => console.error(`${runtime}, ${line}`);
}

async function run({ runtimes, documents, seconds }: Options): Promise<void> {
  const scope = { documents, seconds };
  const [processor] = cpus();
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${processor?.model}, ${cpus().length} cores`,
  );
  if (runtimes.includes("node")) {
    const wasm = join(ROOT, "examples/notes/wasm/pkg-web/notes_wasm_bg.wasm");
    await init({ module_or_path: await readFile(wasm) });
    const figures = await measure(scope, progressOf("Node.js"));
    print(`Node.js ${process.versions.node}`, tablesOfFigures(figures));
    progressOf("Node.js")("memory of kept versions");
    print("KiB of each kept version (Node.js)", tableOfMemory(measureMemory(documents)));
  }
  if (runtimes.includes("chromium")) {
    const page = join(ROOT, "benchmarks/dist/page");
    const { version, figures } = await measureInChromium(page, scope, progressOf("Chromium"));
    print(`Chromium ${version}`, tablesOfFigures(figures));
  }
  print("Downloads", tableOfSizes(await measureSizes(ROOT)));
}

function print(title: string, tables: string): void {
  console.log(`\n### ${title}\n\n${tables}`);
}

try {
  await run(optionsOf(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
