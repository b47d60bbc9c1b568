/** A queue that ends with its page: what has not begun by then does not happen. */

import type { PendingQueue } from "../../src/index.ts";

/** @param stored - is told the ids of the events that are in the storage. */
export function endingQueue(
  queue: PendingQueue,
  ended: AbortSignal,
  stored: (id: string) => void,
): PendingQueue {
  const unlessEnded = async <Value>(ask: () => Promise<Value>): Promise<Value> => {
    if (ended.aborted) return new Promise(() => {});
    const value = await ask();
    return ended.aborted ? new Promise(() => {}) : value;
  };
  return {
    kind: queue.kind,
    append: (events) =>
      unlessEnded(async () => {
        await queue.append(events);
        for (const { id } of events) stored(id);
      }),
    read: (ids) => unlessEnded(() => queue.read(ids)),
    settle: (outcomes) => unlessEnded(() => queue.settle(outcomes)),
    setBlockage: (blockage) => unlessEnded(() => queue.setBlockage(blockage)),
    subscribe: (listener) => queue.subscribe(() => !ended.aborted && listener()),
    lead: (signal) => unlessEnded(() => queue.lead(AbortSignal.any([signal, ended]))),
    close: () => queue.close(),
  };
}
