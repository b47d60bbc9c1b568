import { createSync, type Dispatched, resultOf } from "@flux-capacitor/client";
import { combineReducers, configureStore } from "@reduxjs/toolkit";
import init, { type NoteEvent, notes, onRejected } from "notes-wasm";
import { eventLog } from "./event-log.ts";
import { switchedNetwork } from "./network.ts";
import { notices } from "./notices.ts";
import { keepRemoved, removedNotes } from "./removed-notes.ts";
import { readStoredState, storeStateOnLeaving } from "./stored-state.ts";

await init();

// ANCHOR: sync
/** Keeps the store in step with the server: at once, live, and offline. */
const sync = createSync<NoteEvent>({
  url: "./api",
  collections: ["notes"],
  events: ["noteAdded", "noteTitleEdited", "noteContentEdited", "noteRemoved"],
  slices: ["eventLog"],
  rejections: onRejected,
  ...switchedNetwork,
});
// ANCHOR_END: sync

// ANCHOR: reuse
/** The page's state. `notes` is the very reducer that the server runs. */
export const store = configureStore({
  reducer: keepRemoved(combineReducers({ notes, removedNotes, eventLog, notices })),
  preloadedState: readStoredState(),
  enhancers: (defaults) => defaults().concat(sync),
});
export type RootState = ReturnType<typeof store.getState>;
// ANCHOR_END: reuse

storeStateOnLeaving(store);

/** Takes back what is pending of a note; the last first, so that none is left without its beginning. */
export async function takeBack(noteId: string): Promise<void> {
  const events = store.getState().sync.pending.filter(({ payload }) => payload.id === noteId);
  await Promise.all(events.toReversed().map(({ id }) => store.sync.withdraw(id)));
}

/** Applies an event at once, and sends it: see the two promises of its result. */
export function dispatch(event: NoteEvent): Dispatched<NoteEvent> {
  return resultOf(store.dispatch(event));
}
