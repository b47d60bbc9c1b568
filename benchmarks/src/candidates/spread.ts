/** What many write by hand: an object by id, copied by `...`. */

import { createSelector } from "@reduxjs/toolkit";
import { type Candidate, LOADED, type NotesAction } from "../candidate.ts";
import type { Note } from "../notes.ts";

interface State {
  readonly byId: Readonly<Record<string, Note>>;
}

export const spread: Candidate<State> = {
  name: "spread",
  initial: () => ({ byId: {} }),
  reduce,
  selectAll: createSelector([({ byId }: State) => byId], (byId) => Object.values(byId)),
};

function reduce(state: State, action: NotesAction): State {
  switch (action.type) {
    case "noteAdded": {
      const note = action.payload;
      return { ...state, byId: { ...state.byId, [note.id]: note } };
    }
    case "noteTitleEdited":
    case "noteContentEdited": {
      const note = state.byId[action.payload.id];
      if (note === undefined) return state;
      return { ...state, byId: { ...state.byId, [note.id]: { ...note, ...action.payload } } };
    }
    case "noteRemoved": {
      // Six times as fast as `const { [id]: _, ...byId } = state.byId`.
      const byId: Record<string, Note> = { ...state.byId };
      delete byId[action.payload.id];
      return { ...state, byId };
    }
    case LOADED: {
      const { documents } = action.payload;
      return { ...state, byId: Object.fromEntries(documents.map((note) => [note.id, note])) };
    }
    default:
      return state;
  }
}
