/** An event in words. */

import type { Action } from "@flux-capacitor/client";
import type { NoteEvent } from "notes-wasm";
import { shownTitle } from "./note-title.ts";

/** Who caused the event. */
export function whoDid({ meta }: Action): string {
  return typeof meta?.user === "string" ? meta.user : "Someone";
}

/**
 * What the event did, to follow the name of who did it.
 *
 * @param titleOf - the present title of a note, if it is still there.
 */
export function whatWasDone(event: Action, titleOf: (id: string) => string | undefined): string {
  // The server records only what the reducers accept; of other types there may be any.
  const { type, payload } = event as NoteEvent;
  const note = () => {
    const title = titleOf(payload.id);
    return title === undefined ? "a note" : `“${shownTitle(title)}”`;
  };
  switch (type) {
    case "noteAdded":
      return `${event.meta?.restored === true ? "restored" : "added"} “${shownTitle(payload.title)}”`;
    case "noteTitleEdited":
      return `renamed a note to “${shownTitle(payload.title)}”`;
    case "noteContentEdited":
      return `edited the text of ${note()}`;
    case "noteRemoved":
      return "removed a note";
    default:
      return `caused ${event.type}`;
  }
}
