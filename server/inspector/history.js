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

/** Changes that are shown at once. */
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
        return known.tell([], "Choose a document: its id in a list of documents leads here.");
      const changes = await history(collection || names[0] || "", id, signal);
      if (!signal.aborted) known.tell(changes.toReversed(), summary(changes));
    },
    (error) => known.tell([], error instanceof Error ? error.message : String(error)),
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
  feed.listen({ recorded: showSoon });
  more.addEventListener("click", () => known.showMore());
  part("history-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const [collection, id] = [collectionField.value, idField.value.trim()];
    go({ view: "history", collection, id });
    show();
  });
}

/** The changes that are known, of which some are shown. */
class KnownChanges {
  #changes = /** @type {readonly Change[]} */ ([]);

  /**
   * Shows changes, the last one first. Those that are shown already stay as they are.
   *
   * @param {readonly Change[]} changes
   * @param {string} words
   */
  tell(changes, words) {
    if (told.textContent !== words) told.textContent = words;
    if (changes.map(idOf).join() === this.#changes.map(idOf).join()) return;
    this.#changes = changes;
    list.replaceChildren();
    this.showMore();
  }

  showMore() {
    const shown = list.children.length;
    list.append(...this.#changes.slice(shown, shown + PAGE).map(entry));
    more.hidden = list.children.length >= this.#changes.length;
  }
}

/** @param {Change} change */
function idOf({ event }) {
  return event.id;
}

/** @param {readonly Change[]} changes */
function summary(changes) {
  if (changes.length === 0) return "No event has changed such a document.";
  const isThere = changes.at(-1)?.after !== null;
  return `${counted(changes.length, "change")}; it is ${isThere ? "there" : "removed"} now.`;
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
