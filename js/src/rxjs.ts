/** `@flux-capacitor/client/rxjs`: a collection of the store, and its confirmed events, as Observables. */

import { distinctUntilChanged, map, Observable } from "rxjs";
import type { Action, RecordedEvent } from "./event.ts";
import type { ReadableStore } from "./readable-store.ts";
import { selectAll } from "./selectors.ts";
import type { CollectionState } from "./state.ts";
import type { Sync } from "./store-sync.ts";

/**
 * Observes the documents of a collection: those of now, then those after each change of it. It never
 * completes.
 *
 * @example
 * observeCollection(store, (state) => state.notes).subscribe((notes) => console.log(notes.length));
 */
export function observeCollection<Document, State>(
  store: ReadableStore<State>,
  select: (state: State) => CollectionState<Document>,
): Observable<readonly Document[]> {
  const states = new Observable<State>((subscriber) => {
    const tell = () => subscriber.next(store.getState());
    const unsubscribe = store.subscribe(tell);
    tell();
    return unsubscribe;
  });
  return states.pipe(map(select), distinctUntilChanged(), map(selectAll));
}

/**
 * Observes the events that the server records, each once, after it is in the state; see
 * `sync.onConfirmed`. It never completes.
 *
 * @example
 * observeConfirmed(store).subscribe(({ type }) => console.log(type));
 */
export function observeConfirmed<Event extends Action>(store: {
  readonly sync: Sync<Event>;
}): Observable<RecordedEvent & Event> {
  return new Observable((subscriber) => store.sync.onConfirmed((event) => subscriber.next(event)));
}
