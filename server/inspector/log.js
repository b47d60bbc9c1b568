// @ts-check
/** The log, live: the last events, by type and by text, with what is in them. */

import { eventsBefore, lastEvents, PAGE } from "./api.js";
import { changedDocuments } from "./changed.js";
import { element, part } from "./element.js";
import { Events, KEPT } from "./events.js";
import { count, short, text, time, user } from "./format.js";
import { follow, go, place } from "./place.js";
import { onlyTheLast } from "./throttle.js";

/** @typedef {import("./api.js").RecordedEvent} RecordedEvent */

/** Events that are looked through at once for a text. */
const SEARCHED = 1000;

const list = part("log-list", HTMLOListElement);
const pause = part("log-pause", HTMLButtonElement);
const older = part("log-older", HTMLButtonElement);
const typeField = part("log-type", HTMLInputElement);
const textField = part("log-text", HTMLInputElement);

/**
 * Shows the log.
 *
 * @param {import("./feed.js").Feed} feed
 * @param {(error: unknown) => void} failed
 */
export function showLog(feed, failed) {
  const log = new LogView(failed);
  feed.listen({ began: () => log.connected(), recorded: (events) => log.add(events) });
  follow(() => log.mark());
  pause.addEventListener("click", () => log.pause());
  older.addEventListener("click", () => log.showOlder());
  const form = part("log-filter", HTMLFormElement);
  form.addEventListener("input", () => log.begin());
  form.addEventListener("submit", (event) => event.preventDefault());
}

class LogView {
  #events = new Events({ type: "", text: "" }, []);

  /** Events that have come while it was paused; nothing where it is not. */
  #missed = /** @type {number | undefined} */ (undefined);

  /** What has come since the end of the log was asked for. */
  #since = /** @type {RecordedEvent[]} */ ([]);

  /** What has come since the last picture. */
  #waiting = /** @type {RecordedEvent[]} */ ([]);

  #types = new Set();

  /** @param {(error: unknown) => void} failed */
  constructor(failed) {
    this.failed = failed;
    this.begin = onlyTheLast((signal) => this.#showEnd(signal), failed);
  }

  /** What is paused stays as it is. */
  connected() {
    if (this.#missed === undefined) this.begin();
  }

  /**
   * Shows the end of the log anew.
   *
   * @param {AbortSignal} signal
   */
  async #showEnd(signal) {
    this.#since = [];
    if (this.#missed !== undefined) this.#missed = 0;
    const filter = { type: typeField.value.trim(), text: textField.value.trim() };
    const limit = filter.text === "" ? PAGE : SEARCHED;
    const { events } = await lastEvents({ type: filter.type, limit }, signal);
    if (signal.aborted) return;
    this.#events = new Events(filter, events);
    // Fewer than asked for: that is all.
    if (events.length < limit) this.#events.oldest = 1;
    if (this.#missed === undefined) this.#events.add(this.#since);
    list.replaceChildren(...this.#events.list.map((event) => this.#entry(event)));
    this.#learn(events);
    this.#tell();
  }

  /** @param {RecordedEvent[]} recorded */
  add(recorded) {
    if (this.#missed !== undefined) {
      this.#missed += recorded.length;
      this.#tell();
      return;
    }
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#draw());
    this.#waiting.push(...recorded);
    this.#since.push(...recorded);
  }

  pause() {
    this.#missed = this.#missed === undefined ? 0 : undefined;
    pause.setAttribute("aria-pressed", String(this.#missed !== undefined));
    this.#tell();
    this.begin();
  }

  /** Marks the event that is looked at. */
  mark() {
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const entry = list.querySelector(`[data-position="${place().at}"]`);
    entry?.setAttribute("aria-current", "true");
  }

  async showOlder() {
    const events = this.#events;
    const { type, text: wanted } = events.filter;
    const limit = wanted === "" ? PAGE : SEARCHED;
    older.disabled = true;
    try {
      const found = await eventsBefore({ before: events.oldest, type, limit });
      if (events !== this.#events) return;
      list.append(...events.addOlder(found).map((event) => this.#entry(event)));
      if (found.length < limit) events.oldest = 1;
      this.#learn(found);
      this.#tell();
    } catch (error) {
      this.failed(error);
    } finally {
      older.disabled = false;
    }
  }

  #draw() {
    const recorded = this.#waiting;
    this.#waiting = [];
    this.#since = this.#since.slice(-KEPT);
    const added = this.#events.add(recorded);
    list.prepend(...added.toReversed().map((event) => this.#entry(event, "new")));
    while (list.children.length > this.#events.list.length) list.lastElementChild?.remove();
    this.#learn(recorded);
    this.#tell();
  }

  /**
   * Offers the types that were seen.
   *
   * @param {readonly RecordedEvent[]} events
   */
  #learn(events) {
    for (const { type } of events) {
      if (this.#types.has(type)) continue;
      this.#types.add(type);
      part("log-types", HTMLDataListElement).append(element("option", { value: type }));
    }
  }

  #tell() {
    const { list: shown, oldest, hasOlder, filter } = this.#events;
    const isSearch = filter.text !== "" && oldest > 1;
    const told = part("log-told", HTMLOutputElement);
    if (this.#missed !== undefined) {
      told.value = `paused, ${count(this.#missed)} new since`;
    } else {
      told.value = isSearch ? `${count(shown.length)} found back to #${count(oldest)}` : "";
    }
    pause.textContent = this.#missed === undefined ? "Pause" : "Resume";
    older.hidden = !hasOlder;
    older.textContent = isSearch ? `Search the ${count(SEARCHED)} before` : "Older events";
    part("log-none", HTMLParagraphElement).hidden = shown.length > 0;
  }

  /**
   * @param {RecordedEvent} event
   * @param {string} [state]
   */
  #entry(event, state) {
    const { position, type, payload, timestamp } = event;
    const details = element(
      "details",
      {},
      element(
        "summary",
        {},
        element("span", { class: "position" }, `#${count(position)}`),
        element("code", { class: "type" }, type),
        element("span", { class: "by" }, user(event) ?? ""),
        time(timestamp),
        element("span", { class: "payload" }, short(text(payload))),
      ),
    );
    // Most are never opened.
    details.addEventListener("toggle", () => details.append(...this.#opened(event)), {
      once: true,
    });
    const at = place().at === position ? "true" : undefined;
    const marks = { "data-state": state, "aria-current": at };
    return element("li", { "data-position": position, ...marks }, details);
  }

  /** @param {RecordedEvent} event */
  #opened(event) {
    const show = () => go({ view: "state", at: event.position });
    const state = element("button", { type: "button", click: show }, "State after this");
    const actions = element("div", { class: "actions" }, state);
    changedDocuments(event.position).then((changed) => actions.append(...changed), this.failed);
    return [element("pre", { tabindex: 0 }, JSON.stringify(event, null, 2)), actions];
  }
}
