/** `@flux-capacitor/client/mobx`: a collection of the store as a MobX observable. */

import {
  _isComputingDerivation,
  computed,
  createAtom,
  type IComputedValue,
  onBecomeUnobserved,
} from "mobx";
import type { ReadableStore } from "./readable-store.ts";
import { selectAll, selectById, selectCount } from "./selectors.ts";
import type { CollectionState, DocumentId, Identified } from "./state.ts";

/** A collection that MobX observes. Documents are read-only: dispatch events to change them. */
export interface ObservableCollection<Document> {
  /** All documents, ordered by id. */
  readonly all: readonly Document[];
  readonly count: number;
  /** The document with this id. What reads it runs again only when that document is another. */
  get(id: DocumentId): Document | undefined;
}

/**
 * Makes a collection of a store observable. It subscribes to the store while something observes it,
 * so that nothing has to be disposed.
 *
 * @example
 * const notes = observableCollection(store, (state) => state.notes);
 * autorun(() => console.log(notes.count));
 */
export function observableCollection<Document extends Identified, State>(
  store: ReadableStore<State>,
  select: (state: State) => CollectionState<Document>,
): ObservableCollection<Document> {
  const read = observed(store, select);
  const documents = new Map<DocumentId, IComputedValue<Document | undefined>>();
  const all = computed(() => selectAll(read()));
  const count = computed(() => selectCount(read()));
  return {
    get all() {
      return all.get();
    },
    get count() {
      return count.get();
    },
    get: (id) => {
      const known = documents.get(id);
      if (known !== undefined) return known.get();
      // Nobody would say when it is not needed any more.
      if (!_isComputingDerivation()) return selectById(read(), id);
      const document = computed(() => selectById(read(), id));
      documents.set(id, document);
      onBecomeUnobserved(document, () => void documents.delete(id));
      return document.get();
    },
  };
}

/** Returns a function that reads a part of the state, and tells MobX of it. */
function observed<Part, State>(
  store: ReadableStore<State>,
  select: (state: State) => Part,
): () => Part {
  let last: Part;
  let unsubscribe = () => {};
  const atom = createAtom(
    "collection",
    () => {
      last = select(store.getState());
      unsubscribe = store.subscribe(() => {
        const next = select(store.getState());
        if (next === last) return;
        last = next;
        atom.reportChanged();
      });
    },
    () => unsubscribe(),
  );
  return () => {
    atom.reportObserved();
    return select(store.getState());
  };
}
