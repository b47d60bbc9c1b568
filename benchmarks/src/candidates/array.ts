/** The plainest of all: an array, changed by `map` and `filter`. */

import { type Candidate, LOADED, type NotesAction } from "../candidate.ts";
import type { Note } from "../notes.ts";

export const array: Candidate<readonly Note[]> = {
  name: "array",
  initial: () => [],
  reduce,
  selectAll: (notes) => notes,
};

function reduce(notes: readonly Note[], action: NotesAction): readonly Note[] {
  switch (action.type) {
    case "noteAdded":
      return [...notes, action.payload];
    case "noteTitleEdited":
    case "noteContentEdited": {
      const { payload } = action;
      return notes.map((note) => (note.id === payload.id ? { ...note, ...payload } : note));
    }
    case "noteRemoved":
      return notes.filter((note) => note.id !== action.payload.id);
    case LOADED:
      return action.payload.documents;
    default:
      return notes;
  }
}
