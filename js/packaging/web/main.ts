/** The page loads the WebAssembly by calling `init`; Node.js is here the page. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import init, { notes, onRejected } from "notes-wasm";
import { tryNotes } from "./try-notes.ts";

/** What is said of a reducer that is called too early, as wasm/README.md quotes it. */
const TOO_EARLY = "this reducer was called before its WebAssembly was there";

assert.throws(() => notes(undefined, { type: "noteAdded" }), new RegExp(TOO_EARLY));
// From target/packaging/web/dist, where this runs.
const readme = await readFile(new URL("../../../../wasm/README.md", import.meta.url), "utf8");
assert.ok(readme.includes(TOO_EARLY), `wasm/README.md does not quote "${TOO_EARLY}"`);

const module = new URL("notes_wasm_bg.wasm", import.meta.resolve("notes-wasm"));
await init({ module_or_path: await readFile(module) });
tryNotes({ notes, onRejected });
