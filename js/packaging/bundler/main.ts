/** The bundler loads the WebAssembly: nothing is to be called before the reducer. */

import { useNotes } from "./use-notes.ts";

useNotes();
