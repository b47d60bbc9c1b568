/** What is measured: one way of using a candidate each. */

import { loaded } from "./candidate.ts";
import type { Contestant } from "./contestants.ts";
import type { NoteEvent, Workload } from "./notes.ts";

export interface Operation {
  readonly name: string;
  /** What the figures are of. */
  readonly per: string;
  /** How many actions follow each other in one run, each on the state that the last one gave. */
  readonly length: number;
  /** How many of these actions the figure is of. */
  readonly lengthOfFigure: number;
  /**
   * Runs once, with so many actions from `offset` on, and returns the state in the end. Each run
   * begins with all documents in the state, or with none for a load.
   */
  run<State>(contestant: Contestant<State>, offset: number, length: number): State;
}

/** Short, so that 100 documents do not become many more, and long enough to split some nodes. */
const CHAIN = 20;

const BATCH = 100;

export const OPERATIONS: readonly Operation[] = [
  perAction("add", ({ additions }) => additions),
  perAction("update", ({ updates }) => updates),
  perAction("remove", ({ removals }) => removals),
  {
    name: "batch of 100 actions",
    per: "batch",
    length: BATCH,
    lengthOfFigure: BATCH,
    run: (contestant, offset, length) =>
      chain(contestant, contestant.state, contestant.workload.mixture, offset, length),
  },
  {
    name: "first load",
    per: "load",
    length: 1,
    lengthOfFigure: 1,
    run: ({ candidate, workload }) =>
      candidate.reduce(candidate.initial(), loaded(workload.documents)),
  },
  {
    name: "action and selectAll",
    per: "action",
    length: CHAIN,
    lengthOfFigure: 1,
    run: readAfterEach,
  },
  {
    name: "rebase of 100 pending events",
    per: "rebase",
    length: BATCH + 1,
    lengthOfFigure: BATCH + 1,
    run: rebase,
  },
];

function perAction(
  name: string,
  actionsOf: (workload: Workload) => readonly NoteEvent[],
): Operation {
  return {
    name,
    per: "action",
    length: CHAIN,
    lengthOfFigure: 1,
    run: (contestant, offset, length) =>
      chain(contestant, contestant.state, actionsOf(contestant.workload), offset, length),
  };
}

function chain<State>(
  { candidate }: Contestant<State>,
  initial: State,
  actions: readonly NoteEvent[],
  offset: number,
  length: number,
): State {
  let state = initial;
  for (let index = 0; index < length; index += 1) {
    state = candidate.reduce(state, actions[(offset + index) % actions.length] as NoteEvent);
  }
  return state;
}

function readAfterEach<State>(
  { candidate, state: initial, workload: { updates } }: Contestant<State>,
  offset: number,
  length: number,
): State {
  let state = initial;
  let count = candidate.selectAll(state).length;
  const expected = count;
  for (let index = 0; index < length; index += 1) {
    state = candidate.reduce(state, updates[(offset + index) % updates.length] as NoteEvent);
    count = Math.min(count, candidate.selectAll(state).length);
  }
  if (count !== expected) throw new Error(`${candidate.name} has lost documents`);
  return state;
}

/** The server confirms an action, the first one: what is pending is run again upon it. */
function rebase<State>(contestant: Contestant<State>, offset: number, length: number): State {
  const { mixture, updates } = contestant.workload;
  const confirmed = chain(contestant, contestant.state, updates, offset, 1);
  return chain(contestant, confirmed, mixture, offset, length - 1);
}
