/** Reads the state of a collection. Pure functions; no wasm, no store, no framework. */

import {
  type CollectionState,
  compareIds,
  type DocumentId,
  type Identified,
  isLeaf,
  type TreeNode,
} from "./state.ts";

const documentsOf = new WeakMap<object, readonly unknown[]>();

/**
 * The documents below each child of a root. After a change all but one of the children are those of
 * before, and what is left is to copy arrays, which is fast.
 */
const documentsBelow = new WeakMap<object, readonly unknown[]>();

/** The leaves of a root, and their documents. */
interface Collected {
  readonly leaves: readonly TreeNode<unknown>[];
  readonly documents: readonly unknown[];
}

/**
 * What was collected last of a root above leaves, by its keys: a change that splits and joins no node
 * keeps them.
 */
const lastCollected = new WeakMap<object, Collected>();

/**
 * Returns all documents ordered by id. The same state gives the same (frozen) array, so the result
 * may be used with `useSelector` and as a dependency of `useMemo`.
 *
 * @throws Error if `state` is not the state of a collection, or of another version.
 *
 * @example
 * const notes = useSelector((state: RootState) => selectAll(state.notes));
 */
export function selectAll<Document>(state: CollectionState<Document>): readonly Document[] {
  assertCollectionState(state);
  const known = documentsOf.get(state) as readonly Document[] | undefined;
  if (known !== undefined) return known;
  const documents = collectRoot(state.root);
  if (documents.length !== state.count) {
    throw malformed(`count says ${state.count} documents, the tree holds ${documents.length}`);
  }
  documentsOf.set(state, Object.freeze(documents));
  return documents;
}

/**
 * Returns the document with this id, or `undefined` if there is none; O(log n).
 *
 * @throws Error if `state` is not the state of a collection, or of another version.
 */
export function selectById<Document extends Identified>(
  state: CollectionState<Document>,
  id: DocumentId,
): Document | undefined {
  assertCollectionState(state);
  let node = state.root;
  for (;;) {
    assertNode(node);
    if (isLeaf(node)) break;
    const { keys } = node;
    const child = node.children[countUpTo(keys.length, (index) => keys[index], id)];
    if (child === undefined) throw malformed("a branch lacks a child");
    node = child;
  }
  const leaf = node;
  const found = leaf[countUpTo(leaf.length, (index) => leaf[index]?.id, id) - 1];
  return found !== undefined && compareIds(found.id, id) === 0 ? found : undefined;
}

/**
 * Returns how many documents there are; O(1).
 *
 * @throws Error if `state` is not the state of a collection, or of another version.
 */
export function selectCount(state: CollectionState<unknown>): number {
  assertCollectionState(state);
  return state.count;
}

/** How many of the ordered ids are `id` or come before it, by binary search. */
function countUpTo(
  length: number,
  idAt: (index: number) => DocumentId | undefined,
  id: DocumentId,
): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = idAt(middle);
    if (candidate === undefined) throw malformed("an id is missing in a node");
    if (compareIds(candidate, id) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function collectRoot<Document>(root: TreeNode<Document>): Document[] {
  assertNode(root);
  if (isLeaf(root) || !root.children.every(isLeaf)) return collect(root, collectOnce);
  const last = lastCollected.get(root.keys);
  const documents = (last && withChangedLeaves<Document>(last, root.children)) ?? collect(root);
  lastCollected.set(root.keys, { leaves: root.children, documents });
  return documents;
}

/** Copies by spread and by one `concat`: engines take a frozen array item by item elsewhere. */
function collect<Document>(
  node: TreeNode<Document>,
  collectChild: (child: TreeNode<Document>) => readonly Document[] = (it) => collect(it),
): Document[] {
  assertNode(node);
  if (isLeaf(node)) return [...node];
  const parts = node.children.map((child) => collectChild(child));
  return ([] as Document[]).concat(...parts);
}

/** A copy with other documents at some places: where all leaves have as many as before. */
function withChangedLeaves<Document>(
  { leaves, documents }: Collected,
  children: readonly TreeNode<Document>[],
): Document[] | undefined {
  const changed = [...documents] as Document[];
  let start = 0;
  for (let index = 0; index < children.length; index += 1) {
    const [leaf, before] = [children[index], leaves[index]];
    if (leaf === undefined || before === undefined || !isLeaf(leaf) || !isLeaf(before)) return;
    if (leaf.length !== before.length) return;
    if (leaf !== before) {
      for (let at = 0; at < leaf.length; at += 1) changed[start + at] = leaf[at] as Document;
    }
    start += leaf.length;
  }
  return changed;
}

function collectOnce<Document>(node: TreeNode<Document>): readonly Document[] {
  assertNode(node);
  if (isLeaf(node)) return [...node];
  const known = documentsBelow.get(node) as readonly Document[] | undefined;
  if (known !== undefined) return known;
  const documents = collect(node);
  documentsBelow.set(node, documents);
  return documents;
}

function assertCollectionState(state: unknown): void {
  if (typeof state !== "object" || state === null) {
    throw malformed(
      `got ${state === null ? "null" : typeof state}; is the reducer of this collection in the store's \`reducer\` map, under the key you read?`,
    );
  }
  const { version, count, root } = state as { version?: unknown; count?: unknown; root?: unknown };
  if (version !== 1) {
    throw malformed(
      version === undefined
        ? "got an object without a version; pass the collection's part of the state (`state.notes`), not the whole state"
        : `got version ${JSON.stringify(version)}, this client reads version 1; install the versions of @flux-capacitor/client and of the wasm package that belong together`,
    );
  }
  if (typeof count !== "number") throw malformed(`count is ${typeof count}, not a number`);
  assertNode(root);
}

function assertNode(node: unknown): void {
  if (Array.isArray(node)) return;
  const { keys, children } = (node ?? {}) as { keys?: unknown; children?: unknown };
  if (!Array.isArray(keys) || !Array.isArray(children) || keys.length !== children.length - 1) {
    throw malformed("a node is neither an array of documents nor { keys, children } that fit");
  }
}

function malformed(what: string): Error {
  return new Error(
    `expected the state of a collection ({ version: 1, count, root }), as its reducer makes it: ${what}.`,
  );
}
