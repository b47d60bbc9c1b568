/** The WebAssembly as a file of its own, which the page loads; the server that renders it does not. */

"use client";

import init, { notes, onRejected } from "notes-wasm";
import { useEffect } from "react";
import { tryNotes } from "../../dist/try-notes.js";

export default function Page() {
  useEffect(() => {
    init().then(() => {
      tryNotes({ notes, onRejected });
      document.documentElement.dataset.result = "passed";
    });
  }, []);
}
