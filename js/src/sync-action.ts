/** The actions that the synchronisation dispatches itself. Applications match none of them. */

import type { Checkpoint } from "./api.ts";
import type { ConnectionStatus } from "./connection.ts";
import type { LoadedAction, RecordedEvent } from "./event.ts";
import type { Blockage, QueuedEvent, Rejection, StorageStatus, Withdrawal } from "./sync-state.ts";

/** The beginning of the types that libraries keep for themselves. */
export const LIBRARY_PREFIX = "@@";

/** The server's state was loaded, or events of its log came: one step for all of them. */
export type ReceivedAction = {
  readonly type: "@@flux-capacitor/received";
  readonly payload: {
    readonly loaded: readonly LoadedAction[];
    readonly events: readonly RecordedEvent[];
    /** Where the log is after these. */
    readonly checkpoint: Checkpoint;
    /** Whether what was confirmed before is of another log. */
    readonly isOtherLog: boolean;
  };
};

/** The queue was read: what waits in it, in order, and what became of what waited. */
export type QueueReadAction = {
  readonly type: "@@flux-capacitor/queueRead";
  readonly payload: {
    readonly waiting: readonly QueuedEvent[];
    readonly accepted: readonly { readonly id: string; readonly acceptedAt: number }[];
    readonly rejected: readonly Rejection[];
    readonly withdrawn: readonly Withdrawal[];
    readonly blockage: Blockage | null;
  };
};

/** Events are on their way to the server. */
export type SentAction = {
  readonly type: "@@flux-capacitor/sent";
  readonly payload: { readonly ids: readonly string[] };
};

/** The connection or the storage has another status; or nothing of it is known yet. */
export type StatusAction = {
  readonly type: "@@flux-capacitor/status";
  readonly payload: {
    readonly connection?: ConnectionStatus;
    readonly storage?: StorageStatus;
    readonly blockage?: null;
  };
};

export type SyncAction = ReceivedAction | QueueReadAction | SentAction | StatusAction;

const TYPES: readonly string[] = [
  "@@flux-capacitor/received",
  "@@flux-capacitor/queueRead",
  "@@flux-capacitor/sent",
  "@@flux-capacitor/status",
] satisfies SyncAction["type"][];

export function isSyncAction(action: { readonly type?: unknown }): action is SyncAction {
  return typeof action.type === "string" && TYPES.includes(action.type);
}
