// @ts-check
/** The history of a document: each change of it, by which event, with the differences marked. */

import { history } from "./api.js";
import { fields, parts } from "./difference.js";
import { element, part } from "./element.js";
import { count, counted, text, time, user } from "./format.js";
import { follow, go, place } from "./place.js";
import { atMostEvery, onlyTheLast } from "./throttle.js";

/** @typedef {import("./api.js").Change} Change */
/** @typedef {import("./difference.js").FieldChange} FieldChange */

/** Changes that are read at once. */
const PAGE = 100;

/** So that a text without a letter is seen. */
const EMPTY = '""';

/** How often the history is read again while the log grows. */
const FOLLOW_MS = 2000;

const list = part("history-list", HTMLOListElement);
const told = part("history-told", HTMLParagraphElement);
const more = part("history-more", HTMLButtonElement);
const collectionField = part("history-collection", HTMLSelectElement);
const idField = part("history-id", HTMLInputElement);

/**
 * Shows the history of the document that is asked for.
 *
 * @param {import("./feed.js").Feed} feed
 * @param {readonly import("./api.js").Schema[]} schemas
 */
export function showHistory(feed, schemas) {
  const names = schemas.map(({ collection }) => collection).filter((name) => name !== "events");
  collectionField.append(...names.map((name) => element("option", { value: name }, name)));
  const known = new KnownChanges();
  const show = onlyTheLast(
    async (signal) => {
      const { collection, id } = place();
      if (id === "")
        return known.forget("Choose a document: its id in a list of documents leads here.");
      const asked = { collection: collection || names[0] || "", id };
      const last = await history(asked, { limit: PAGE }, signal);
      if (!signal.aborted) known.tell(asked, last);
    },
    (error) => known.forget(words(error)),
  );
  follow(({ view, collection, id }) => {
    if (view !== "history") return;
    if (names.includes(collection)) collectionField.value = collection;
    idField.value = id;
    show();
  });
  const showSoon = atMostEvery(FOLLOW_MS, () => {
    if (place().view === "history" && place().id !== "" && !document.hidden) show();
  });
  feed.listen({ began: showSoon, recorded: showSoon });
  more.addEventListener("click", () => known.showEarlier().catch(() => show()));
  part("history-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const [collection, id] = [collectionField.value, idField.value.trim()];
    go({ view: "history", collection, id });
    show();
  });
}

/** The changes that are known of one document, the last one first; all of them are shown. */
class KnownChanges {
  #of = { collection: "", id: "" };
  #changes = /** @type {readonly Change[]} */ ([]);

  /** @param {string} why nothing is shown */
  forget(why) {
    this.#of = { collection: "", id: "" };
    this.#changes = [];
    list.replaceChildren();
    more.hidden = true;
    say(why);
  }

  /**
   * Shows the last changes of a document. Those that are shown already stay as they are.
   *
   * @param {{ collection: string, id: string }} of
   * @param {{ changes: readonly Change[], hasEarlier: boolean }} last
   */
  tell(of, { changes: last, hasEarlier }) {
    const isSame = of.collection === this.#of.collection && of.id === this.#of.id;
    const known = this.#changes[0];
    const index = isSame && known ? last.findIndex((change) => isOf(change, known)) : -1;
    if (index === -1) {
      list.replaceChildren(...last.map(entry));
      this.#changes = last;
      more.hidden = !hasEarlier;
    } else {
      list.prepend(...last.slice(0, index).map(entry));
      this.#changes = [...last.slice(0, index), ...this.#changes];
    }
    this.#of = of;
    say(this.#summary());
  }

  async showEarlier() {
    const first = this.#changes.at(-1);
    if (first === undefined) return;
    more.disabled = true;
    const query = { before: first.event.position, limit: PAGE };
    const answer = history(this.#of, query).finally(() => (more.disabled = false));
    const { changes: earlier, hasEarlier } = await answer;
    if (this.#changes.at(-1) !== first) return;
    list.append(...earlier.map(entry));
    this.#changes = [...this.#changes, ...earlier];
    more.hidden = !hasEarlier;
    say(this.#summary());
  }

  #summary() {
    const last = this.#changes[0];
    if (last === undefined) return "No event has changed such a document.";
    const changes = counted(this.#changes.length, "change");
    const isThere = last.after !== null;
    return `${more.hidden ? changes : `The last ${changes}`}; it is ${isThere ? "there" : "removed"} now.`;
  }
}

/**
 * @param {Change} one
 * @param {Change} other
 */
function isOf(one, other) {
  return one.event.id === other.event.id;
}

/** @param {string} words */
function say(words) {
  if (told.textContent !== words) told.textContent = words;
}

/** @param {unknown} error */
function words(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {Change} change */
function entry({ event, before, after }) {
  const what = before === null ? "Created" : after === null ? "Removed" : "Changed";
  const by = user(event);
  const show = () => go({ view: "state", at: event.position });
  const all = fields(before, after);
  const same = all.filter((field) => !field.isChanged);
  return element(
    "li",
    { class: "change", "data-change": what.toLowerCase() },
    element(
      "header",
      {},
      element("strong", {}, what),
      ` by ${by ?? "someone"}, `,
      time(event.timestamp),
      element("code", { class: "type" }, event.type),
      element(
        "button",
        { type: "button", click: show, title: "State after this event" },
        `#${count(event.position)}`,
      ),
    ),
    tableOf(all.filter((field) => field.isChanged)),
    ...(same.length === 0 ? [] : [unchanged(same)]),
  );
}

/** @param {readonly FieldChange[]} changed */
function tableOf(changed) {
  const head = ["Field", "Before", "After"].map((name) => element("th", { scope: "col" }, name));
  const rows = changed.map(({ name, before, after }) => {
    const [old, now] = difference(before, after);
    return element("tr", {}, element("th", { scope: "row" }, name), old, now);
  });
  return element(
    "table",
    { "aria-label": "What has changed" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

/**
 * The two values as cells. Of two texts only what differs is marked.
 *
 * @param {unknown} before
 * @param {unknown} after
 * @returns {[HTMLElement, HTMLElement]}
 */
function difference(before, after) {
  if (typeof before === "string" && typeof after === "string") {
    const cut = parts(before, after);
    return [
      element("td", {}, cut.start, ...mark("del", cut.before), cut.end),
      element("td", {}, cut.start, ...mark("ins", cut.after), cut.end),
    ];
  }
  return [
    element("td", {}, ...mark("del", before === "" ? EMPTY : text(before))),
    element("td", {}, ...mark("ins", after === "" ? EMPTY : text(after))),
  ];
}

/**
 * @param {"del" | "ins"} tag
 * @param {string} words
 */
function mark(tag, words) {
  return words === "" ? [] : [element(tag, {}, words)];
}

/** @param {readonly FieldChange[]} same */
function unchanged(same) {
  const rows = same.flatMap(({ name, after }) => [
    element("dt", {}, name),
    element("dd", {}, text(after)),
  ]);
  return element(
    "details",
    { class: "same" },
    element("summary", {}, counted(same.length, "field"), " unchanged"),
    element("dl", {}, ...rows),
  );
}
