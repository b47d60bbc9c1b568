/** The event of a new note: ids and times are made here, never in a reducer. */

import { createId } from "@flux-capacitor/client";
import type { Note, NoteEvent } from "notes-wasm";

export function noteAdded({ title, text }: Pick<Note, "title" | "text">): NoteEvent {
  const createdAt = new Date().toISOString();
  return { type: "noteAdded", payload: { id: createId(), title, text, createdAt } };
}
