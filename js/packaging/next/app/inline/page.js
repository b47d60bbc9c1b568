/** The WebAssembly inline: the server that renders the page runs the reducer, too. */

"use client";

import { createSync } from "@flux-capacitor/client";
import { configureStore } from "@reduxjs/toolkit";
import { notes, onRejected } from "notes-wasm/inline.js";
import { useEffect } from "react";
import { tryNotes } from "../../dist/try-notes.js";

const sync = createSync({
  url: "/api",
  collections: ["notes"],
  events: ["noteAdded"],
  start: typeof window !== "undefined",
});
const store = configureStore({
  reducer: { notes },
  enhancers: (defaults) => defaults().concat(sync),
});

export default function Page() {
  const { count } = store.getState().notes;
  useEffect(() => {
    tryNotes({ notes, onRejected });
    document.documentElement.dataset.result = "passed";
  }, []);
  return <p>{count} notes</p>;
}
