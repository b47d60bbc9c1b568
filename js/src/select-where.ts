/** Documents by a query. What a filter matches and how values compare is decided in WebAssembly. */

import { selectById } from "./selectors.ts";
import type { CollectionState, DocumentId, Identified } from "./state.ts";

/** A field and a value of it. */
type Compared<Document> = {
  readonly [Field in keyof Document & string]: readonly [Field, Document[Field]];
}[keyof Document & string];

type FieldOf<Document> = keyof Document & string;

/** A condition on the fields of a document, in the form that `GET /collections/{name}` takes. */
export type Filter<Document> =
  | { readonly eq: Compared<Document> }
  | { readonly ne: Compared<Document> }
  | { readonly lt: Compared<Document> }
  | { readonly le: Compared<Document> }
  | { readonly gt: Compared<Document> }
  | { readonly ge: Compared<Document> }
  | { readonly in: readonly [FieldOf<Document>, readonly Document[keyof Document & string][]] }
  | { readonly isNull: FieldOf<Document> }
  | { readonly startsWith: readonly [FieldOf<Document>, string] }
  | { readonly contains: readonly [FieldOf<Document>, string] }
  | { readonly and: readonly Filter<Document>[] }
  | { readonly or: readonly Filter<Document>[] }
  | { readonly not: Filter<Document> };

/** Which documents, in which order, and how many of them. */
export interface Query<Document> {
  /** All of them if left out. */
  readonly filter?: Filter<Document>;
  /** Fields, with a minus for the greatest first; then, as without, by id. */
  readonly order?: readonly (FieldOf<Document> | `-${FieldOf<Document>}`)[];
  readonly limit?: number;
  readonly offset?: number;
}

/** What `flux_wasm::query!` exports: a query as JSON, the ids of the documents as JSON. */
export type QueryFunction<Document> = (state: CollectionState<Document>, query: string) => string;

/** Queries whose last result is remembered. */
const LAST_MAX = 100;

/**
 * Makes a selector of a query function of your wasm package. The same state and an equal query give
 * the same (frozen) array, and so does another state with the same documents in it: a component that
 * shows them does not render again.
 *
 * The selector throws an Error if the query names a field that is not there, or if the state is none.
 *
 * @example
 * const selectNotes = createSelectWhere(queryNotes); // flux_wasm::query!(queryNotes: Note);
 * selectNotes(state.notes, { filter: { startsWith: ["title", "M"] }, order: ["-createdAt"], limit: 10 });
 */
export function createSelectWhere<Document extends Identified>(
  query: QueryFunction<Document>,
): (state: CollectionState<Document>, asked: Query<Document>) => readonly Document[] {
  const results = new WeakMap<object, Map<string, readonly Document[]>>();
  const lastResults = new Map<string, readonly Document[]>();

  const run = (state: CollectionState<Document>, text: string): readonly Document[] => {
    const ids: readonly DocumentId[] = JSON.parse(query(state, text));
    const found = ids.flatMap((id) => selectById(state, id) ?? []);
    const last = lastResults.get(text);
    const result = last !== undefined && isSame(last, found) ? last : Object.freeze(found);
    lastResults.delete(text);
    lastResults.set(text, result);
    for (const oldest of lastResults.keys()) {
      if (lastResults.size <= LAST_MAX) break;
      lastResults.delete(oldest);
    }
    return result;
  };

  return (state, asked) => {
    const text = JSON.stringify(asked);
    const known = results.get(state)?.get(text);
    if (known !== undefined) return known;
    const result = run(state, text);
    const ofState = results.get(state) ?? new Map<string, readonly Document[]>();
    results.set(state, ofState.set(text, result));
    return result;
  };
}

function isSame<Element>(left: readonly Element[], right: readonly Element[]): boolean {
  return left.length === right.length && left.every((element, index) => element === right[index]);
}
