/** What went wrong, in words for the user. */

import { ProblemError, UnreachableError } from "@flux-capacitor/client";

export interface Failure {
  /** A sentence that says what to do. */
  readonly message: string;
  /** What the server said, for whoever looks into it. */
  readonly detail?: string;
  /** The field of the payload at fault, where it is one. */
  readonly field?: string;
}

const NOTHING_IS_LOST = "Nothing is lost here: please try again.";
const TOO_LONG = "That is more text than a note can hold. Please shorten it.";
const NOT_SAVABLE = "Something in your text can’t be saved. Please change it and try again.";
const NOT_ALLOWED = "The server does not let you do this from here.";
const OVERLOADED = `The server has too much to do. ${NOTHING_IS_LOST}`;
const OUTDATED = "This page is older than the server. Please copy your text and reload the page.";

/** By the server's stable codes; of other codes there is nothing more that a user could do. */
const MESSAGES: ReadonlyMap<string, string> = new Map([
  ["body_too_large", TOO_LONG],
  ["too_many_events", TOO_LONG],
  ["invalid_payload", NOT_SAVABLE],
  ["invalid_value", NOT_SAVABLE],
  ["forbidden", NOT_ALLOWED],
  ["host_forbidden", NOT_ALLOWED],
  ["origin_forbidden", NOT_ALLOWED],
  ["unauthorized", NOT_ALLOWED],
  ["body_timeout", OVERLOADED],
  ["busy", OVERLOADED],
  ["closed", OVERLOADED],
  ["database_failed", OVERLOADED],
  ["unanswered", OVERLOADED],
  ["unknown_command", OUTDATED],
]);

/** Returns what to tell the user of an error of the client. */
export function explain(error: unknown): Failure {
  if (error instanceof UnreachableError) {
    return { message: `The server does not answer. ${NOTHING_IS_LOST}`, detail: error.message };
  }
  if (error instanceof ProblemError) {
    const message = MESSAGES.get(error.code) ?? `The server could not do this. ${NOTHING_IS_LOST}`;
    const { field, detail, code } = error;
    return { message, detail: `${detail} (${code})`, ...(field !== undefined && { field }) };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { message: `Something went wrong on the way to the server. ${NOTHING_IS_LOST}`, detail };
}
