/** The WebAssembly inline: nothing is to be loaded, in Node.js either. */

import { notes, onRejected } from "notes-wasm/inline.js";
import { tryNotes } from "./try-notes.ts";

tryNotes({ notes, onRejected });
