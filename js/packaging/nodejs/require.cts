/** The package by `require`, as scripts of Node.js have it. */

import notesWasm = require("notes-wasm");

const state: notesWasm.NotesState = notesWasm.notes(undefined, { type: "@@redux/INIT" });
if (state.count !== 0) throw new Error(`expected no notes, found ${state.count}`);
