/** All candidates, each with the same documents in its state. */

import { type Candidate, loaded } from "./candidate.ts";
import { array } from "./candidates/array.ts";
import { floor } from "./candidates/floor.ts";
import { reduxToolkit } from "./candidates/redux-toolkit.ts";
import { assertNothingRejected, reduxify } from "./candidates/reduxify.ts";
import { spread } from "./candidates/spread.ts";
import { type Note, type Workload, workloadsOf } from "./notes.ts";
import { clamp } from "./numbers.ts";
import { OPERATIONS, type Operation } from "./operations.ts";

/** A candidate with all documents in its state, and its own copy of what may happen to them. */
export interface Contestant<State = unknown> {
  readonly candidate: Candidate<State>;
  readonly state: State;
  readonly workload: Workload;
}

/** In the order of the columns. */
export const CANDIDATES: readonly Candidate[] = [reduxify, reduxToolkit, spread, array, floor];

/** On how many actions an operation is checked: with many documents the slow candidates take long. */
const CHECKED_ACTIONS_MAX = 20;
const CHECKED_ACTIONS_MIN = 4;
const CHECKED_ACTIONS_TIMES_DOCUMENTS = 200_000;

/** From here on four actions of the mixture are one addition, two updates and one removal. */
const CHECK_OFFSET = 6;

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
  for (const operation of OPERATIONS) assertAgreement(operation, size, contestants);
  assertNothingRejected();
  return contestants;
}

function assertAgreement(
  operation: Operation,
  size: number,
  contestants: readonly Contestant[],
): void {
  const affordable = Math.floor(CHECKED_ACTIONS_TIMES_DOCUMENTS / size);
  const checked = clamp(affordable, CHECKED_ACTIONS_MIN, CHECKED_ACTIONS_MAX);
  const [first, ...others] = contestants.map((contestant) => {
    const state = operation.run(contestant, CHECK_OFFSET, Math.min(operation.length, checked));
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
