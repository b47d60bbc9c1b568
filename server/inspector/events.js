// @ts-check
/** The part of the log that is shown: the newest first, filtered, and bounded. */

/** @typedef {import("./api.js").RecordedEvent} RecordedEvent */
/** @typedef {{ type: string, text: string }} Filter empty texts are no condition */

/** Events that are kept; as many again for each time that older ones are asked for. */
export const KEPT = 300;
const KEPT_MAX = 5000;

/**
 * @param {Filter} filter
 * @param {RecordedEvent} event
 */
export function matches({ type, text }, event) {
  if (type !== "" && event.type !== type) return false;
  return text === "" || JSON.stringify(event).toLowerCase().includes(text.toLowerCase());
}

export class Events {
  /** @type {RecordedEvent[]} */
  list = [];

  /** The log is looked through down to this position. */
  oldest = 1;

  #kept = KEPT;

  /**
   * @param {Filter} filter
   * @param {readonly RecordedEvent[]} newest the last one first
   */
  constructor(filter, newest) {
    this.filter = filter;
    this.list = newest.filter((event) => matches(filter, event));
    this.oldest = newest.at(-1)?.position ?? 1;
  }

  /** Whether there may be older ones that are not shown. */
  get hasOlder() {
    return this.oldest > 1 && this.list.length < KEPT_MAX;
  }

  /**
   * Adds what was recorded, the last event at the end; returns those that are new here.
   *
   * @param {readonly RecordedEvent[]} recorded
   */
  add(recorded) {
    const last = this.list[0]?.position ?? 0;
    const added = recorded.filter((it) => it.position > last && matches(this.filter, it));
    this.list.unshift(...added.toReversed());
    if (this.list.length > this.#kept) {
      this.list.length = this.#kept;
      this.oldest = this.list.at(-1)?.position ?? this.oldest;
    }
    return added.slice(-this.#kept);
  }

  /**
   * Adds older ones, the last one first; returns those that match.
   *
   * @param {readonly RecordedEvent[]} older
   */
  addOlder(older) {
    const found = older.filter((event) => matches(this.filter, event));
    this.list.push(...found);
    this.oldest = older.at(-1)?.position ?? 1;
    this.#kept = Math.min(Math.max(this.#kept, this.list.length + KEPT), KEPT_MAX);
    return found;
  }
}
