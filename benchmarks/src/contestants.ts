/** All candidates, each with the same documents in its state. */

import { type Candidate, loaded } from "./candidate.ts";
import { array } from "./candidates/array.ts";
import { floor } from "./candidates/floor.ts";
import { reduxToolkit } from "./candidates/redux-toolkit.ts";
import { assertNothingRejected, reduxify } from "./candidates/reduxify.ts";
import { spread } from "./candidates/spread.ts";
import { type Note, type Workload, workloadsOf } from "./notes.ts";
import { OPERATIONS, type Operation } from "./operations.ts";

/** A candidate with all documents in its state, and its own copy of what may happen to them. */
export interface Contestant<State = unknown> {
  readonly candidate: Candidate<State>;
  readonly state: State;
  readonly workload: Workload;
}

/** In the order of the columns. */
export const CANDIDATES: readonly Candidate[] = [reduxify, reduxToolkit, spread, array, floor];

/** Every operation is checked on so many actions at most: the slow ones take their time. */
const CHECKED_ACTIONS_MAX = 20;

/**
 * Gives each candidate so many documents.
 *
 * @throws Error if an operation does not leave all of them with the same documents.
 */
export function contestantsOf(size: number): readonly Contestant[] {
  const workloadOf = workloadsOf(size);
  const contestants = CANDIDATES.map((candidate) => {
    const workload = workloadOf();
    const state = candidate.reduce(candidate.initial(), loaded(workload.documents));
    return { candidate, state, workload };
  });
  for (const operation of OPERATIONS) assertAgreement(operation, contestants);
  assertNothingRejected();
  return contestants;
}

function assertAgreement(operation: Operation, contestants: readonly Contestant[]): void {
  const [first, ...others] = contestants.map((contestant) => {
    const state = operation.run(contestant, 0, Math.min(operation.length, CHECKED_ACTIONS_MAX));
    const notes = contestant.candidate.selectAll(state);
    return notes.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  });
  others.forEach((other, index) => {
    if (!isSame(first as readonly Note[], other)) {
      const names = [contestants[0], contestants[index + 1]].map((it) => it?.candidate.name);
      throw new Error(`after "${operation.name}" ${names.join(" and ")} have other documents`);
    }
  });
}

function isSame(left: readonly Note[], right: readonly Note[]): boolean {
  return (
    left.length === right.length &&
    left.every((note, index) => {
      const other = right[index] as Note;
      return (
        note.id === other.id &&
        note.title === other.title &&
        note.text === other.text &&
        note.createdAt === other.createdAt
      );
    })
  );
}
