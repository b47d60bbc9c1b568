import type { configureStore } from "@reduxjs/toolkit";
import { describe, expect, expectTypeOf, it } from "vitest";
import { devToolsOptions } from "../src/devtools.ts";
import { stateOf } from "./tree.ts";

const { stateSanitizer, actionSanitizer } = devToolsOptions;

function notes(count: number) {
  return Array.from({ length: count }, (_, index) => ({ id: index, title: `Note ${index}` }));
}

describe("for Redux DevTools", () => {
  it("a large collection is its first documents and its count, wherever it is", () => {
    const large = stateOf(notes(100_000), 32);
    const short = { version: 1, count: 100_000, first: notes(20) };
    const state = { notes: large, app: { notes: large }, sync: { confirmed: { notes: large } } };
    expect(stateSanitizer(state)).toEqual({
      notes: short,
      app: { notes: short },
      sync: { confirmed: { notes: short } },
    });
    expect(state.notes).toBe(large);
  });

  it("a long array is its first elements, and how many there are more", () => {
    const action = { type: "loaded", payload: { position: 7, documents: notes(1_000) } };
    expect(actionSanitizer(action)).toEqual({
      type: "loaded",
      payload: { position: 7, documents: [...notes(20), "and 980 more"] },
    });
  });

  it("what is small stays what it is, and so does data of other kinds", () => {
    const byKey = Object.fromEntries(notes(101).map((note) => [note.title, [note]]));
    const state = { notes: stateOf(notes(20)), byKey, date: new Date(0), none: null, count: 7 };
    expect(stateSanitizer(state)).toBe(state);
  });

  it("a state without end is no problem", () => {
    const state: { self?: unknown } = {};
    state.self = state;
    expect(stateSanitizer(state)).toBe(state);
  });

  it("Redux Toolkit takes the options", () => {
    type Options = NonNullable<Parameters<typeof configureStore>[0]["devTools"]>;
    expectTypeOf(devToolsOptions).toExtend<Options>();
  });
});
