/** What an app does with the package: the same source, whatever the package was built for. */

import assert from "node:assert/strict";
import { selectAll, selectById } from "@flux-capacitor/client";
import { configureStore } from "@reduxjs/toolkit";
import {
  type CollectionState,
  type DocumentId,
  type Note,
  type NoteEvent,
  type NotesState,
  notes,
  onRejected,
  type Rejection,
} from "notes-wasm";

/** Adds a note and is refused another one, with the types that the package declares. */
export function useNotes(): void {
  const rejections: Rejection[] = [];
  onRejected((rejection) => rejections.push(rejection));
  const store = configureStore({ reducer: { notes } });
  const note: Note = {
    id: "01890a5d-ac96-774b-bcce-b302099a8057",
    title: "Milk",
    text: "two litres",
    createdAt: "2016-09-20T07:04:21.000Z",
  };
  const added: NoteEvent = { type: "noteAdded", payload: note };

  store.dispatch(added);
  const state: NotesState = store.getState().notes;
  const id: DocumentId = note.id;
  assert.deepEqual(selectById(state, id), note);

  store.dispatch(added);
  const unchanged: CollectionState<Note> = store.getState().notes;
  assert.equal(unchanged, state);
  assert.deepEqual(selectAll(unchanged), [note]);
  assert.deepEqual(
    rejections.map(({ code, field }) => ({ code, field })),
    [{ code: "document_exists", field: "id" }],
  );
}

// A type that is missing from the declarations is `any`, to which everything can be assigned.
// @ts-expect-error A count is a number.
const _count: CollectionState<Note>["count"] = "none";
// @ts-expect-error The code is a text.
const _rejection: Rejection["code"] = 7;
// @ts-expect-error An id is a text or a number.
const _id: DocumentId = true;
// @ts-expect-error The listener is told a rejection.
const _listener: typeof onRejected = (listener: (rejection: number) => void) => listener(7);
