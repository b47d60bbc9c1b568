/** What is compared: a way to keep documents in a Redux state. */

import { LOADED } from "@flux-capacitor/client";
import type { Note, NoteEvent } from "./notes.ts";

export { LOADED } from "@flux-capacitor/client";

/** All documents of a collection, as `@flux-capacitor/client` dispatches them at the beginning. */
export type Loaded = {
  readonly type: typeof LOADED;
  readonly payload: {
    readonly collection: "notes";
    readonly position: number;
    readonly documents: readonly Note[];
  };
};

export type NotesAction = NoteEvent | Loaded;

/** A reducer of notes and how all notes are read from its state. */
export interface Candidate<State = unknown> {
  readonly name: string;
  /** The state before anything has happened. */
  initial(): State;
  reduce(state: State, action: NotesAction): State;
  /** All notes, in any order; the same array for the same state. */
  selectAll(state: State): readonly Note[];
}

/** The action that loads all documents into an empty state. */
export function loaded(documents: readonly Note[]): Loaded {
  return { type: LOADED, payload: { collection: "notes", position: 0, documents } };
}
