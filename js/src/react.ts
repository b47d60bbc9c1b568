/** `@flux-capacitor/client/react`: hooks that follow the synchronisation; with React Redux or without. */

import { useCallback, useRef, useState, useSyncExternalStore } from "react";
import { type Accepted, type Dispatched, resultOf } from "./dispatched.ts";
import { type RejectedError, WithdrawnError } from "./errors.ts";
import type { Action } from "./event.ts";
import { type EventStatus, eventStatus } from "./event-status.ts";
import type { ReadableStore } from "./readable-store.ts";
import type { Rejection, SyncState, Withdrawal } from "./sync-state.ts";

/** A store with the enhancer of `createSync`, as far as the hooks need it. */
type FollowedStore<Event extends Action> = ReadableStore<{ readonly sync: SyncState<Event> }>;

/**
 * Returns what `select` takes of the synchronisation's state; the component renders again when that
 * is another value. So let it take a part of it as it is, or something primitive.
 *
 * @example
 * const connection = useSync(store, (sync) => sync.connection);
 */
export function useSync<Selected, Event extends Action = Action>(
  store: FollowedStore<Event>,
  select: (sync: SyncState<Event>) => Selected,
): Selected {
  const read = () => select(store.getState().sync);
  return useSyncExternalStore(store.subscribe, read, read);
}

/**
 * Returns what is known of the event with this id; see {@link eventStatus}.
 *
 * @example
 * const status = useEventStatus(store, id);
 */
export function useEventStatus(store: FollowedStore<Action>, id: string): EventStatus {
  return useSync(store, (sync) => eventStatus(sync, id));
}

/** What became of the last event that a component has dispatched. */
export type DispatchState =
  | { readonly status: "idle" }
  | { readonly status: "pending" }
  | { readonly status: "accepted"; readonly accepted: Accepted }
  | { readonly status: "rejected"; readonly rejection: Rejection }
  | { readonly status: "withdrawn"; readonly withdrawal: Withdrawal };

const IDLE: DispatchState = { status: "idle" };
const PENDING: DispatchState = { status: "pending" };

/**
 * Returns a function that dispatches an event, and what became of the last one: pending until the
 * server has decided.
 *
 * @example
 * const [add, { status }] = useDispatchResult(store);
 * add({ type: "noteAdded", payload });
 */
export function useDispatchResult<Event extends Action>(store: {
  dispatch(event: Event): Event;
}): readonly [(event: Event) => Dispatched<Event>, DispatchState] {
  const [state, setState] = useState(IDLE);
  const last = useRef<string>(undefined);
  const dispatch = useCallback(
    (event: Event) => {
      const result = resultOf(store.dispatch(event));
      last.current = result.id;
      setState(PENDING);
      // Of an earlier one nobody asks any more.
      const settle = (next: DispatchState) => {
        if (last.current === result.id) setState(next);
      };
      result.accepted.then(
        (accepted) => settle({ status: "accepted", accepted }),
        (error: RejectedError | WithdrawnError) => {
          if (error instanceof WithdrawnError) {
            settle({ status: "withdrawn", withdrawal: error.withdrawal });
          } else settle({ status: "rejected", rejection: error.rejection });
        },
      );
      return result;
    },
    [store],
  );
  return [dispatch, state];
}
