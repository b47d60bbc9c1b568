/** The last events that the server has recorded, newest first, as a slice of the store. */

import { isLoadedAction, isRecordedEvent, type RecordedEvent } from "@flux-capacitor/client";
import { createSlice, type PayloadAction, type Reducer } from "@reduxjs/toolkit";

/** How many events the log shows; older ones are on the server. */
export const EVENT_LOG_LENGTH_MAX = 50;

export type EventLogState = readonly RecordedEvent[];

const slice = createSlice({
  name: "eventLog",
  initialState: [] as EventLogState,
  reducers: {
    /** The server has listed events. They may overlap with those that came live meanwhile. */
    eventsListed: (log, { payload }: PayloadAction<readonly RecordedEvent[]>) =>
      merge(log, payload),
  },
  extraReducers: (builder) =>
    builder
      .addMatcher(isRecordedEvent, (log, event) => merge(log, [event]))
      // Loaded anew: what is known of the log may be of another past.
      .addMatcher(isLoadedAction, () => []),
});

export const eventLog: Reducer<EventLogState> = slice.reducer;
export const { eventsListed } = slice.actions;

function merge(log: EventLogState, events: EventLogState): EventLogState {
  const byPosition = new Map([...log, ...events].map((event) => [event.position, event]));
  return [...byPosition.values()]
    .sort((left, right) => right.position - left.position)
    .slice(0, EVENT_LOG_LENGTH_MAX);
}
