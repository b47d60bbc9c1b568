/** What is known of one event. */

import type { PendingStatus, SyncState } from "./sync-state.ts";

/**
 * `waiting`, `sent` and `accepted` while it is pending, `rejected` while it is the last one that was;
 * `undefined` if it is confirmed, or not known here.
 */
export type EventStatus = PendingStatus | "rejected" | undefined;

/**
 * Returns what is known of the event with this id. The result of its dispatch knows it for good.
 *
 * @example
 * const status = useSelector((state: RootState) => eventStatus(state.sync, id));
 */
export function eventStatus(
  { pending, lastRejection }: Pick<SyncState, "pending" | "lastRejection">,
  id: string,
): EventStatus {
  const status = pending.find((event) => event.id === id)?.status;
  return status ?? (lastRejection?.id === id ? "rejected" : undefined);
}
