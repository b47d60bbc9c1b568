// @ts-check
/** Follows the log: its end, then what comes by the WebSocket; begins again when it breaks. */

import { address, lastEvents, PAGE } from "./api.js";

/** @typedef {import("./api.js").RecordedEvent} RecordedEvent */
/** @typedef {import("./api.js").Log} Log */
/** @typedef {"connecting" | "live" | "offline"} Status */

/** How long it waits after a failure. Each attempt reads the end of the log, with or without a socket. */
const WAIT_MS = 1000;
const WAIT_MS_MAX = 8000;

export class Feed extends EventTarget {
  /** The last position that is known. */
  position = 0;

  /** @type {Status} */
  status = "connecting";

  /** Begins, and never ends. */
  async start() {
    for (let wait = WAIT_MS; ; wait = Math.min(wait * 2, WAIT_MS_MAX)) {
      try {
        const log = await lastEvents({ limit: PAGE });
        this.#began(log);
        if (await this.#followed(log)) wait = WAIT_MS;
      } catch (error) {
        this.#tell("problem", error);
      }
      this.#becomes("offline");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /**
   * Calls back with the end of the log, and with each later part of it.
   *
   * @param {{
   *   began?: (log: Log) => void,
   *   recorded?: (events: RecordedEvent[]) => void,
   *   became?: (status: Status) => void,
   *   problem?: (error: unknown) => void,
   * }} listeners
   */
  listen(listeners) {
    for (const [name, listener] of Object.entries(listeners)) {
      this.addEventListener(name, (event) => {
        if (event instanceof CustomEvent) listener(event.detail);
      });
    }
  }

  /** @param {Log} log */
  #began(log) {
    this.position = log.position;
    this.#tell("began", log);
  }

  /**
   * Follows until the socket closes; tells whether it was ever open.
   *
   * @param {Log} log
   * @returns {Promise<boolean>}
   */
  #followed({ position, eventId }) {
    const url = address("websocket");
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("after", String(position));
    if (eventId !== null) url.searchParams.set("afterId", eventId);
    const socket = new WebSocket(url);
    return new Promise((resolve) => {
      let wasOpen = false;
      socket.onopen = () => {
        wasOpen = true;
        this.#becomes("live");
      };
      socket.onmessage = ({ data }) => {
        /** @type {RecordedEvent[]} */
        const events = JSON.parse(data);
        this.position = events.at(-1)?.position ?? this.position;
        this.#tell("recorded", events);
      };
      socket.onclose = () => resolve(wasOpen);
    });
  }

  /** @param {Status} status */
  #becomes(status) {
    this.status = status;
    this.#tell("became", status);
  }

  /**
   * @param {string} name
   * @param {unknown} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
