/** Follows what the server makes of the events: side effects belong to those that it has decided on. */

import { selectById } from "@flux-capacitor/client";
import { noticeGiven } from "./notices.ts";
import type { store as Store } from "./store.ts";

/** Gives a notice where an event had not the effect that the page had shown. */
export function noticeOutcomes(store: typeof Store): void {
  store.sync.onRejected((rejection, event) => {
    // Of what the reducer here refuses, the form tells: it was not shown at all.
    if (rejection.by === "server") store.dispatch(noticeGiven({ event, rejection }));
  });
  const own = new Set<string>();
  store.subscribe(() => {
    for (const { id } of store.getState().sync.pending) own.add(id);
  });
  store.sync.onConfirmed((event) => {
    const isEdit = event.type === "noteTitleEdited" || event.type === "noteContentEdited";
    if (!own.delete(event.id) || !isEdit) return;
    if (selectById(store.getState().notes, event.payload.id) !== undefined) return;
    store.dispatch(noticeGiven({ event, rejection: null }));
  });
}
