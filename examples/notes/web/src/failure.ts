/** Why an event was rejected, in words for the user. */

import type { Rejection } from "@flux-capacitor/client";

export interface Failure {
  /** A sentence that says what to do. */
  readonly message: string;
  /** What the reducer or the server said, for whoever looks into it. */
  readonly detail: string;
  /** The field of the payload at fault, where it is one. */
  readonly field?: string;
}

const TOO_LONG = "That is more text than a note can hold. Please shorten it.";
const NOT_SAVABLE = "Something in your text can’t be saved. Please change it and try again.";
const IS_THERE = "The note is there already: somebody else was faster.";
const NOT_ALLOWED = "The server does not let you do this from here.";

/** By the stable codes; of other codes there is nothing more that a user could do. */
const MESSAGES: ReadonlyMap<string, string> = new Map([
  ["body_too_large", TOO_LONG],
  ["too_large", TOO_LONG],
  ["invalid_payload", NOT_SAVABLE],
  ["invalid_value", NOT_SAVABLE],
  ["document_exists", IS_THERE],
  ["forbidden", NOT_ALLOWED],
  ["password_found", "Everybody can read these notes. Please leave passwords out."],
]);

/** Returns what to tell the user of a rejection. */
export function explain({ code, detail, field }: Rejection): Failure {
  const message = MESSAGES.get(code) ?? "The server could not do this.";
  return { message, detail: `${detail} (${code})`, ...(field !== undefined && { field }) };
}
