/** What the user has to know of events that had not the effect that the page had shown. */

import type { QueuedEvent, Rejection } from "@flux-capacitor/client";
import { createSlice, type PayloadAction, type Reducer } from "@reduxjs/toolkit";
import type { NoteEvent } from "notes-wasm";

/** One of them; by its event's id. */
export type Notice =
  /** The server has rejected the event, and the page has taken it back. */
  | { readonly event: QueuedEvent<NoteEvent>; readonly rejection: Rejection }
  /** The server has taken the event, an edit of a note that somebody had removed. */
  | { readonly event: QueuedEvent<NoteEvent>; readonly rejection: null };

const slice = createSlice({
  name: "notices",
  initialState: [] as readonly Notice[],
  reducers: {
    noticeGiven: (notices, { payload }: PayloadAction<Notice>) => [...notices, payload],
    noticeDismissed: (notices, { payload }: PayloadAction<string>) =>
      notices.filter(({ event }) => event.id !== payload),
  },
});

export const notices: Reducer<readonly Notice[]> = slice.reducer;
export const { noticeGiven, noticeDismissed } = slice.actions;
