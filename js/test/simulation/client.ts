/** A page: a Redux store with the synchronisation, over the simulated network. */

import { combineReducers, legacy_createStore, type StoreEnhancer } from "redux";
import { vi } from "vitest";
import {
  type Action,
  createSync,
  type Dispatched,
  memoryQueue,
  type PendingStatus,
  type RecordedEvent,
  type Rejection,
  resultOf,
  type Sync,
  type SyncOptions,
  type SyncState,
} from "../../src/index.ts";
import { ManualTimer } from "../manual-timer.ts";
import { type Boards, boardsReducer } from "./boards.ts";
import type { Network } from "./network.ts";

export interface State {
  readonly boards: Boards;
  /** The types of the actions that a slice which is not synced has seen. */
  readonly seen: readonly string[];
  readonly sync: SyncState;
}

type AnyAction = { type: string };
type AnyReducer = (state: unknown, action: AnyAction) => unknown;

/** The longest wait of each kind, so that a test can tell it by its length. */
export const ATTEMPT_MS = 7_777;
export const STABLE_MS = 3_333;
export const STORAGE_MS = 5_555;
export const FIRST_WAIT_MS = 50;

export class Client {
  readonly name: string;
  readonly time: ManualTimer = new ManualTimer();
  readonly errors: unknown[] = [];
  readonly rejections: Rejection[] = [];
  readonly confirmed: RecordedEvent[] = [];
  /** All actions that reached the reducer, as a developer tool would record them. */
  readonly actions: AnyAction[] = [];
  readonly store: {
    dispatch(action: Action): Action;
    getState(): unknown;
    subscribe(listener: () => void): () => void;
    replaceReducer(reducer: unknown): void;
    sync: Sync;
  };
  /** The wrapped reducer, to run actions again. */
  reduce: AnyReducer = () => undefined;

  constructor(
    network: Network,
    name: string,
    options: Partial<SyncOptions> = {},
    preloaded?: object,
    lift?: unknown,
  ) {
    this.name = name;
    const { boards, onRejected } = boardsReducer();
    const sync = createSync({
      url: "http://simulated/api",
      collections: ["boards"],
      events: ["stepAdded", "boardCleared"],
      rejections: onRejected,
      onError: (error) => this.errors.push(error),
      onRejected: (rejection) => this.rejections.push(rejection),
      onConfirmed: (event) => this.confirmed.push(event),
      storage: memoryQueue(),
      fetch: network.fetchOf(name),
      WebSocket: network.webSocketOf(name),
      timer: this.time.timer,
      random: () => 0.5,
      backoffFirstMs: 2 * FIRST_WAIT_MS,
      attemptMaxMs: ATTEMPT_MS,
      stableMs: STABLE_MS,
      storageMaxMs: STORAGE_MS,
      ...options,
    });
    const createStore = (wrapped: AnyReducer, initial: unknown) => {
      this.reduce = wrapped;
      const recording: AnyReducer = (state, action) => {
        this.actions.push(action);
        return this.reduce(state, action);
      };
      return legacy_createStore(recording, initial, lift as StoreEnhancer | undefined);
    };
    const root = combineReducers({ boards, seen });
    this.store = sync(createStore as never)(root as never, preloaded as never) as never;
  }

  get state(): State {
    return this.store.getState() as State;
  }

  get sync(): SyncState {
    return this.state.sync;
  }

  dispatch(event: Action): Dispatched {
    return resultOf(this.store.dispatch(event));
  }

  /** The steps that the view shows. */
  steps(board = "plan"): readonly string[] {
    return this.state.boards[board]?.steps ?? [];
  }

  /** The steps that are confirmed. */
  confirmedSteps(board = "plan"): readonly string[] {
    return (this.sync.confirmed.boards as Boards)[board]?.steps ?? [];
  }

  get statuses(): readonly PendingStatus[] {
    return this.sync.pending.map(({ status }) => status);
  }

  /** Lets all waits for another attempt end. */
  passWaits(): void {
    const limits = [ATTEMPT_MS, STABLE_MS, STORAGE_MS];
    for (const delayMs of this.time.delaysMs) {
      if (!limits.includes(delayMs)) this.time.fire(delayMs);
    }
  }

  /** Waits until nothing is pending and all of so many events are confirmed. */
  async caughtUpWith(position: number): Promise<void> {
    await until(() => {
      this.passWaits();
      return this.sync.position === position && this.sync.pending.length === 0;
    });
  }

  /** Waits until events flow. */
  async live(): Promise<this> {
    await until(() => this.sync.connection === "live");
    return this;
  }
}

function seen(state: readonly string[] = [], action: AnyAction): readonly string[] {
  return action.type.startsWith("@@") ? state : [...state, action.type];
}

/** Waits until a condition holds, or an assertion does. Nothing else is waited for. */
export async function until(condition: () => unknown): Promise<void> {
  const check = async () => {
    if ((await condition()) === false) throw new Error(`it never came to be that ${condition}`);
  };
  await vi.waitFor(check, { timeout: 5_000, interval: 1 });
}
