#!/usr/bin/env node
// @ts-check
/**
 * `npx inline-wasm pkg`: puts the WebAssembly of a package that `wasm-pack build --target web` made
 * into a script of it, `inline.js`. What imports that needs no file, no `init` and no bundler's help.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder = "pkg"] = process.argv.slice(2);
const manifest = join(folder, "package.json");
if (!existsSync(manifest)) {
  fail(`there is no ${manifest}; make the package first: wasm-pack build --target web`);
}
const description = JSON.parse(readFileSync(manifest, "utf8"));
const { main = "" } = description;
const wasm = join(folder, main.replace(/\.js$/, "_bg.wasm"));
const script = main === "" ? "" : readFileSync(join(folder, main), "utf8");
if (!existsSync(wasm) || !script.includes("initSync")) {
  fail(`${folder} is no package for the web; make it by: wasm-pack build --target web`);
}

const base64 = readFileSync(wasm).toString("base64");
writeFileSync(
  join(folder, "inline.js"),
  `/* @ts-self-types="./inline.d.ts" */
import { initSync } from "./${main}";

const text = atob("${base64}");
initSync({ module: Uint8Array.from(text, (byte) => byte.charCodeAt(0)) });

export * from "./${main}";
`,
);
writeFileSync(join(folder, "inline.d.ts"), `export * from "./${main}";\n`);
description.files = withAll(description.files, ["inline.js", "inline.d.ts"]);
// Otherwise a bundler leaves out what only starts the WebAssembly.
description.sideEffects = withAll(description.sideEffects, ["./inline.js"]);
writeFileSync(manifest, `${JSON.stringify(description, null, 2)}\n`);
console.log(`${join(folder, "inline.js")}: import { .. } from "${description.name}/inline.js"`);

/** @param {readonly string[] | undefined} list @param {readonly string[]} more */
function withAll(list, more) {
  return [...new Set([...(list ?? []), ...more])];
}

/** @param {string} reason @returns {never} */
function fail(reason) {
  console.error(`inline-wasm: ${reason}`);
  process.exit(1);
}
