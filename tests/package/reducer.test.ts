/** The reducer of the notes sample, called as a page calls it. */

import { readFileSync } from "node:fs";
import { selectById } from "@flux-capacitor/client";
import init, { actions, batch, type NotesState, notes, onRejected } from "notes-wasm";
import { beforeAll, describe, expect, it } from "vitest";

const file = new URL("../../examples/notes/wasm/pkg-web/notes_wasm_bg.wasm", import.meta.url);
const createdAt = "2026-01-01T00:00:00.000Z";
const idOf = (number: number) => `01890a5d-ac96-774b-bcce-${String(number).padStart(12, "0")}`;

describe("before init", () => {
  it("a reducer says what is missing", () => {
    expect(() => notes(undefined, { type: "@@redux/INIT" })).toThrow("call and await init()");
  });
});

describe("after init", () => {
  let memory: WebAssembly.Memory;
  beforeAll(async () => {
    ({ memory } = await init({ module_or_path: readFileSync(file) }));
    onRejected(({ message }) => {
      throw new Error(message);
    });
  });

  it("takes what the action creators make", () => {
    const note = { id: idOf(1), title: "Milk", text: "", createdAt };
    const added = notes(undefined, actions.noteAdded(note));
    const edited = notes(
      added,
      batch([
        actions.noteTitleEdited({ id: note.id, title: "Oat milk" }),
        actions.noteContentEdited({ id: note.id, text: "two litres" }),
      ]),
    );
    expect(selectById(edited, note.id)).toEqual({ ...note, title: "Oat milk", text: "two litres" });
    expect(notes(edited, actions.noteRemoved({ id: note.id })).count).toBe(0);
  });

  it("an empty text is not taken for another", () => {
    const note = { id: idOf(2), title: "", text: "～ 😀", createdAt };
    expect(selectById(notes(undefined, actions.noteAdded(note)), note.id)).toEqual(note);
  });

  it("a million actions in one synchronous loop leave nothing behind in WebAssembly", () => {
    const text = "Two litres, of oats if there are none of the cow. ".repeat(4);
    const run = (from: number, to: number, given: NotesState) => {
      let state = given;
      for (let number = from; number < to; number += 1) {
        const id = idOf(number % 1_000);
        const turn = number % 4_000;
        if (turn < 1_000)
          state = notes(state, actions.noteAdded({ id, title: "T", text, createdAt }));
        else if (turn < 2_000) {
          state = notes(state, actions.noteTitleEdited({ id, title: `Title ${number}` }));
        } else if (turn < 3_000) {
          state = notes(state, actions.noteContentEdited({ id, text: `${text}${number}` }));
        } else state = notes(state, actions.noteRemoved({ id }));
      }
      return state;
    };
    const warm = run(0, 8_000, notes(undefined, { type: "@@redux/INIT" }));
    const before = memory.buffer.byteLength;
    expect(run(0, 1_000_000, warm).count).toBe(0);
    expect(memory.buffer.byteLength).toBe(before);
  }, 60_000);
});
