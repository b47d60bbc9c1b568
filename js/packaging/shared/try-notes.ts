/** What an app does with the package: the same source, whatever the package was built for. */

import { createSync, memoryQueue, resultOf, selectAll, selectById } from "@flux-capacitor/client";
import { configureStore } from "@reduxjs/toolkit";
import type {
  CollectionState,
  DocumentId,
  Note,
  NoteEvent,
  NotesState,
  onRejected,
  Rejection,
} from "notes-wasm";

/** What the package gives once its WebAssembly is there. */
type NotesWasm = Pick<typeof import("notes-wasm"), "notes" | "onRejected">;

const note: Note = {
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  title: "Milk",
  text: "two litres",
  createdAt: "2016-09-20T07:04:21.000Z",
};
const added: NoteEvent = { type: "noteAdded", payload: note };

/** Where nobody listens. */
const NOWHERE = "http://127.0.0.1:9/api";

export function tryNotes(notesWasm: NotesWasm): void {
  tryReducer(notesWasm);
  trySync(notesWasm);
}

/** Adds a note and is refused another one, with the types that the package declares. */
function tryReducer({ notes, onRejected }: NotesWasm): void {
  const rejections: Rejection[] = [];
  onRejected((rejection) => rejections.push(rejection));
  const store = configureStore({ reducer: { notes } });
  store.dispatch(added);
  const state: NotesState = store.getState().notes;
  const id: DocumentId = note.id;
  same(selectById(state, id), note);

  store.dispatch(added);
  const unchanged: CollectionState<Note> = store.getState().notes;
  if (unchanged !== state) throw new Error("a refused event has changed the state");
  same(selectAll(unchanged), [note]);
  same(
    rejections.map(({ code, field }) => ({ code, field })),
    [{ code: "document_exists", field: "id" }],
  );
}

/** Adds a note before any server knows of it. */
function trySync({ notes, onRejected }: NotesWasm): void {
  const sync = createSync<NoteEvent>({
    url: NOWHERE,
    collections: ["notes"],
    events: ["noteAdded"],
    rejections: onRejected,
    storage: memoryQueue(),
    // Node.js 20 has none.
    WebSocket: EventTarget as unknown as typeof WebSocket,
  });
  const store = configureStore({
    reducer: { notes },
    enhancers: (defaults) => defaults().concat(sync),
  });
  const { id } = resultOf(store.dispatch(added));
  same(selectAll(store.getState().notes), [note]);
  same(
    store.getState().sync.pending.map((event) => event.id),
    [id],
  );
  store.sync.close();
}

/** Not node:assert: it runs in pages, too. */
function same(found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, found ${left}`);
}

// A type that is missing from the declarations is `any`, to which everything can be assigned.
// @ts-expect-error A count is a number.
const _count: CollectionState<Note>["count"] = "none";
// @ts-expect-error The code is a text.
const _rejection: Rejection["code"] = 7;
// @ts-expect-error An id is a text or a number.
const _id: DocumentId = true;
// @ts-expect-error The listener is told a rejection.
const _listener: typeof onRejected = (listener: (rejection: number) => void) => listener(7);
