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

/** Why an action changed nothing. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly action: unknown;
}

/** Sets who hears of rejected actions; without a listener they go to `console.warn`. */
export function onRejected(listener?: (rejection: Rejection) => void): void;
