// @ts-check
/** How far a rebuild is, whichever process does it, and what has become of the tables. */

import { generations } from "./api.js";
import { part } from "./element.js";
import { count, duration, rate } from "./format.js";

/** @typedef {import("./api.js").Tables} Tables */
/** @typedef {{ id: number, position: number, time: number }} Sample */

/** How often it asks while there is a rebuild, and while there is none. */
const BUILDING_MS = 500;
const IDLE_MS = 2000;

/** After such a silence it is told; after a longer one whoever did it is told as gone. */
const QUIET_MS = 5_000;
const SILENT_MS = 30_000;

/** The rate is that of this time. */
const SAMPLED_MS = 10_000;

const panel = part("rebuild", HTMLElement);
const heading = part("rebuild-heading", HTMLHeadingElement);
const progress = part("rebuild-progress", HTMLProgressElement);
const facts = part("rebuild-facts", HTMLParagraphElement);

/**
 * Shows the panel while there is something to say.
 *
 * @param {(error: unknown) => void} failed
 */
export async function showRebuild(failed) {
  /** @type {readonly Sample[]} */
  let samples = [];
  for (;;) {
    if (!document.hidden) {
      const told = await generations().catch(failed);
      if (told !== undefined) samples = draw(told, samples);
    }
    const wait = samples.length > 0 ? BUILDING_MS : IDLE_MS;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/**
 * Returns how far it was lately, while there is a rebuild.
 *
 * @param {import("./api.js").Generations} told
 * @param {readonly Sample[]} samples
 * @returns {readonly Sample[]}
 */
function draw({ position, served, generations: all }, samples) {
  const building = all.find(({ state }) => state === "building");
  const live = all.find(({ state }) => state === "live");
  panel.hidden = false;
  if (building !== undefined) {
    const more = sampled(samples, building);
    drawBuilding(building, position, more);
    return more;
  }
  if (live !== undefined && live.id !== served) drawReplaced(live);
  else panel.hidden = true;
  return [];
}

/**
 * @param {readonly Sample[]} samples
 * @param {Tables} building
 */
function sampled(samples, { id, position, silentMs }) {
  // When it was there: it tells so whenever it has written.
  const time = Date.now() - (silentMs ?? 0);
  const recent = samples.filter((it) => it.id === id && time - it.time < SAMPLED_MS);
  return recent.at(-1)?.position === position ? recent : [...recent, { id, position, time }];
}

/**
 * @param {Tables} building
 * @param {number} head
 * @param {readonly Sample[]} samples
 */
function drawBuilding({ version, position, silentMs }, head, samples) {
  const isInterrupted = silentMs === null || silentMs > SILENT_MS;
  heading.textContent = isInterrupted
    ? `A rebuild with reducers of version ${version} was interrupted`
    : `Rebuilding the tables with reducers of version ${version}`;
  const done = head === 0 ? 1 : position / head;
  progress.value = done;
  progress.hidden = false;
  const told = [`${count(position)} of ${count(head)} events (${Math.floor(done * 100)} %)`];
  const speed = speedOf(samples);
  if (isInterrupted) {
    told.push("it goes on where it is when it is started again");
  } else if (silentMs > QUIET_MS) {
    told.push(`nothing new for ${duration(silentMs / 1000)}`);
  } else if (speed > 0) {
    told.push(rate(speed), `${duration((head - position) / speed)} left`);
  }
  facts.textContent = told.join(", ");
}

/** @param {readonly Sample[]} samples */
function speedOf(samples) {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.time <= first.time) return 0;
  return ((last.position - first.position) * 1000) / (last.time - first.time);
}

/** @param {Tables} live */
function drawReplaced({ version }) {
  heading.textContent = "The tables were rebuilt";
  progress.hidden = true;
  facts.textContent = `Reducers of version ${version} have made new ones. This server still has the reducers of before: start the new one in its place.`;
}
