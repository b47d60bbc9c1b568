/** The last state, for a page that opens while the server can't be reached. */

import type { NotesState } from "notes-wasm";
import type { EventLogState } from "./event-log.ts";
import type { Notice } from "./notices.ts";
import type { RemovedNotesState } from "./removed-notes.ts";

/** The state of the page, as far as its reducers make it; that of the synchronisation is beside it. */
interface StoredState {
  readonly notes: NotesState;
  readonly removedNotes: RemovedNotesState;
  readonly eventLog: EventLogState;
  readonly notices: readonly Notice[];
}

const STORAGE_KEY = "flux-capacitor-notes.state";

/** Reads it; any state that the reducers have ever made will do. */
export function readStoredState(): Partial<StoredState> {
  try {
    const text = localStorage.getItem(STORAGE_KEY);
    return text === null ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

/** Stores it whenever the page is left. Of the tabs the last one counts; all have the same notes. */
export function storeStateOnLeaving(store: { getState(): StoredState }): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden") return;
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(store.getState()));
    } catch {
      // Too large, or not allowed: then the page begins with what it has stored before, or nothing.
    }
  });
}
