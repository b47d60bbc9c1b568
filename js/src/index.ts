/** `@flux-capacitor/client`: the server's state and events in the browser. */

export type {
  Api,
  ApiOptions,
  ChangesQuery,
  Checkpoint,
  CollectionsAnswer,
  CommandOptions,
  DispatchAnswer,
  DocumentChange,
  EventsAnswer,
  EventsQuery,
} from "./api.ts";
export { createApi } from "./api.ts";
export type { Connection, ConnectionOptions, ConnectionStatus } from "./connection.ts";
export { connect } from "./connection.ts";
export type { Accepted, Dispatched } from "./dispatched.ts";
export { resultOf } from "./dispatched.ts";
export {
  ProblemError,
  RejectedError,
  UnexpectedAnswerError,
  UnreachableError,
  WithdrawnError,
} from "./errors.ts";
export type { Action, LoadedAction, RecordedEvent } from "./event.ts";
export { isLoadedAction, isRecordedEvent, LOADED } from "./event.ts";
export type { EventStatus } from "./event-status.ts";
export { eventStatus } from "./event-status.ts";
export { createId } from "./id.ts";
export type { IndexedDbQueueOptions } from "./indexed-db-queue.ts";
export { indexedDbQueue } from "./indexed-db-queue.ts";
export type { Leadership, Outcome, PendingQueue, QueueContents } from "./queue.ts";
export { memoryQueue } from "./queue.ts";
export type { ReadableStore } from "./readable-store.ts";
export type { ListenToRefusals, Refusal } from "./refusals.ts";
export type { Filter, Query, QueryFunction } from "./select-where.ts";
export { createSelectWhere } from "./select-where.ts";
export { selectAll, selectById, selectCount } from "./selectors.ts";
export type {
  Branch,
  CollectionState,
  DocumentId,
  Identified,
  Leaf,
  TreeNode,
} from "./state.ts";
export { compareIds } from "./state.ts";
export type { Sync } from "./store-sync.ts";
export type { SyncOptions } from "./sync.ts";
export { createSync } from "./sync.ts";
export type {
  Blockage,
  PendingEvent,
  PendingStatus,
  QueuedEvent,
  Rejection,
  StorageStatus,
  SyncState,
  Withdrawal,
} from "./sync-state.ts";
export type { Timer } from "./timer.ts";
