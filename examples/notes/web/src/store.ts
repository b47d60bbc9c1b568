// ANCHOR: reuse
import { configureStore } from "@reduxjs/toolkit";
import init, { notes } from "notes-wasm";
import { eventLog } from "./event-log.ts";

await init();

/** The page's state. `notes` is the very reducer that the server runs. */
export const store = configureStore({ reducer: { notes, eventLog } });
export type RootState = ReturnType<typeof store.getState>;
// ANCHOR_END: reuse
