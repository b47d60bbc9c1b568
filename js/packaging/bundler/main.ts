/** The bundler loads the WebAssembly: nothing is to be called before the reducer. */

import * as notesWasm from "notes-wasm";
import { tryNotes } from "./try-notes.ts";

tryNotes(notesWasm);
