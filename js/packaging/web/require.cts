/** The WebAssembly inline, by `require`. */

import notesWasm = require("notes-wasm/inline.js");

const state: notesWasm.NotesState = notesWasm.notes(undefined, { type: "@@redux/INIT" });
if (state.count !== 0) throw new Error(`expected no notes, found ${state.count}`);
