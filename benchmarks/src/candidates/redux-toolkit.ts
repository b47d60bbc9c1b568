/** Redux Toolkit as its documentation has it: a slice, which uses immer, with an entity adapter. */

import { createEntityAdapter, createSlice, type EntityState } from "@reduxjs/toolkit";
import { type Candidate, LOADED, type Loaded } from "../candidate.ts";
import type { EventOf, Note } from "../notes.ts";

// Not sorted: a `sortComparer` would make each change dearer.
const adapter = createEntityAdapter<Note>();

const slice = createSlice({
  name: "notes",
  initialState: adapter.getInitialState(),
  reducers: {},
  // Not `reducers`: those would want the types `notes/noteAdded` and so on.
  extraReducers: (builder) => {
    builder
      .addCase("noteAdded", (state, { payload }: EventOf<"noteAdded">) => {
        adapter.addOne(state, payload);
      })
      .addCase("noteTitleEdited", (state, { payload }: EventOf<"noteTitleEdited">) => {
        adapter.updateOne(state, { id: payload.id, changes: { title: payload.title } });
      })
      .addCase("noteContentEdited", (state, { payload }: EventOf<"noteContentEdited">) => {
        adapter.updateOne(state, { id: payload.id, changes: { text: payload.text } });
      })
      .addCase("noteRemoved", (state, { payload }: EventOf<"noteRemoved">) => {
        adapter.removeOne(state, payload.id);
      })
      .addCase(LOADED, (state, { payload }: Loaded) => {
        adapter.setAll(state, payload.documents);
      });
  },
});

export const reduxToolkit: Candidate<EntityState<Note, string>> = {
  name: "Redux Toolkit",
  initial: slice.getInitialState,
  reduce: slice.reducer,
  selectAll: adapter.getSelectors().selectAll,
};
