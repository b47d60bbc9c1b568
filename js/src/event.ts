/**
 * Events and actions as they travel: Flux Standard Actions. They are type aliases, not interfaces,
 * because only those fit the index signature of Redux's `UnknownAction`.
 */

/** What may be dispatched to the server: a Flux Standard Action, optionally with an id. */
export type Action<Type extends string = string, Payload = unknown> = {
  /** A UUID. The server answers an id that it has seen with its first result: retries are safe. */
  readonly id?: string;
  readonly type: Type;
  readonly payload?: Payload;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly error?: boolean;
};

/** An event that the server has recorded. */
export type RecordedEvent<Type extends string = string, Payload = unknown> = Action<
  Type,
  Payload
> & {
  readonly id: string;
  /** UTC with milliseconds, `2016-09-26T20:32:46.588Z`. */
  readonly timestamp: string;
  /** The place in the one order of the store: 1, 2, 3, ... without gaps. */
  readonly position: number;
};

/** The `type` of {@link LoadedAction}. */
export const LOADED = "@@flux-capacitor/loaded";

/** Replaces the state of one collection by these documents, as they were at `position`. */
export type LoadedAction<Document = unknown> = {
  readonly type: typeof LOADED;
  readonly payload: {
    readonly collection: string;
    readonly position: number;
    readonly documents: readonly Document[];
  };
};

/**
 * Tells whether a value is an event that the server has recorded. Useful as a matcher:
 * `builder.addMatcher(isRecordedEvent, ..)`.
 */
export function isRecordedEvent(value: unknown): value is RecordedEvent {
  if (typeof value !== "object" || value === null) return false;
  const { id, type, timestamp, position } = value as Partial<Record<keyof RecordedEvent, unknown>>;
  return (
    typeof id === "string" &&
    typeof type === "string" &&
    typeof timestamp === "string" &&
    isPosition(position) &&
    position > 0
  );
}

/** Tells whether a value is a {@link LoadedAction}. Useful as a matcher. */
export function isLoadedAction(value: unknown): value is LoadedAction {
  return typeof value === "object" && value !== null && "type" in value && value.type === LOADED;
}

/** Tells whether a value is a position: 0 (before the first event) or that of an event. */
export function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
