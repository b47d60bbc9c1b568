/** What `dispatch` gives back for an event. */

import type { Action } from "./event.ts";
import type { QueuedEvent } from "./sync-state.ts";

/** Where an event was recorded. */
export interface Accepted {
  readonly id: string;
  readonly position: number;
}

/**
 * The event that was dispatched, and its two promises. Neither has to be handled: what they are
 * rejected with is told to `onRejected` and is in the state, too.
 */
export type Dispatched<Dispatch extends Action = Action> = Dispatch & {
  readonly id: string;
  /** Resolves if the event is in the state here; a `RejectedError` if the reducer refuses it. */
  readonly applied: Promise<void>;
  /**
   * Resolves once the server has recorded the event, a `RejectedError` if it or the reducer here
   * refuses it, a `WithdrawnError` if it was withdrawn. While the server can't be reached it does none
   * of these.
   */
  readonly accepted: Promise<Accepted>;
};

/**
 * Gives what `store.dispatch` returned its type: Redux's own says that it is the action.
 *
 * @throws Error if it is not what the dispatch of an event returns.
 *
 * @example
 * const { accepted } = resultOf(store.dispatch(noteAdded({ id: createId(), title: "Milk" })));
 * await accepted;
 */
export function resultOf<Dispatch extends Action>(returned: Dispatch): Dispatched<Dispatch> {
  const { applied, accepted } = returned as Partial<Dispatched>;
  if (applied instanceof Promise && accepted instanceof Promise) {
    return returned as Dispatched<Dispatch>;
  }
  throw new Error(
    `resultOf expected what the dispatch of an event returns, got none of it for "${returned?.type}". Is this type among the \`events\` of createSync, and its enhancer in the store?`,
  );
}

/** An event on its way, and how to settle its promises. */
export class Ticket {
  readonly result: Dispatched;
  resolve: (accepted: Accepted) => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor(event: QueuedEvent, applied: Promise<void>) {
    const accepted = new Promise<Accepted>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // To leave them unhandled is no error.
    accepted.catch(() => {});
    applied.catch(() => {});
    this.result = { ...event, applied, accepted };
  }
}
