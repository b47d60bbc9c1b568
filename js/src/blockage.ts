/** What is known of an event that does not get through. */

import { ProblemError, UnexpectedAnswerError } from "./errors.ts";
import type { Blockage, QueuedEvent } from "./sync-state.ts";

/** The status with which a server, or a proxy before it, asks who is there. */
const UNAUTHORIZED = 401;

/** Whether nothing gets through before somebody has signed in. */
export function needsSignIn(error: unknown): boolean {
  return statusOf(error) === UNAUTHORIZED;
}

/** Says why the event did not get through; `before` is what was said of the attempts before. */
export function blockageOf(
  { id, type }: QueuedEvent,
  error: unknown,
  before: Blockage | null,
): Blockage {
  return {
    id,
    type,
    status: statusOf(error),
    code: error instanceof ProblemError ? error.code : null,
    detail: detailOf(error),
    isPaused: needsSignIn(error),
    since: before?.id === id ? before.since : new Date().toISOString(),
  };
}

export function isSameBlockage(next: Blockage | null, before: Blockage | null): boolean {
  if (next === null || before === null) return next === before;
  const keys = Object.keys(next) as (keyof Blockage)[];
  return keys.every((key) => next[key] === before[key]);
}

function statusOf(error: unknown): number | null {
  const isAnswer = error instanceof ProblemError || error instanceof UnexpectedAnswerError;
  return isAnswer ? error.status : null;
}

function detailOf(error: unknown): string {
  if (error instanceof ProblemError) return error.detail;
  return error instanceof Error ? error.message : String(error);
}
