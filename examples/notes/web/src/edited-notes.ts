/** Notes with an open editor: they stay on the page when they are removed elsewhere. */

import type { Note } from "notes-wasm";
import { useState } from "react";

export interface EditedNotes {
  /** Those that are no longer in the store, as they were last. */
  readonly removed: readonly Note[];
  /** Says whether the note's editor is open. */
  readonly setEdited: (note: Note, isEdited: boolean) => void;
}

export function useEditedNotes(notes: readonly Note[]): EditedNotes {
  const [edited, setEdited] = useState<readonly Note[]>([]);
  const present = new Map(notes.map((note) => [note.id, note]));
  const latest = edited.map((note) => present.get(note.id) ?? note);
  if (latest.some((note, index) => note !== edited[index])) setEdited(latest);
  return {
    removed: latest.filter(({ id }) => !present.has(id)),
    setEdited: (note, isEdited) =>
      setEdited((before) => {
        const others = before.filter(({ id }) => id !== note.id);
        return isEdited ? [...others, note] : others;
      }),
  };
}
