/** The WebAssembly inline: the server that renders the page runs the reducer, too. */

"use client";

import { notes, onRejected } from "notes-wasm/inline.js";
import { useEffect } from "react";
import { tryNotes } from "../../dist/try-notes.js";

export default function Page() {
  const { count } = notes(undefined, { type: "@@redux/INIT" });
  useEffect(() => {
    tryNotes({ notes, onRejected });
    document.title = "passed";
  }, []);
  return <p>{count} notes</p>;
}
