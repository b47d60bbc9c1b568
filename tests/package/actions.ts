/** What the compiler refuses of action creators; `tsc --strict` reads it, nothing runs it. */

import { actions, batch, type NoteEvent } from "notes-wasm";
import { type PersonEvent, actions as people } from "products-wasm";

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

const person = { id: 1, first: "Ann", last: "Lee" };
export const added = people.personAdded(person);
export const version: 3 = added.meta.version;
export const signed: PersonEvent = { ...added, meta: { version: 3, user: "ann" } };

// @ts-expect-error Without a version it is of the first, whose shape was another.
export const unversioned: PersonEvent = { type: "personAdded", payload: person };
// @ts-expect-error The first version is not said.
people.personRemoved({ id: 1 }).meta;
