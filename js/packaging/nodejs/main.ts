/** Node.js loads the WebAssembly by itself. */

import * as notesWasm from "notes-wasm";
import { tryNotes } from "./try-notes.ts";

tryNotes(notesWasm);
