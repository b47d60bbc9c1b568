// @ts-check
/** How many events there were over time, as a plot. */

import { rate } from "./api.js";
import { drawing, part } from "./element.js";
import { counted, duration, moment, rate as perSecond } from "./format.js";
import { go } from "./place.js";
import { atMostEvery, onlyTheLast } from "./throttle.js";

/** @typedef {{ index: number, from: number, to: number, events: number, position: number }} Bar */

const PARTS = 120;
const HEIGHT = 100;

/** How often it is drawn again while the log grows, and while time goes on. */
const FOLLOW_MS = 1000;
const TIME_MS = 5000;

const plot = part("rate-plot", SVGSVGElement);
const told = part("rate-told", HTMLOutputElement);
const range = part("rate-range", HTMLFieldSetElement);

/**
 * Shows the plot. Returns a function that marks a time in it.
 *
 * @param {import("./feed.js").Feed} feed
 * @param {(error: unknown) => void} failed
 */
export function showRate(feed, failed) {
  const view = new RateView();
  const show = onlyTheLast((signal) => view.show(signal), failed);
  const showSoon = atMostEvery(FOLLOW_MS, show);
  feed.listen({ began: show, recorded: showSoon });
  setInterval(showSoon, TIME_MS);
  range.addEventListener("change", show);
  return (/** @type {string | undefined} */ timestamp) => view.markTime(timestamp);
}

class RateView {
  /** @type {Bar[]} */
  #bars = [];

  #marked = /** @type {number | undefined} */ (undefined);

  constructor() {
    plot.setAttribute("viewBox", `0 0 ${PARTS} ${HEIGHT}`);
    plot.addEventListener("pointermove", (event) => this.#tell(this.#barAt(event)));
    plot.addEventListener("pointerleave", () => this.#tell(undefined));
    plot.addEventListener("click", (event) => {
      const bar = this.#barAt(event);
      if (bar !== undefined) go({ view: "state", at: bar.position });
    });
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    if (document.hidden) return;
    const seconds = range.querySelector("input:checked")?.getAttribute("value");
    const from = seconds ? new Date(Date.now() - Number(seconds) * 1000).toISOString() : undefined;
    const answer = await rate({ from, parts: PARTS }, signal);
    if (signal.aborted) return;
    this.#bars = bars(answer);
    this.#draw();
    this.#tell(undefined);
  }

  /** @param {string | undefined} timestamp */
  markTime(timestamp) {
    this.#marked = timestamp === undefined ? undefined : Date.parse(timestamp);
    this.#draw();
  }

  #draw() {
    const most = Math.max(...this.#bars.map(({ events }) => events), 1);
    const drawn = this.#bars.map(({ index, events }) => {
      // What there is can be seen, however little it is beside the rest.
      const height = events === 0 ? 0 : Math.max((events / most) * HEIGHT, 2);
      const place = { x: index + 0.1, width: 0.8, y: HEIGHT - height, height };
      return drawing("rect", { ...place, class: "bar" });
    });
    const [first, last] = [this.#bars[0], this.#bars.at(-1)];
    if (first === undefined || last === undefined) return;
    const seconds = (first.to - first.from) / 1000;
    plot.replaceChildren(...drawn, ...this.#mark(first.from, last.to));
    part("rate-most", HTMLElement).textContent =
      `at most ${counted(most, "event")} in ${partLength(seconds)}`;
    part("rate-from", HTMLElement).textContent = moment(first.from);
    part("rate-to", HTMLElement).textContent = moment(last.to);
    plot.setAttribute("aria-label", `${this.#total()}, at most ${most} in ${partLength(seconds)}`);
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #mark(from, to) {
    const at = this.#marked;
    if (at === undefined || at < from || at > to) return [];
    const x = ((at - from) / Math.max(to - from, 1)) * PARTS;
    return [drawing("line", { x1: x, x2: x, y1: 0, y2: HEIGHT, class: "mark" })];
  }

  #total() {
    const events = this.#bars.reduce((sum, bar) => sum + bar.events, 0);
    const [first, last] = [this.#bars[0], this.#bars.at(-1)];
    if (first === undefined || last === undefined) return "";
    return `${counted(events, "event")} from ${moment(first.from)} to ${moment(last.to)}`;
  }

  /** @param {Bar | undefined} bar */
  #tell(bar) {
    if (bar === undefined) {
      told.value = this.#total();
      return;
    }
    const seconds = (bar.to - bar.from) / 1000;
    const speed = perSecond(bar.events / Math.max(seconds, 0.001));
    told.value = `${counted(bar.events, "event")} in ${partLength(seconds)} from ${moment(bar.from)}, ${speed}`;
  }

  /** @param {MouseEvent} event */
  #barAt({ clientX }) {
    const { left, width } = plot.getBoundingClientRect();
    return this.#bars[Math.floor(((clientX - left) / width) * PARTS)];
  }
}

/**
 * @param {import("./api.js").Rate} answer
 * @returns {Bar[]}
 */
function bars({ from, to, positions }) {
  const start = Date.parse(from);
  const length = (Date.parse(to) - start) / (positions.length - 1);
  return positions.slice(1).map((position, index) => ({
    index,
    from: start + index * length,
    to: start + (index + 1) * length,
    events: position - (positions[index] ?? 0),
    position,
  }));
}

/** @param {number} seconds */
function partLength(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : duration(seconds);
}
