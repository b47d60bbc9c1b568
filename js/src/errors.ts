/** What can go wrong: errors told apart by class. */

import type { Rejection, Withdrawal } from "./sync-state.ts";

/** The server understood and said no: an `application/problem+json` answer. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** The stable name of the problem, such as `document_exists`; branch on it, not on the text. */
  readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** One sentence that may be shown to the user. */
  readonly detail: string;
  /** The field of the payload that is at fault, where it is one field; absent otherwise. */
  declare readonly field?: string;
  /** Which of the dispatched actions is at fault, from 0; absent otherwise. */
  declare readonly event?: number;

  constructor(problem: {
    readonly code: string;
    readonly status: number;
    readonly detail: string;
    readonly field?: string;
    readonly event?: number;
  }) {
    super(`${problem.detail} (${problem.code}, status ${problem.status})`);
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail;
    if (problem.field !== undefined) this.field = problem.field;
    if (problem.event !== undefined) this.event = problem.event;
  }
}

/** Something answered, but not as a Flux Capacitor server does: HTML from a proxy, a wrong URL. */
export class UnexpectedAnswerError extends Error {
  override readonly name = "UnexpectedAnswerError";
  /** The HTTP status. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/**
 * Nothing answered. What was sent may or may not have arrived; send it again with the same id and it
 * takes effect once.
 */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** An event was rejected, by the reducer here or by the server; it is not in the state. */
export class RejectedError extends Error {
  override readonly name = "RejectedError";
  /** Which event, and why. */
  readonly rejection: Rejection;

  constructor(rejection: Rejection) {
    const by = rejection.by === "reducer" ? "the reducer" : "the server";
    super(`${by} rejected "${rejection.type}": ${rejection.detail} (${rejection.code})`);
    this.rejection = rejection;
  }
}

/** An event was taken back by `sync.withdraw` before its answer was known; it is not in the state. */
export class WithdrawnError extends Error {
  override readonly name = "WithdrawnError";
  /** Which event, and whether the server may have it all the same. */
  readonly withdrawal: Withdrawal;

  constructor(withdrawal: Withdrawal) {
    const { type, mayBeRecorded } = withdrawal;
    super(
      mayBeRecorded
        ? `"${type}" was withdrawn after it may have been sent: if the server has recorded it, it comes back as a recorded event`
        : `"${type}" was withdrawn before it was sent`,
    );
    this.withdrawal = withdrawal;
  }
}
