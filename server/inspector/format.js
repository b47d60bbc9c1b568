// @ts-check
/** Numbers, times and values as people read them. */

import { element } from "./element.js";

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const RATE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** @param {number} number */
export function count(number) {
  return NUMBER.format(number);
}

/** @param {number} perSecond */
export function rate(perSecond) {
  return `${RATE.format(perSecond)} events/s`;
}

/**
 * @param {number} number
 * @param {string} one what one of them is called
 */
export function counted(number, one) {
  return `${count(number)} ${one}${number === 1 ? "" : "s"}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${count(Math.max(seconds, 0))} s`;
  if (seconds < 90 * 60) return `${count(seconds / 60)} min`;
  return `${count(seconds / 3600)} h`;
}

/**
 * A time of today without its day.
 *
 * @param {string | number} timestamp
 */
export function moment(timestamp) {
  const date = new Date(timestamp);
  const day = DAY.format(date);
  const time = TIME.format(date);
  return day === DAY.format(new Date()) ? time : `${day}, ${time}`;
}

/**
 * A time, with the exact one behind it.
 *
 * @param {string} timestamp
 */
export function time(timestamp) {
  return element("time", { datetime: timestamp, title: timestamp }, moment(timestamp));
}

/**
 * A value as text: text as it is, all else as JSON.
 *
 * @param {unknown} value
 */
export function text(value) {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}

/**
 * The beginning of a text, for one line.
 *
 * @param {string} long
 * @param {number} [most]
 */
export function short(long, most = 160) {
  const line = long.slice(0, most).replace(/\s+/g, " ");
  return long.length > most ? `${line}…` : line;
}

/**
 * Who caused an event, as far as its `meta` says it.
 *
 * @param {import("./api.js").RecordedEvent} event
 */
export function user({ meta }) {
  return typeof meta?.user === "string" ? meta.user : undefined;
}
