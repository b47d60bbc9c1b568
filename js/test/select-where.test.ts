/** That a query is asked once, and what its answer is made of. What it means is tested with the real one. */

import { beforeEach, expect, it } from "vitest";
import { type CollectionState, createSelectWhere, selectAll } from "../src/index.ts";
import { stateOf } from "./tree.ts";

interface Note {
  readonly id: number;
  readonly title: string;
}

const notes = Array.from({ length: 20 }, (_, id): Note => ({ id, title: `Note ${id}` }));

/** The queries that were asked, as JSON. */
let asked: string[];

/** Answers with the ids of even notes, the greatest first. */
function evenNotes(state: CollectionState<Note>, query: string): string {
  asked.push(query);
  const even = selectAll(state).filter(({ id }) => id % 2 === 0);
  return JSON.stringify(even.map(({ id }) => id).reverse());
}

beforeEach(() => {
  asked = [];
});

it("the documents are those of the state, in the order of the answer", () => {
  const state = stateOf(notes.slice(0, 6));
  const result = createSelectWhere(evenNotes)(state, { filter: { isNull: "title" } });
  expect(result).toEqual([notes[4], notes[2], notes[0]]);
  expect(result[0]).toBe(notes[4]);
  expect(Object.isFrozen(result)).toBe(true);
  expect(asked).toEqual(['{"filter":{"isNull":"title"}}']);
});

it("an equal query on the same state is asked once", () => {
  const select = createSelectWhere(evenNotes);
  const state = stateOf(notes);
  const first = select(state, { order: ["-title"], limit: 3 });
  expect(select(state, { order: ["-title"], limit: 3 })).toBe(first);
  expect(select(state, { order: ["title"], limit: 3 })).toEqual(first);
  expect(asked).toHaveLength(2);
});

it("another state with the same documents in it gives the same array", () => {
  const select = createSelectWhere(evenNotes);
  const first = select(stateOf(notes.slice(0, 5)), {});
  expect(select(stateOf(notes.slice(0, 6)), {})).toBe(first);
  expect(select(stateOf(notes.slice(0, 7)), {})).not.toBe(first);
});

it("what the query function throws, it throws each time", () => {
  const select = createSelectWhere<Note>(() => {
    throw new Error("there is no field `titel`");
  });
  const state = stateOf(notes);
  for (let count = 0; count < 2; count += 1) expect(() => select(state, {})).toThrow("titel");
});
