/** The server's HTTP interface as typed functions. */

import { type Action, isPosition, isRecordedEvent, type RecordedEvent } from "./event.ts";
import { createId } from "./id.ts";
import { request } from "./request.ts";

/** How to make an {@link Api}. */
export interface ApiOptions {
  /** Where the server's routes are, such as `"/api"` or `"https://example.com/api"`. */
  readonly url: string;
  /** Used instead of `globalThis.fetch`: to add headers, or in tests. */
  readonly fetch?: typeof globalThis.fetch;
}

/** What was recorded, in order, and the position of the last of it. */
export interface DispatchAnswer {
  readonly position: number;
  readonly events: readonly RecordedEvent[];
}

/** How to run one command. */
export interface CommandOptions {
  /**
   * A UUID that stands for this one wish of the user; made for you if left out. Keep it and pass it
   * again to retry after an `UnreachableError`: the command takes effect once.
   */
  readonly id?: string;
  /** Stored with the events, such as who caused them: `{ user: "Ann" }`. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

/**
 * A place in the log: a position, and the id of the event there. Positions alone do not tell one log
 * from another; a server whose database was replaced has another event there.
 */
export interface Checkpoint {
  readonly position: number;
  /** `null` before the first event. */
  readonly eventId: string | null;
}

/** Whole collections, all read at one place in the log. */
export interface CollectionsAnswer<Collections> extends Checkpoint {
  readonly collections: { readonly [Name in keyof Collections]: readonly Collections[Name][] };
}

/** Which part of the log to list. All of it from the start, as far as the server's limit, if empty. */
export interface EventsQuery {
  /** Only events with a greater position. Beyond the log it is the problem `position_ahead`. */
  readonly after?: number;
  /** The id of the event at `after`; the problem `log_replaced` if there is another. */
  readonly afterId?: string;
  readonly limit?: number;
  readonly type?: string;
  /** By position; `"asc"` if left out. */
  readonly order?: "asc" | "desc";
}

/** A page of the log, and the position of the last event there is. */
export interface EventsAnswer {
  readonly position: number;
  readonly events: readonly RecordedEvent[];
}

/** Which changes of a document: the last ones, or the last ones before a position. */
export interface ChangesQuery {
  /** Only those by events before this position. */
  readonly before?: number;
  /** At most so many, the last ones; 100 if left out. */
  readonly limit?: number;
}

/** What one event made of a document. */
export interface DocumentChange<Document> {
  readonly event: RecordedEvent;
  /** `null` where there was none. */
  readonly before: Document | null;
  /** `null` where it was removed. */
  readonly after: Document | null;
}

/** The server, as functions. Each may throw the errors that `request.ts` names. */
export interface Api {
  /** Where it is, as given in {@link ApiOptions}. */
  readonly url: string;
  /** Dispatches one action, or several in one transaction. An action without an id is given one. */
  dispatch(
    actions: Action | readonly Action[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<DispatchAnswer>;
  /** Runs a command: the server decides which events it means. */
  runCommand(name: string, payload: unknown, options?: CommandOptions): Promise<DispatchAnswer>;
  /** Loads whole collections, all read at one position. */
  loadCollections<Collections extends Record<string, unknown>>(
    names: readonly (keyof Collections & string)[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<CollectionsAnswer<Collections>>;
  /** Lists events of the log. */
  listEvents(
    query?: EventsQuery,
    options?: { readonly signal?: AbortSignal },
  ): Promise<EventsAnswer>;
  /**
   * Lists the last 100 changes of one document, or as many as `limit` says, the first one first.
   * They are fewer where they are larger than 8 MiB: ask for those `before`, until there are none.
   * It is the problem `history_not_kept` where the server keeps none.
   */
  listChanges<Document>(
    collection: string,
    id: string | number,
    query?: ChangesQuery,
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly DocumentChange<Document>[]>;
  /** Returns the position of the last event. */
  readPosition(options?: { readonly signal?: AbortSignal }): Promise<number>;
}

/**
 * Creates the functions that talk to one server. Nothing is sent yet.
 *
 * @example
 * const api = createApi({ url: "/api" });
 * await api.runCommand("addNote", { title: "Milk", text: "" }, { meta: { user: "Ann" } });
 */
export function createApi({ url, fetch = globalThis.fetch.bind(globalThis) }: ApiOptions): Api {
  const base = url.replace(/\/+$/, "");
  return {
    url,
    dispatch: (actions, options) => {
      const withIds = [actions].flat().map((action) => ({ id: createId(), ...action }));
      return request(fetch, { url: `${base}/events`, body: withIds, ...options }, readEvents);
    },
    runCommand: (name, payload, { id = createId(), meta, signal } = {}) => {
      const body = { id, payload, ...(meta && { meta }) };
      const path = `${base}/commands/${encodeURIComponent(name)}`;
      return request(fetch, { url: path, body, signal }, readEvents);
    },
    loadCollections: (names, options) => {
      const path = `${base}/collections?names=${names.map(encodeURIComponent).join(",")}`;
      return request(fetch, { url: path, ...options }, (answer) => readCollections(answer, names));
    },
    listEvents: (query = {}, options) => {
      const path = `${base}/events${parametersOf(query)}`;
      return request(fetch, { url: path, ...options }, readEvents);
    },
    listChanges: <Document>(collection: string, id: string | number, query = {}, options = {}) => {
      const document = [collection, id].map(encodeURIComponent).join("/");
      const path = `${base}/history/${document}${parametersOf(query)}`;
      return request(fetch, { url: path, ...options }, readChanges<Document>);
    },
    readPosition: (options) =>
      request(fetch, { url: `${base}/health`, ...options }, ({ position }) =>
        isPosition(position) ? position : undefined,
      ),
  };
}

function parametersOf(query: EventsQuery | ChangesQuery): string {
  const parameters = Object.entries(query).map(([name, value]) => [name, String(value)]);
  return parameters.length === 0 ? "" : `?${new URLSearchParams(parameters)}`;
}

function readEvents({
  position,
  events,
}: Readonly<Record<string, unknown>>): DispatchAnswer | undefined {
  if (!isPosition(position) || !Array.isArray(events)) return undefined;
  return events.every(isRecordedEvent) ? { position, events } : undefined;
}

/** As with whole collections, what a document is like is not looked into. */
function readChanges<Document>({
  changes,
}: Readonly<Record<string, unknown>>): readonly DocumentChange<Document>[] | undefined {
  const isChange = (change: unknown): change is DocumentChange<Document> =>
    typeof change === "object" &&
    change !== null &&
    "event" in change &&
    isRecordedEvent(change.event) &&
    "before" in change &&
    "after" in change;
  return Array.isArray(changes) && changes.every(isChange) ? changes : undefined;
}

/** The documents themselves are the reducer's business: it checks them against the schema. */
function readCollections<Collections extends Record<string, unknown>>(
  { position, eventId, collections }: Readonly<Record<string, unknown>>,
  names: readonly string[],
): CollectionsAnswer<Collections> | undefined {
  if (!isPosition(position) || !isEventId(eventId)) return undefined;
  if (typeof collections !== "object" || collections === null) return undefined;
  const byName = new Map<string, unknown>(Object.entries(collections));
  if (!names.every((name) => Array.isArray(byName.get(name)))) return undefined;
  const typed = collections as CollectionsAnswer<Collections>["collections"];
  return { position, eventId, collections: typed };
}

function isEventId(eventId: unknown): eventId is string | null {
  return eventId === null || typeof eventId === "string";
}
