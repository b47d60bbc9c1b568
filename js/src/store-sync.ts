/** What an app does with the synchronisation of its store. */

import type { Action, RecordedEvent } from "./event.ts";
import type { QueuedEvent, Rejection, Withdrawal } from "./sync-state.ts";

/** The synchronisation of a store, as `store.sync`. */
export interface Sync<Event extends Action = Action> {
  /**
   * Calls back with each event that the server has recorded, after it is in the state: the place for
   * side effects. Each event is told once to a page, own ones as well; events that a snapshot covers
   * are not told. Returns the way to stop.
   */
  onConfirmed(listener: (event: RecordedEvent & Event) => void): () => void;
  /**
   * Calls back with each rejection of a pending or dispatched event, and with the event, which is in
   * the state no more: what a user wrote can be offered again. Returns the way to stop.
   */
  onRejected(listener: (rejection: Rejection, event: QueuedEvent<Event>) => void): () => void;
  /**
   * Takes a pending event back: it leaves the state, is not sent any more, and its `accepted` is
   * rejected with a `WithdrawnError`. Resolves to what was withdrawn; `null` where there was nothing
   * to withdraw, for the event is accepted, rejected, or none of this browser's.
   *
   * An event whose answer was lost may be recorded all the same, which `mayBeRecorded` says; then it
   * comes back as a recorded event. What is pending behind it stays, and runs again without it.
   *
   * @example
   * const withdrawal = await store.sync.withdraw(id);
   */
  withdraw(id: string): Promise<Withdrawal | null>;
  /**
   * Sends at once what waits, also after a pause: somebody has signed in again. Any tab may say so.
   */
  resume(): void;
  /** Ends it for good. What is pending stays in the queue, and is sent when the page comes back. */
  close(): void;
}
