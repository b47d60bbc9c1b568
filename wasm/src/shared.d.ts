/** The id of a document. */
export type DocumentId = string | number;

/** An array of documents ordered by id, or a branch above such arrays. */
export type TreeNode<Document> =
  | readonly Document[]
  | { readonly keys: readonly DocumentId[]; readonly children: readonly TreeNode<Document>[] };

/** The documents of a collection: plain, frozen data. Read it with `@flux-capacitor/client`. */
export interface CollectionState<Document> {
  readonly version: 1;
  readonly count: number;
  readonly root: TreeNode<Document>;
}

/** The codes of the rejections that the package itself makes; a reducer has more of its own. */
export type RejectionCode =
  | "document_exists"
  | "event_log_is_append_only"
  | "id_is_fixed"
  | "integer_out_of_range"
  | "invalid_action"
  | "invalid_filter"
  | "invalid_payload"
  | "invalid_state"
  | "invalid_value"
  | "missing_field"
  | "unknown_collection"
  | "unknown_field"
  | "unknown_version"
  | "value_taken";

/** Why an action changed nothing. */
export interface Rejection {
  readonly code: RejectionCode | (string & {});
  readonly message: string;
  readonly field?: string;
  readonly action: unknown;
}

/** Sets who hears of rejected actions; without a listener they go to `console.warn`. */
export function onRejected(listener?: (rejection: Rejection) => void): void;

/** For each type of event the function that makes one: `actions.noteRemoved({ id })`. */
export type ActionCreators<Event extends { readonly type: string }> = {
  readonly [Type in Event["type"]]: Extract<Event, { readonly type: Type }> extends {
    readonly payload: infer Payload;
  }
    ? (payload: Payload) => Extract<Event, { readonly type: Type }>
    : Extract<Event, { readonly type: Type }> extends { readonly payload?: infer Payload }
      ? (payload?: Payload) => Extract<Event, { readonly type: Type }>
      : () => Extract<Event, { readonly type: Type }>;
};

/** Filled by the events of each reducer. */
// biome-ignore lint/suspicious/noEmptyInterface: each reducer adds to it.
export interface Actions {}

/** Makes the events of this package. */
export const actions: Actions;

/** Several actions as one: a reducer takes them in order, and each is rejected by itself. */
export interface Batch<Action extends { readonly type: string } = { readonly type: string }> {
  readonly type: "@@flux-capacitor/batch";
  readonly payload: readonly Action[];
}

/** Makes one action of several. */
export function batch<Action extends { readonly type: string }>(
  actions: readonly Action[],
): Batch<Action>;
