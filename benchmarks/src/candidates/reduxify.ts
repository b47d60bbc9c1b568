/** The notes sample's own reducer, in Rust, compiled to WebAssembly. */

import { selectAll } from "@flux-capacitor/client";
import { type NotesState, notes, onRejected } from "notes-wasm";
import type { Candidate } from "../candidate.ts";

const rejections: string[] = [];

/** To be used when the package's `init` has ended. */
export const reduxify: Candidate<NotesState> = {
  name: "reduxify",
  initial: () => {
    // To refuse is fast: what was refused must not count.
    onRejected(({ code, message }) => rejections.push(`${code}: ${message}`));
    return notes(undefined, { type: "@@redux/INIT" });
  },
  reduce: notes,
  selectAll,
};

/** @throws Error if the reducer has rejected an action. */
export function assertNothingRejected(): void {
  if (rejections.length > 0) {
    throw new Error(`reduxify rejected ${rejections.length} actions, first ${rejections[0]}`);
  }
}
