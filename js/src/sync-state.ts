/** What the synchronisation keeps in the store's state: all of it plain data. */

import type { ConnectionStatus } from "./connection.ts";
import type { Action } from "./event.ts";

/** An event as it is queued and sent: with an id, and without anything that JSON does not carry. */
export type QueuedEvent<Event extends Action = Action> = Event & { readonly id: string };

/**
 * `waiting` until it is sent for the first time, `sent` until the server's answer is known,
 * `accepted` until this page has received it in the one order of the log. Then it is confirmed, and
 * no longer pending. In a tab other than the one that sends, `sent` is not known.
 */
export type PendingStatus = "waiting" | "sent" | "accepted";

/** An event that is applied here, and of which the confirmed state does not know yet. */
export type PendingEvent<Event extends Action = Action> = QueuedEvent<Event> & {
  readonly status: PendingStatus;
  /** The position that the server gave it, once it is accepted. */
  readonly acceptedAt?: number;
};

/** Why an event is not, or no longer, in the state. */
export interface Rejection {
  /** The event's id and type. */
  readonly id: string;
  readonly type: string;
  /** The stable name of the reason, such as `document_exists`; branch on it, not on the text. */
  readonly code: string;
  /** One sentence that may be shown to the user. */
  readonly detail: string;
  /** The field of the payload at fault, where it is one. */
  readonly field?: string;
  /** The reducer here, before it was queued; or the server. */
  readonly by: "reducer" | "server";
}

/** A pending event that the app has taken back. */
export interface Withdrawal {
  /** The event's id and type. */
  readonly id: string;
  readonly type: string;
  /**
   * Whether it may have been sent before, and the server may have it: then it comes as any recorded
   * event does. False where no tab has sent it, unless the storage has failed in one that then sends by
   * itself.
   */
  readonly mayBeRecorded: boolean;
}

/**
 * What keeps the first pending event, and with it all behind it, from being recorded, though the
 * server is there. It is there no more once the event is accepted, rejected or withdrawn.
 */
export interface Blockage {
  /** The event's id and type. */
  readonly id: string;
  readonly type: string;
  /** The HTTP status of the answer; `null` if it was none. */
  readonly status: number | null;
  /** The stable name of the problem, if the server gave one. */
  readonly code: string | null;
  /** One sentence that says what came instead of an answer to the event. */
  readonly detail: string;
  /**
   * True where somebody has to sign in first: nothing is sent until `sync.resume()`, or until a
   * connection is live again. Otherwise it is tried again after growing waits.
   */
  readonly isPaused: boolean;
  /** Since when, in UTC with milliseconds: `2016-09-26T20:32:46.588Z`. */
  readonly since: string;
}

/**
 * Where pending events are kept: `persistent` survives a reload, `memory` does not. With the latter
 * this page sends its events itself.
 */
export type StorageStatus = "opening" | "persistent" | "memory";

/**
 * The synchronisation's part of the state, under the key `sync`. `Event` is the union of the events
 * that are dispatched.
 */
export interface SyncState<Event extends Action = Action> {
  readonly connection: ConnectionStatus;
  readonly storage: StorageStatus;
  /** The position of the last confirmed event; `null` until the server's state was loaded. */
  readonly position: number | null;
  /** The id of the event there, which tells this log from another. */
  readonly eventId: string | null;
  /** The synced slices as the server has them. The view is these, and the pending events on top. */
  readonly confirmed: Readonly<Record<string, unknown>>;
  /** In the order in which they are applied, and sent. */
  readonly pending: readonly PendingEvent<Event>[];
  /** The last event that was rejected; `null` as long as none was. */
  readonly lastRejection: Rejection | null;
  /** Why what is pending does not get further; `null` while nothing is in its way. */
  readonly blockage: Blockage | null;
}
