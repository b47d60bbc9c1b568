/** The events that add a note: ids and times are made here, never in a reducer. */

import { createId } from "@flux-capacitor/client";
import type { Note, NoteEvent } from "notes-wasm";

/** Who adds something to an event's `meta` says more of it than the reducers read. */
export type DescribedEvent = NoteEvent & { readonly meta?: Readonly<Record<string, unknown>> };

/** The event of a new note. */
export function noteAdded({ title, text }: Pick<Note, "title" | "text">): NoteEvent {
  const createdAt = new Date().toISOString();
  return { type: "noteAdded", payload: { id: createId(), title, text, createdAt } };
}

/**
 * The event that brings a removed note back: it is added again, as it was. So the rules for a new
 * note hold for it, and of two who restore one note the second is refused.
 */
export function noteRestored({ id, title, text, createdAt }: Note): DescribedEvent {
  return { type: "noteAdded", payload: { id, title, text, createdAt }, meta: { restored: true } };
}
