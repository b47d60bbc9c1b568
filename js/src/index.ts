/** `@flux-capacitor/client`: the server's state and events in the browser. */

export type {
  Api,
  ApiOptions,
  Checkpoint,
  CollectionsAnswer,
  CommandOptions,
  DispatchAnswer,
  EventsAnswer,
  EventsQuery,
} from "./api.ts";
export { createApi } from "./api.ts";
export type { Connection, ConnectionOptions, ConnectionStatus } from "./connection.ts";
export { connect } from "./connection.ts";
export { ProblemError, UnexpectedAnswerError, UnreachableError } from "./errors.ts";
export type { Action, LoadedAction, RecordedEvent } from "./event.ts";
export { isLoadedAction, isRecordedEvent, LOADED } from "./event.ts";
export { createId } from "./id.ts";
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
export type { Timer } from "./timer.ts";
