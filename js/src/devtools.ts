/**
 * `@flux-capacitor/client/devtools`: makes big states and actions small before Redux DevTools copies
 * them into its panel. The history itself keeps the real ones, so that time travel is not affected.
 */

import { type CollectionState, isLeaf, type TreeNode } from "./state.ts";

/** How many documents of a collection, and elements of an array, are shown. */
const SHOWN_MAX = 20;

/** How deep a collection may be in a state, and an array in an action. */
const DEPTH_MAX = 5;

/** Objects with more keys are left alone: they are data. */
const KEYS_MAX = 100;

/**
 * The options for Redux DevTools. Of each collection its first documents and the count are shown, of
 * each long array the first elements.
 *
 * @example
 * configureStore({ reducer: { notes }, devTools: devToolsOptions });
 */
export const devToolsOptions: {
  readonly stateSanitizer: <State>(state: State) => State;
  readonly actionSanitizer: <Action>(action: Action) => Action;
} = { stateSanitizer: shorten, actionSanitizer: shorten };

/** Returns the value in short, and the value itself where nothing in it is long. */
function shorten<Value>(value: Value): Value {
  return shortened(value, DEPTH_MAX) as Value;
}

function shortened(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth === 0) return value;
  if (isCollection(value)) {
    if (value.count <= SHOWN_MAX) return value;
    return { version: value.version, count: value.count, first: firstOf(value.root) };
  }
  if (Array.isArray(value)) return shortArray(value, depth);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  if (entries.length > KEYS_MAX) return value;
  const short = entries.map(([key, member]) => [key, shortened(member, depth - 1)] as const);
  const isSame = short.every(([, member], index) => member === entries[index]?.[1]);
  return isSame ? value : Object.fromEntries(short);
}

function shortArray(array: readonly unknown[], depth: number): readonly unknown[] {
  const short = array.slice(0, SHOWN_MAX).map((element) => shortened(element, depth - 1));
  const more = array.length - short.length;
  if (more > 0) return [...short, `and ${more} more`];
  return short.every((element, index) => element === array[index]) ? array : short;
}

function isCollection(value: object): value is CollectionState<unknown> {
  return "version" in value && "count" in value && "root" in value;
}

/** The first documents below a node. */
function firstOf(node: TreeNode<unknown>, most: number = SHOWN_MAX): readonly unknown[] {
  if (isLeaf(node)) return node.slice(0, most);
  const first: unknown[] = [];
  for (const child of node.children) {
    if (first.length >= most) break;
    first.push(...firstOf(child, most - first.length));
  }
  return first;
}
