/** What the compiler refuses; `tsc --strict` reads it, nothing runs it. */

import type { Dispatched, PendingEvent } from "@flux-capacitor/client";
import type { NoteEvent } from "notes-wasm";
import type { dispatch as Dispatch, store as Store } from "../src/store.ts";

declare const dispatch: typeof Dispatch;
declare const store: typeof Store;

const id = "01890a5d-ac96-774b-bcce-b302099a8057";
export const result: Dispatched<NoteEvent> = dispatch({
  type: "noteTitleEdited",
  payload: { id, title: "Milk" },
});

// @ts-expect-error The title is a text.
dispatch({ type: "noteTitleEdited", payload: { id, title: 7 } });
// @ts-expect-error The title is missing.
dispatch({ type: "noteTitleEdited", payload: { id } });
// @ts-expect-error There is no such event.
dispatch({ type: "noteRenamed", payload: { id, title: "Milk" } });
// @ts-expect-error A removal has no title.
dispatch({ type: "noteRemoved", payload: { id, title: "Milk" } });

export const pending: readonly PendingEvent<NoteEvent>[] = store.getState().sync.pending;
store.sync.onConfirmed((event) => {
  // @ts-expect-error Not every event has a title.
  event.payload.title;
  if (event.type === "noteAdded") event.payload.title.trim();
});
