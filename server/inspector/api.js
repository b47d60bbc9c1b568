// @ts-check
/** What the server answers. Every address is relative: the service may be mounted anywhere. */

/**
 * @typedef {object} RecordedEvent
 * @property {string} id
 * @property {number} position
 * @property {string} timestamp
 * @property {string} type
 * @property {unknown} [payload]
 * @property {Record<string, unknown> | null} [meta]
 * @property {unknown} [error]
 */
/** @typedef {Record<string, unknown>} Row a document */
/** @typedef {{ name: string, kind: unknown, nullable: boolean, unique: boolean, index: boolean }} Field */
/** @typedef {{ collection: string, fields: Field[], id: number }} Schema */
/** @typedef {{ position: number, eventId: string | null, events: RecordedEvent[] }} Log */
/** @typedef {{ position: number, eventId: string | null, documents: Row[] }} Documents */
/** @typedef {{ event: RecordedEvent, before: Row | null, after: Row | null }} Change */
/** @typedef {{ collection: string, id: unknown }} ChangedDocument */
/** @typedef {{ from: string, to: string, positions: number[] }} Rate */
/** @typedef {{ id: number, version: number, state: string, position: number, silentMs: number | null }} Tables */
/** @typedef {{ position: number, served: number, generations: Tables[] }} Generations */

/** What the server refuses, or why it does not answer. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {string} code stable, `unreachable` where there is no answer
   */
  constructor(message, code) {
    super(message);
    this.name = "Problem";
    this.code = code;
  }
}

/** Events of a page of the log. */
export const PAGE = 100;

/**
 * Reads the end of the log, the last event first.
 *
 * @param {{ type?: string, limit?: number }} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Log>}
 */
export function lastEvents({ type, limit = PAGE }, signal) {
  return read("events", { order: "desc", limit, type: type || undefined }, signal);
}

/**
 * Reads the events before a position, the last one first.
 *
 * @param {{ before: number, type?: string, limit?: number }} query
 * @returns {Promise<RecordedEvent[]>}
 */
export async function eventsBefore({ before, type, limit = PAGE }) {
  const conditions = [{ lt: ["position", before] }, ...(type ? [{ eq: ["type", type] }] : [])];
  const query = { filter: JSON.stringify({ and: conditions }), order: "-position", limit };
  const { documents } = await read("collections/events", query);
  return documents;
}

/**
 * Reads the event at a position.
 *
 * @param {number} position
 * @param {AbortSignal} [signal]
 * @returns {Promise<RecordedEvent | undefined>}
 */
export async function eventAt(position, signal) {
  if (position < 1) return undefined;
  const { events } = await read("events", { after: position - 1, limit: 1 }, signal);
  return events[0];
}

/**
 * Reads documents, as they were at a position or a time where one is given.
 *
 * @param {string} collection
 * @param {{ at?: number | string | undefined, order?: string, limit: number, offset?: number }} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Documents>}
 */
export function documents(collection, query, signal) {
  return read(`collections/${encodeURIComponent(collection)}`, query, signal);
}

/**
 * Reads the last changes of a document, or those before a position, the last one first.
 *
 * @param {{ collection: string, id: string }} document
 * @param {{ before?: number, limit: number }} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ changes: Change[], hasEarlier: boolean }>}
 */
export async function history({ collection, id }, query, signal) {
  const path = `history/${encodeURIComponent(collection)}/${encodeURIComponent(id)}`;
  const { changes, hasEarlier } = await read(path, query, signal);
  return { changes: changes.reverse(), hasEarlier };
}

/**
 * Reads which documents the event at a position has changed; none where that is not kept.
 *
 * @param {number} position
 * @param {AbortSignal} [signal]
 * @returns {Promise<ChangedDocument[]>}
 */
export async function changedAt(position, signal) {
  try {
    const { documents } = await read("inspector/changed", { position }, signal);
    return documents;
  } catch (error) {
    if (error instanceof Problem && error.code === "history_not_kept") return [];
    throw error;
  }
}

/** @returns {Promise<Schema[]>} */
export async function schemas() {
  const { collections } = await read("inspector/collections", {});
  return collections;
}

/**
 * @param {{ from?: string | undefined, parts: number }} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Rate>}
 */
export function rate(query, signal) {
  return read("inspector/rate", query, signal);
}

/** @returns {Promise<Generations>} */
export function generations() {
  return read("inspector/generations", {});
}

/**
 * Returns the address of a route: the page is beside the others.
 *
 * @param {string} path
 */
export function address(path) {
  const url = new URL(path, document.baseURI);
  // Of a page that was opened with them the browser knows them; in an address it refuses them.
  url.username = url.password = "";
  return url;
}

/**
 * @param {string} path
 * @param {Record<string, string | number | undefined>} query
 * @param {AbortSignal} [signal]
 */
async function read(path, query, signal) {
  const url = address(path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const answer = await fetch(url, signal ? { signal } : {}).catch((error) => {
    if (signal?.aborted) throw error;
    throw new Problem("The server can’t be reached.", "unreachable");
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  const said = typeof problem.detail === "string" ? problem.detail : answer.statusText;
  throw new Problem(`${said} (${answer.status})`, String(problem.code ?? answer.status));
}
