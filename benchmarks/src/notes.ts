/** Notes and what happens to them: always the same, however often they are made. */

import type { Note, NoteEvent } from "notes-wasm";

export type { Note, NoteEvent } from "notes-wasm";

/** The event of one type. */
export type EventOf<Type extends NoteEvent["type"]> = Extract<NoteEvent, { readonly type: Type }>;

/** How many actions of each kind there are; measurements begin anew after the last one. */
export const ACTIONS = 1_000;

const TEXT = "Two litres, of oats if there are none of the cow, and a bar of chocolate. ".repeat(2);

/** The time of the first note; each is a second younger than the one before. */
const START_MS = Date.UTC(2026, 0, 1);
const BETWEEN_NOTES_MS = 1_000;

/** What is there to begin with, and what may happen to it. */
export interface Workload {
  readonly documents: readonly Note[];
  /** New notes, younger than all that are there. */
  readonly additions: readonly NoteEvent[];
  /** New titles of notes anywhere. */
  readonly updates: readonly NoteEvent[];
  /** Each of another note, anywhere. */
  readonly removals: readonly NoteEvent[];
  /** 70 % additions, 20 % updates, 10 % removals, of which none is of a note that another removed. */
  readonly mixture: readonly NoteEvent[];
}

/**
 * Returns a function that makes the workload on so many documents, anew for each who asks.
 *
 * It comes out of JSON, as from a server: all texts in it are its own, so that no candidate finds
 * those of its documents in the actions, or what another candidate has made of them.
 */
export function workloadsOf(size: number): () => Workload {
  const text = JSON.stringify(generate(size));
  return () => JSON.parse(text);
}

function generate(size: number): Workload {
  const random = randomOf(size);
  const documents = Array.from({ length: size }, (_, index) => noteOf(index, random));
  const shuffled = shuffle(documents, random);
  const additions = Array.from({ length: ACTIONS }, (_, index) => ({
    type: "noteAdded" as const,
    payload: noteOf(size + index, random),
  }));
  const updates = Array.from({ length: ACTIONS }, (_, index) =>
    titleEdited(shuffled[index % size] as Note, index),
  );
  const removals = shuffled.slice(0, ACTIONS).map(removed);
  const mixture = Array.from({ length: ACTIONS }, (_, index): NoteEvent => {
    if (index % 10 < 7) return additions[index] as NoteEvent;
    // Half of the notes are there to be updated, the others to be removed.
    const turn = 2 * Math.floor(index / 10);
    if (index % 10 < 9) return titleEdited(shuffled[turn % size] as Note, index);
    return removed(shuffled[(turn + 1) % size] as Note);
  });
  return { documents, additions, updates, removals, mixture };
}

function titleEdited({ id }: Note, index: number): NoteEvent {
  return { type: "noteTitleEdited", payload: { id, title: `Another title, ${index}` } };
}

function removed({ id }: Note): NoteEvent {
  return { type: "noteRemoved", payload: { id } };
}

function noteOf(index: number, random: () => number): Note {
  const time = START_MS + index * BETWEEN_NOTES_MS;
  return {
    id: idOf(time, random),
    title: `Note ${index}`,
    text: TEXT,
    createdAt: new Date(time).toISOString(),
  };
}

/** A UUID of version 7, as the server makes them: ordered by time. */
function idOf(timeMs: number, random: () => number): string {
  const time = timeMs.toString(16).padStart(12, "0");
  const digits = Array.from({ length: 18 }, () => Math.floor(random() * 16).toString(16)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-8${digits.slice(3, 6)}-${digits.slice(6)}`;
}

/** Fisher and Yates' way, on a copy. */
function shuffle<Element>(elements: readonly Element[], random: () => number): Element[] {
  const shuffled = [...elements];
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [shuffled[index], shuffled[other]] = [shuffled[other] as Element, shuffled[index] as Element];
  }
  return shuffled;
}

/** Numbers from 0 up to 1 that only look random: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
