/** Builds the state of a collection, as the wasm reducer would. */

import { type CollectionState, compareIds, type Identified, type TreeNode } from "../src/state.ts";

/** A tree over these documents, whose ids differ, with nodes of at most `width` entries. */
export function stateOf<Document extends Identified>(
  documents: readonly Document[],
  width = 3,
): CollectionState<Document> {
  const ordered = [...documents].sort((left, right) => compareIds(left.id, right.id));
  let level = chunks(ordered, width).map((leaf) => ({
    first: leaf[0]?.id ?? "",
    node: leaf as TreeNode<Document>,
  }));
  while (level.length > 1) {
    level = chunks(level, width).map((entries) => ({
      first: entries[0]?.first ?? "",
      node: {
        keys: entries.slice(1).map(({ first }) => first),
        children: entries.map(({ node }) => node),
      },
    }));
  }
  return { version: 1, count: documents.length, root: level[0]?.node ?? [] };
}

function chunks<Element>(elements: readonly Element[], size: number): Element[][] {
  return Array.from({ length: Math.ceil(elements.length / size) }, (_, index) =>
    elements.slice(index * size, (index + 1) * size),
  );
}
