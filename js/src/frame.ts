/** One frame of the live connection. */

import { isRecordedEvent, type RecordedEvent } from "./event.ts";

/**
 * Reads a frame: a JSON array of recorded events.
 *
 * @throws Error that says what came instead.
 */
export function readFrame(data: unknown): readonly RecordedEvent[] {
  if (typeof data !== "string") throw unreadable("a binary frame");
  const value = parse(data);
  if (!Array.isArray(value)) throw unreadable("JSON that is no array");
  const stranger = value.findIndex((element) => !isRecordedEvent(element));
  if (stranger !== -1) throw unreadable(`an array whose element ${stranger} is no recorded event`);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable("text that is no JSON");
  }
}

function unreadable(what: string): Error {
  return new Error(
    `expected a JSON array of recorded events from the server's websocket, got ${what}; the connection resumes from the last good position. Is something else than a Flux Capacitor server listening there?`,
  );
}
