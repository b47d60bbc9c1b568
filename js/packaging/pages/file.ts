/** A page with the WebAssembly as a file of its own, which `init` finds. */

import init, { notes, onRejected } from "notes-wasm";
import { tryNotes } from "./try-notes.ts";

await init();
tryNotes({ notes, onRejected });
document.documentElement.dataset.result = "passed";
