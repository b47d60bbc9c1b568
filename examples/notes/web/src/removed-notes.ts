/** The notes that were removed last, with what was in them, so that they can be restored. */

import { isLoadedAction, selectById } from "@flux-capacitor/client";
import { type Action, createSlice, type PayloadAction, type Reducer } from "@reduxjs/toolkit";
import type { Note, NoteEvent, NotesState } from "notes-wasm";
import { api } from "./api.ts";

/** How many of them are kept here; the server has them all. */
const REMOVED_NOTES_MAX = 20;

/** The last one first. A note that was restored is in it as well. */
export type RemovedNotesState = readonly Note[];

const slice = createSlice({
  name: "removedNotes",
  initialState: [] as RemovedNotesState,
  reducers: {
    notesRemoved: (known, { payload }: PayloadAction<readonly Note[]>) => {
      const ids = new Set(payload.map(({ id }) => id));
      return [...payload, ...known.filter(({ id }) => !ids.has(id))].slice(0, REMOVED_NOTES_MAX);
    },
  },
  // Loaded anew: what is known of the log may be of another past.
  extraReducers: (builder) => builder.addMatcher(isLoadedAction, () => []),
});

export const removedNotes: Reducer<RemovedNotesState> = slice.reducer;
export const { notesRemoved } = slice.actions;

interface WithNotes {
  readonly notes: NotesState;
  readonly removedNotes: RemovedNotesState;
}

/** Keeps what is in a note when an event removes it, of this page or of others. */
export function keepRemoved<State extends WithNotes, Preloaded>(
  reducer: Reducer<State, Action, Preloaded>,
): Reducer<State, Action, Preloaded> {
  return (state, action) => {
    const next = reducer(state, action);
    const event = action as NoteEvent;
    if (state === undefined || event.type !== "noteRemoved") return next;
    const note = selectById((state as State).notes, event.payload.id);
    if (note === undefined || selectById(next.notes, note.id) !== undefined) return next;
    return { ...next, removedNotes: removedNotes(next.removedNotes, notesRemoved([note])) };
  };
}

/** Asks the server for those that were removed last: its log says which, their history what they were. */
export async function listRemovedNotes(): Promise<readonly Note[]> {
  const query = { type: "noteRemoved", order: "desc", limit: REMOVED_NOTES_MAX } as const;
  const { events } = await api.listEvents(query);
  // The last one first: a note that was restored may have been removed again.
  const positions = new Map<string, number>();
  for (const { payload, position } of events) {
    const { id } = payload as { id: string };
    if (!positions.has(id)) positions.set(id, position);
  }
  const changes = [...positions].map(([id, position]) =>
    api.listChanges<Note>("notes", id, { before: position + 1, limit: 1 }),
  );
  const removals = (await Promise.all(changes)).flat();
  return removals.flatMap(({ before }) => before ?? []);
}
