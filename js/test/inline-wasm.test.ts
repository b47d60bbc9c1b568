/** The command `inline-wasm` says what is wrong; that what it makes works is tried in `packaging`. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const command = fileURLToPath(new URL("../bin/inline-wasm.js", import.meta.url));
const run = (folder: string) =>
  spawnSync(process.execPath, [command, folder], { encoding: "utf8" });

/** A folder with a package as wasm-pack makes it, as far as the command looks. */
function packageWith(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "package-"));
  const description = { name: "notes-wasm", main: "notes_wasm.js", sideEffects: ["./snippets/*"] };
  writeFileSync(join(folder, "package.json"), JSON.stringify(description));
  writeFileSync(join(folder, "notes_wasm.js"), script);
  writeFileSync(join(folder, "notes_wasm_bg.wasm"), "wasm");
  return folder;
}

it("adds the script to the package, once", () => {
  const folder = packageWith("export { initSync };");
  expect(run(folder)).toMatchObject({ status: 0 });
  const { stdout } = run(folder);
  expect(stdout).toContain('from "notes-wasm/inline.js"');
  expect(readFileSync(join(folder, "inline.js"), "utf8")).toContain(btoa("wasm"));
  expect(JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))).toMatchObject({
    files: ["inline.js", "inline.d.ts"],
    sideEffects: ["./snippets/*", "./inline.js"],
  });
});

it.each([
  ["no folder", () => join(tmpdir(), "nowhere"), "make the package first"],
  ["a package for Node.js", () => packageWith("require('fs')"), "is no package for the web"],
])("says what to do: %s", (_, folder, said) => {
  const { status, stderr } = run(folder());
  expect(status).toBe(1);
  expect(stderr).toContain(said);
});
