/** Deno finds the WebAssembly by itself. */

import init, { notes, onRejected } from "notes-wasm";
import { tryNotes } from "./try-notes.ts";

await init();
tryNotes({ notes, onRejected });
