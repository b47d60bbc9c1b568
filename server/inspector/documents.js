// @ts-check
/** The collections as of a moment, a page at a time, with what the event of that moment did to it. */

import { documents } from "./api.js";
import { marked } from "./difference.js";
import { element, part } from "./element.js";
import { count, short, text } from "./format.js";
import { follow, go, place } from "./place.js";
import { atMostEvery, onlyTheLast } from "./throttle.js";

/** @typedef {import("./api.js").Schema} Schema */
/** @typedef {import("./api.js").Row} Row */
/** @typedef {import("./difference.js").MarkedRow} MarkedRow */

/** Documents of a page. */
const PAGE = 50;

/** How often the documents of now are read while the log grows. */
const FOLLOW_MS = 500;

const MARKS = { added: "+", changed: "~", removed: "−" };

const told = part("documents-told", HTMLOutputElement);
const table = part("documents", HTMLElement);
const nextPage = part("documents-after", HTMLButtonElement);
const previousPage = part("documents-before", HTMLButtonElement);

/**
 * Shows the collections.
 *
 * @param {import("./feed.js").Feed} feed
 * @param {readonly Schema[]} schemas
 * @param {(error: unknown) => void} failed
 */
export function showDocuments(feed, schemas, failed) {
  const view = new DocumentsView(schemas);
  const show = onlyTheLast((signal) => view.show(signal), failed);
  view.again = show;
  follow(({ view }) => {
    if (view === "state") show();
  });
  const showSoon = atMostEvery(FOLLOW_MS, () => {
    if (place().view === "state" && place().at === undefined && !document.hidden) show();
  });
  feed.listen({ began: showSoon, recorded: showSoon });
  nextPage.addEventListener("click", () => view.turn(1));
  previousPage.addEventListener("click", () => view.turn(-1));
}

class DocumentsView {
  #collection = "";
  #order = "";
  #page = 0;

  /** Shows all again, with what has changed here. */
  again = () => {};

  /** @param {readonly Schema[]} schemas */
  constructor(schemas) {
    this.schemas = schemas;
  }

  /** @param {1 | -1} pages */
  turn(pages) {
    this.#page = Math.max(this.#page + pages, 0);
    this.again();
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const { at, collection } = place();
    const schema = this.schemas.find((it) => it.collection === collection) ?? this.schemas[0];
    if (schema === undefined) return;
    if (schema.collection !== this.#collection) {
      [this.#collection, this.#order, this.#page] = [schema.collection, "", 0];
      this.#drawCollections();
    }
    // The earlier one first: from there the server has one event to go.
    const before = at ? await this.#read(at - 1, signal) : undefined;
    const after = await this.#read(at, signal);
    if (signal.aborted) return;
    const id = schema.fields[schema.id]?.name ?? "id";
    const rows = before
      ? marked(id, before, after)
      : after.rows.map((row) => ({ row, change: undefined }));
    this.#draw(schema, rows, after);
  }

  /**
   * @param {number | undefined} at
   * @param {AbortSignal} signal
   */
  async #read(at, signal) {
    const [order, offset] = [this.#order || undefined, this.#page * PAGE];
    const query = { at, limit: PAGE + 1, offset, ...(order && { order }) };
    const { documents: rows, position } = await documents(this.#collection, query, signal);
    const isLast = rows.length <= PAGE;
    return { rows: rows.slice(0, PAGE), isFirst: this.#page === 0, isLast, position };
  }

  #drawCollections() {
    const buttons = this.schemas.map(({ collection }) => {
      const isShown = collection === this.#collection;
      const show = () => go({ collection });
      const state = { "aria-current": isShown ? "true" : undefined };
      return element("button", { type: "button", click: show, ...state }, collection);
    });
    part("collections", HTMLElement).replaceChildren(...buttons);
  }

  /**
   * @param {Schema} schema
   * @param {readonly MarkedRow[]} rows
   * @param {{ rows: readonly Row[], isLast: boolean }} page
   */
  #draw(schema, rows, page) {
    const head = schema.fields.map((field, index) => this.#headOf(field, index === schema.id));
    const body = rows.map((row) => this.#rowOf(schema, row));
    const mark = element("th", { scope: "col" }, element("span", { class: "hidden" }, "Change"));
    table.replaceChildren(
      element(
        "table",
        { "aria-label": `Documents of ${schema.collection}` },
        element("thead", {}, element("tr", {}, mark, ...head)),
        element("tbody", {}, ...body),
      ),
      ...(rows.length === 0 ? [element("p", { class: "none" }, "No documents.")] : []),
    );
    const first = this.#page * PAGE;
    const last = first + page.rows.length;
    told.value = last > first ? `${count(first + 1)} to ${count(last)}` : "";
    previousPage.disabled = this.#page === 0;
    nextPage.disabled = page.isLast;
  }

  /**
   * By a field without an index a large collection takes long to sort.
   *
   * @param {import("./api.js").Field} field
   * @param {boolean} isId
   */
  #headOf({ name, kind, unique, index }, isId) {
    const title = `${text(kind)}${unique ? ", unique" : index ? ", index" : ""}`;
    if (!(isId || unique || index)) return element("th", { scope: "col", title }, name);
    const order = this.#order || this.#idName();
    const sorted = order === name ? "ascending" : order === `-${name}` ? "descending" : undefined;
    const sort = () => {
      this.#order = sorted === "ascending" ? `-${name}` : name;
      this.#page = 0;
      this.again();
    };
    const button = element("button", { type: "button", click: sort }, name);
    return element("th", { scope: "col", title, "aria-sort": sorted }, button);
  }

  #idName() {
    const schema = this.schemas.find(({ collection }) => collection === this.#collection);
    return schema?.fields[schema.id]?.name ?? "";
  }

  /**
   * @param {Schema} schema
   * @param {MarkedRow} marked
   */
  #rowOf({ collection, fields, id }, { row, change }) {
    const mark = change === undefined ? [] : [element("abbr", { title: change }, MARKS[change])];
    const cells = fields.map(({ name }, index) => {
      if (index !== id || collection === "events") return cellOf(row[name]);
      const show = () => go({ view: "history", collection, id: text(row[name]) });
      const title = "Its history";
      const button = element("button", { type: "button", click: show, title }, text(row[name]));
      return element("th", { scope: "row" }, button);
    });
    return element("tr", { "data-change": change }, element("td", {}, ...mark), ...cells);
  }
}

/** @param {unknown} value */
function cellOf(value) {
  if (value === null) return element("td", { class: "null" }, "null");
  const kind = typeof value === "number" ? "number" : undefined;
  const whole = text(value);
  return element("td", { class: kind, title: whole.slice(0, 2000) }, short(whole, 120));
}
