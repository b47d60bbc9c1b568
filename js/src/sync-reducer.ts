/** The rule of synchronisation, all of it: view = confirmed + pending run again. */

import { isSameBlockage } from "./blockage.ts";
import { type Action, isLoadedAction, isRecordedEvent } from "./event.ts";
import type { Observe, Refusal } from "./refusals.ts";
import {
  isSyncAction,
  LIBRARY_PREFIX,
  type QueueReadAction,
  type ReceivedAction,
  type SyncAction,
} from "./sync-action.ts";
import type { Blockage, PendingEvent, QueuedEvent, Rejection, SyncState } from "./sync-state.ts";

/** A Redux reducer of whatever state and actions. */
export type AnyReducer = (state: unknown, action: Action) => unknown;

/** What the rule has to know of the application. */
export interface SyncRule {
  /** The key of the {@link SyncState} in the state. */
  readonly stateKey: string;
  /** The keys of the slices that follow the server. */
  readonly slices: readonly string[];
  /** Tells events, which are sent, from all other actions. */
  readonly isEvent: (action: Action) => boolean;
  readonly observe: Observe;
  /** Hears of actions that are refused and are no events. */
  readonly onStray: (refusal: Refusal) => void;
}

/** A state by slices. */
type Slices = Readonly<Record<string, unknown>>;

/** The application's state, the synchronisation's part of it taken out. */
interface Parts {
  readonly app: Slices;
  readonly sync: SyncState;
}

/**
 * Wraps the reducer of a whole application, which never sees the key of the synchronisation.
 *
 * - A local event is applied to the view, and becomes pending.
 * - A recorded event is applied to what is confirmed; the pending events that are not among the
 *   recorded ones run again on top of it. The echo of an own event is told by its id.
 * - A rejected or withdrawn event is taken out of the pending ones, and the rest run again.
 * - Any other action is the application's own. Should it change a synced slice, it does so in what
 *   is confirmed, too: otherwise the next event would undo it.
 *
 * Slices that are not synced see every action once: an event when this page first learns of it.
 */
export function syncReducer(reducer: AnyReducer, rule: SyncRule): AnyReducer {
  const { stateKey } = rule;
  const inner: AnyReducer = (state, action) => {
    const next = reducer(state, action);
    if (typeof next === "object" && next !== null) return next;
    throw new Error(
      `createSync expected a reducer whose state is an object with the slices ${rule.slices.join(", ")}, got ${next === null ? "null" : typeof next}; make the root with combineReducers({ .. }), or with configureStore({ reducer: { .. } }).`,
    );
  };
  const steps = new Steps(inner, rule);
  return (state, action) => {
    const parts = partsOf(state, stateKey);
    const next = parts === undefined ? steps.begin(state, action) : steps.step(parts, action);
    if (parts !== undefined && next.sync === parts.sync && isSame(next.app, parts.app)) {
      return state;
    }
    return { ...next.app, [stateKey]: next.sync };
  };
}

class Steps {
  readonly #inner: AnyReducer;
  readonly #rule: SyncRule;

  constructor(inner: AnyReducer, rule: SyncRule) {
    this.#inner = inner;
    this.#rule = rule;
  }

  /** The first step of a state that has no part of the synchronisation yet. */
  begin(state: unknown, action: Action): Parts {
    const app = this.#inner(state, action) as Slices;
    const missing = this.#rule.slices.find((slice) => !(slice in app));
    if (missing !== undefined) {
      throw new Error(
        `createSync found no slice "${missing}" in the state, only ${Object.keys(app).join(", ")}; add its reducer to the store, or name the slice of a collection by \`collections: { ${missing}: "<slice>" }\`.`,
      );
    }
    const sync: SyncState = {
      connection: "connecting",
      storage: "opening",
      position: null,
      eventId: null,
      confirmed: this.#synced(app),
      pending: [],
      lastRejection: null,
      blockage: null,
    };
    return { app, sync };
  }

  step(parts: Parts, action: Action): Parts {
    if (isSyncAction(action)) return this.#syncStep(parts, action);
    // By hand, such as the answer to a command: it is what the connection will bring, too.
    if (isLoadedAction(action) || isRecordedEvent(action)) return parts;
    if (this.#rule.isEvent(action) && !action.type.startsWith(LIBRARY_PREFIX)) {
      return this.#apply(parts, action);
    }
    return this.#other(parts, action);
  }

  #syncStep(parts: Parts, action: SyncAction): Parts {
    switch (action.type) {
      case "@@flux-capacitor/received":
        return this.#receive(parts, action.payload);
      case "@@flux-capacitor/queueRead":
        return this.#readQueue(parts, action.payload);
      case "@@flux-capacitor/sent":
        return markSent(parts, action.payload.ids);
      case "@@flux-capacitor/status":
        return { ...parts, sync: { ...parts.sync, ...action.payload } };
    }
  }

  /** A local event. */
  #apply({ app, sync }: Parts, action: Action): Parts {
    const { id } = action;
    if (id === undefined) {
      throw new Error(
        `the event "${action.type}" has no id: dispatch events by the store's own \`dispatch\`, which gives them one.`,
      );
    }
    if (sync.pending.some((pending) => pending.id === id)) return { app, sync };
    const event = { ...action, id };
    const { result, refusal } = this.#rule.observe(() => this.#inner(app, event) as Slices);
    if (refusal !== undefined) {
      return { app, sync: { ...sync, lastRejection: rejectionOf(event, refusal) } };
    }
    const pending = [...sync.pending, { ...event, status: "waiting" as const }];
    return { app: result, sync: { ...sync, pending } };
  }

  /** The server's state and events. */
  #receive({ app, sync }: Parts, payload: ReceivedAction["payload"]): Parts {
    const { loaded, events, checkpoint, isOtherLog } = payload;
    const known = new Set(sync.pending.map(({ id }) => id));
    let root: Slices = { ...app, ...sync.confirmed };
    for (const action of loaded) root = this.#insist(root, action, "the server's documents of");
    for (const event of events) {
      if (loaded.length === 0 && event.position <= (sync.position ?? 0)) continue;
      const next = this.#insist(root, event, "the recorded event");
      // The other slices have seen it when it was dispatched.
      root = known.has(event.id) ? { ...root, ...this.#synced(next) } : next;
    }
    const { position, eventId } = checkpoint;
    const recorded = new Set(events.map(({ id }) => id));
    // What another log has accepted is not in this one, and nobody will send it.
    const isReplaced = isOtherLog || (loaded.length > 0 && position < (sync.position ?? 0));
    const isPending = ({ id, acceptedAt }: PendingEvent) =>
      !recorded.has(id) && (acceptedAt === undefined || (acceptedAt > position && !isReplaced));
    const pending = sync.pending.filter(isPending);
    const confirmed = this.#synced(root);
    // Rejected for one request, and recorded for another that came late.
    const isRevoked = sync.lastRejection !== null && recorded.has(sync.lastRejection.id);
    const lastRejection = isRevoked ? null : sync.lastRejection;
    const blockage = blockageAmong(pending, sync.blockage);
    const next = { ...sync, position, eventId, confirmed, lastRejection, blockage };
    return {
      app: this.#replay(root, pending),
      sync: { ...next, pending: same(pending, sync.pending) },
    };
  }

  /** The queue, which all tabs share: it has the order, and the pending events of other tabs. */
  #readQueue({ app, sync }: Parts, payload: QueueReadAction["payload"]): Parts {
    const { position } = sync;
    const acceptedAt = new Map(payload.accepted.map((it) => [it.id, it.acceptedAt]));
    const gone = new Set([...payload.rejected, ...payload.withdrawn].map(({ id }) => id));
    const before = new Map(sync.pending.map((pending) => [pending.id, pending]));
    const waiting = payload.waiting.map((event): PendingEvent => {
      return before.get(event.id) ?? { ...event, status: "waiting" };
    });
    const isWaiting = new Set(waiting.map(({ id }) => id));
    const others = sync.pending
      .filter(({ id }) => !isWaiting.has(id) && !gone.has(id))
      .map((pending) => accept(pending, acceptedAt.get(pending.id)));
    const accepted = others
      .filter(({ acceptedAt }) => acceptedAt !== undefined && acceptedAt > (position ?? 0))
      .sort((left, right) => (left.acceptedAt ?? 0) - (right.acceptedAt ?? 0));
    // Those that are not in the queue yet come after all that is.
    const unstored = others.filter(({ acceptedAt }) => acceptedAt === undefined);
    const pending = [...accepted, ...waiting, ...unstored];
    const lastRejection = payload.rejected.at(-1) ?? sync.lastRejection;
    const blocked = blockageAmong(pending, payload.blockage);
    const blockage = isSameBlockage(blocked, sync.blockage) ? sync.blockage : blocked;
    const next = { ...sync, pending: same(pending, sync.pending), lastRejection, blockage };
    if (isSame({ ...next }, { ...sync })) return { app, sync };
    if (hasSameIds(pending, sync.pending)) return { app, sync: next };
    const isNew = (event: QueuedEvent) => !before.has(event.id);
    return { app: this.#replay({ ...app, ...sync.confirmed }, pending, isNew), sync: next };
  }

  /** An action that is neither an event nor of this package. */
  #other({ app, sync }: Parts, action: Action): Parts {
    const { result: next, refusal } = this.#rule.observe(() => this.#inner(app, action) as Slices);
    if (refusal !== undefined) this.#rule.onStray(refusal);
    if (this.#rule.slices.every((slice) => next[slice] === app[slice])) return { app: next, sync };
    const root = this.#attempt({ ...app, ...sync.confirmed }, action);
    const confirmed = this.#synced(root);
    const replayed = this.#replay({ ...next, ...confirmed }, sync.pending);
    return { app: replayed, sync: { ...sync, confirmed } };
  }

  /**
   * Runs the pending events on top of what is confirmed. One that the reducer refuses now has no
   * effect: whether it is rejected is for the server to say.
   *
   * @param isNew - of which events the slices that are not synced have not heard yet.
   */
  #replay(
    root: Slices,
    pending: readonly PendingEvent[],
    isNew: (event: QueuedEvent) => boolean = () => false,
  ): Slices {
    let view = root;
    for (const { status, acceptedAt, ...event } of pending) {
      const next = this.#attempt(view, event);
      view = isNew(event) ? next : { ...view, ...this.#synced(next) };
    }
    return view;
  }

  #attempt(view: Slices, event: Action): Slices {
    try {
      return this.#rule.observe(() => this.#inner(view, event) as Slices).result;
    } catch {
      return view;
    }
  }

  /** Applies what the server says, or throws: then nothing of it is applied. */
  #insist(root: Slices, action: Action, what: string): Slices {
    const { result, refusal } = this.#rule.observe(() => this.#inner(root, action) as Slices);
    if (refusal === undefined) return result;
    const name = isLoadedAction(action) ? action.payload.collection : action.type;
    throw new Error(
      `the reducer refuses ${what} "${name}": ${refusal.message} (${refusal.code}). The reducers of this page are probably older than the server's; reload the page.`,
    );
  }

  #synced(app: Slices): Slices {
    return Object.fromEntries(this.#rule.slices.map((slice) => [slice, app[slice]]));
  }
}

/** What is confirmed is in nobody's way, whatever the queue still says of it. */
function blockageAmong(
  pending: readonly PendingEvent[],
  blockage: Blockage | null,
): Blockage | null {
  return pending.some(({ id }) => id === blockage?.id) ? blockage : null;
}

function partsOf(state: unknown, stateKey: string): Parts | undefined {
  if (typeof state !== "object" || state === null) return undefined;
  const { [stateKey]: sync, ...app } = state as Slices;
  return isSyncState(sync) ? { app, sync } : undefined;
}

function isSyncState(value: unknown): value is SyncState {
  if (typeof value !== "object" || value === null) return false;
  const { confirmed, pending } = value as Partial<SyncState>;
  return typeof confirmed === "object" && confirmed !== null && Array.isArray(pending);
}

function accept(pending: PendingEvent, acceptedAt: number | undefined): PendingEvent {
  if (acceptedAt === undefined || pending.acceptedAt === acceptedAt) return pending;
  return { ...pending, status: "accepted", acceptedAt };
}

function markSent({ app, sync }: Parts, ids: readonly string[]): Parts {
  const isSent = (pending: PendingEvent) =>
    ids.includes(pending.id) && pending.status === "waiting";
  if (!sync.pending.some(isSent)) return { app, sync };
  const pending = sync.pending.map((event) =>
    isSent(event) ? { ...event, status: "sent" as const } : event,
  );
  return { app, sync: { ...sync, pending } };
}

function rejectionOf({ id, type }: QueuedEvent, { code, message, field }: Refusal): Rejection {
  return { id, type, code, detail: message, ...(field && { field }), by: "reducer" };
}

/** Keeps the array of before, where nothing in it is different. */
function same<Element>(next: readonly Element[], before: readonly Element[]): readonly Element[] {
  const isEqual = next.length === before.length && next.every((it, index) => it === before[index]);
  return isEqual ? before : next;
}

function hasSameIds(next: readonly QueuedEvent[], before: readonly QueuedEvent[]): boolean {
  return next.length === before.length && next.every(({ id }, index) => id === before[index]?.id);
}

function isSame(next: Slices, before: Slices): boolean {
  const keys = Object.keys(next);
  if (keys.length !== Object.keys(before).length) return false;
  return keys.every((key) => next[key] === before[key]);
}
