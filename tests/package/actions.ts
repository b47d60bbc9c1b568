/** What the compiler refuses of action creators; `tsc --strict` reads it, nothing runs it. */

import { actions, batch, type NoteEvent } from "notes-wasm";

const id = "01890a5d-ac96-774b-bcce-b302099a8057";

export const edited: NoteEvent = actions.noteTitleEdited({ id, title: "Milk" });
export const both = batch([edited, actions.noteRemoved({ id })]);

// @ts-expect-error The title is a text.
actions.noteTitleEdited({ id, title: 7 });
// @ts-expect-error The title is missing.
actions.noteTitleEdited({ id });
// @ts-expect-error A removal has no title.
actions.noteRemoved({ id, title: "Milk" });
// @ts-expect-error A removal has a payload.
actions.noteRemoved();
// @ts-expect-error There is no such event.
actions.noteRenamed({ id, title: "Milk" });
// @ts-expect-error An action is made by a call.
batch([actions.noteRemoved]);
