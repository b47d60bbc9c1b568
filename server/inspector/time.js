// @ts-check
/** The slider over time: which position is looked at, and what happened there. */

import { documents, eventAt } from "./api.js";
import { changedDocuments } from "./changed.js";
import { element, part } from "./element.js";
import { count, moment, time, user } from "./format.js";
import { follow, go, place } from "./place.js";
import { afterRest, atMostEvery, onlyTheLast } from "./throttle.js";

/** @typedef {import("./api.js").RecordedEvent} RecordedEvent */

/** How long the slider rests before the documents of its position are read. */
const REST_MS = 120;

/** How often it moves on by itself while the log grows. */
const FOLLOW_MS = 500;

const slider = part("time-slider", HTMLInputElement);
const positionField = part("time-position", HTMLInputElement);
const timeField = part("time-time", HTMLInputElement);
const now = part("time-now", HTMLButtonElement);
const told = part("time-told", HTMLDivElement);

/**
 * Lets the user choose a moment.
 *
 * @param {import("./feed.js").Feed} feed
 * @param {(event: RecordedEvent | undefined) => void} shown called with the event that is looked at
 * @param {(error: unknown) => void} failed
 */
export function showTime(feed, shown, failed) {
  const position = () => place().at ?? feed.position;
  const tell = onlyTheLast(async (signal) => {
    const event = await eventAt(position(), signal);
    if (signal.aborted) return;
    const isNow = place().at === undefined;
    told.replaceChildren(...toldOf(event, isNow));
    slider.ariaValueText = valueText(position(), event);
    shown(isNow ? undefined : event);
    const changed = event ? await changedDocuments(event.position, signal) : [];
    if (!signal.aborted) told.append(...listOf(changed));
  }, failed);
  const draw = () => {
    slider.max = positionField.max = String(feed.position);
    slider.value = String(position());
    if (document.activeElement !== positionField) positionField.value = slider.value;
    now.ariaPressed = String(place().at === undefined);
    part("time-back", HTMLButtonElement).disabled = position() === 0;
    part("time-forth", HTMLButtonElement).disabled = place().at === undefined;
    tell();
  };
  // What is past stays as it is, and what is moved is left to who moves it.
  const grow = atMostEvery(FOLLOW_MS, () => {
    if (place().at === undefined && !slider.matches(":active")) draw();
    else slider.max = positionField.max = String(feed.position);
  });
  feed.listen({ began: draw, recorded: grow });
  follow(draw);
  takeInput(feed, position, failed);
}

/**
 * @param {import("./feed.js").Feed} feed
 * @param {() => number} position
 * @param {(error: unknown) => void} failed
 */
function takeInput(feed, position, failed) {
  // Its end is now: from there it follows the log.
  const to = (/** @type {number} */ at) => (at >= feed.position ? undefined : Math.max(at, 0));
  const slide = afterRest(REST_MS, () => go({ at: to(Number(slider.value)) }, "replace"));
  slider.addEventListener("input", () => {
    positionField.value = slider.value;
    slide();
  });
  const listen = (/** @type {string} */ id, /** @type {() => void} */ run) =>
    part(id, HTMLButtonElement).addEventListener("click", run);
  listen("time-back", () => go({ at: to(position() - 1) }, "replace"));
  listen("time-forth", () => go({ at: to(position() + 1) }, "replace"));
  listen("time-now", () => go({ at: undefined }));
  part("time", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (timeField.value === "") go({ at: to(Number(positionField.value)) });
    else goToTime(new Date(timeField.value), to).catch(failed);
  });
}

/**
 * @param {Date} date
 * @param {(at: number) => number | undefined} to
 */
async function goToTime(date, to) {
  // A field of seconds means the whole of its second.
  const at = new Date(date.getTime() + 999).toISOString();
  const { position } = await documents("events", { at, limit: 1 });
  timeField.value = "";
  go({ at: to(position) });
}

/**
 * @param {RecordedEvent | undefined} event
 * @param {boolean} isNow
 */
function toldOf(event, isNow) {
  const when = isNow ? "Now: after" : "After";
  if (event === undefined) return [element("p", {}, "Before the first event")];
  const by = user(event);
  return [
    element(
      "details",
      {},
      element(
        "summary",
        {},
        `${when} `,
        element("span", { class: "position" }, `#${count(event.position)}`),
        " ",
        element("code", { class: "type" }, event.type),
        by === undefined ? "" : ` by ${by}`,
        ", ",
        time(event.timestamp),
      ),
      element("pre", { tabindex: 0 }, JSON.stringify(event, null, 2)),
    ),
  ];
}

/** @param {readonly HTMLElement[]} changed */
function listOf(changed) {
  return changed.length === 0
    ? []
    : [element("div", { class: "actions" }, "It changed ", ...changed)];
}

/**
 * @param {number} position
 * @param {RecordedEvent | undefined} event
 */
function valueText(position, event) {
  if (event === undefined) return "before the first event";
  return `after event ${count(position)}, ${event.type}, ${moment(event.timestamp)}`;
}
