/** The floor: the tree that `reduxify` keeps, with the reducer in plain JavaScript. */

import { type CollectionState, selectAll } from "@flux-capacitor/client";
import { type Candidate, LOADED, type NotesAction } from "../candidate.ts";
import type { Note } from "../notes.ts";
import { insert, remove, replace, rootOf } from "./floor-tree.ts";

type State = CollectionState<Note>;

export const floor: Candidate<State> = {
  name: "floor",
  initial: () => stateOf(0, rootOf([])),
  reduce,
  selectAll,
};

function reduce(state: State, action: NotesAction): State {
  switch (action.type) {
    case "noteAdded": {
      const root = insert(state.root, noteOf(action.payload));
      return root === state.root ? state : stateOf(state.count + 1, root);
    }
    case "noteTitleEdited": {
      const { id, title } = action.payload;
      const root = replace(state.root, id, (note) =>
        Object.freeze({ id: note.id, title, text: note.text, createdAt: note.createdAt }),
      );
      return root === state.root ? state : stateOf(state.count, root);
    }
    case "noteContentEdited": {
      const { id, text } = action.payload;
      const root = replace(state.root, id, (note) =>
        Object.freeze({ id: note.id, title: note.title, text, createdAt: note.createdAt }),
      );
      return root === state.root ? state : stateOf(state.count, root);
    }
    case "noteRemoved": {
      const root = remove(state.root, action.payload.id);
      return root === state.root ? state : stateOf(state.count - 1, root);
    }
    case LOADED: {
      const documents = inOrder(action.payload.documents).map(noteOf);
      return stateOf(documents.length, rootOf(documents));
    }
    default:
      return state;
  }
}

function stateOf(count: number, root: State["root"]): State {
  return Object.freeze({ version: 1, count, root });
}

/** A note of its own: that of the action may be changed by whoever has it. */
function noteOf({ id, title, text, createdAt }: Note): Note {
  return Object.freeze({ id, title, text, createdAt });
}

/** Servers answer in the order of ids: then there is nothing to sort. */
function inOrder(notes: readonly Note[]): readonly Note[] {
  for (let index = 1; index < notes.length; index += 1) {
    if ((notes[index - 1] as Note).id >= (notes[index] as Note).id) {
      return notes.toSorted((left, right) => (left.id < right.id ? -1 : 1));
    }
  }
  return notes;
}
