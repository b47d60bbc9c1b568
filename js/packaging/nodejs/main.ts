/** Node.js loads the WebAssembly by itself. */

import { useNotes } from "./use-notes.ts";

useNotes();
