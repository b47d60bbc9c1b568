/** Which tab sends where the browser has no Web Locks: the tabs ask each other. */

import { createId } from "./id.ts";
import { type Timer, wait } from "./timer.ts";

/** How long a tab that asks waits for an answer. */
export const ANSWER_MS = 200;

/** How often it asks again: the tab that leads may end without a word. */
export const ASK_AGAIN_MS = 5_000;

/** What tabs say to each other. */
interface Message {
  readonly from: string;
  readonly says: "asking" | "leading" | "leaving";
}

/**
 * One tab's part in it. A tab that asks and hears of none that leads does so itself; of two that ask,
 * or lead, the one with the lower id goes on. A tab that was frozen, and hears nothing, may lead beside
 * another for a while: this spares requests, nothing depends on it.
 */
export class Election {
  readonly #id = createId();
  readonly #channel: BroadcastChannel;
  readonly #timer: Timer;
  /** Whether a tab that goes first was heard of since this one has asked. */
  #isBehind = false;
  /** Ends the wait to ask again: the tab that led has left. */
  #left = new AbortController();
  /** Ends the leadership of this tab, while it leads. */
  #leading: AbortController | undefined;

  constructor(channel: BroadcastChannel, timer: Timer) {
    this.#channel = channel;
    this.#timer = timer;
    channel.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data);
  }

  /** Resolves once this tab leads, to what fires when another one does instead. */
  async lead(signal: AbortSignal): Promise<AbortSignal> {
    while (!signal.aborted) {
      this.#isBehind = false;
      this.#left = new AbortController();
      this.#say("asking");
      await wait(this.#timer, ANSWER_MS, signal);
      if (!this.#isBehind && !signal.aborted) return this.#begin(signal);
      await wait(this.#timer, ASK_AGAIN_MS, AbortSignal.any([signal, this.#left.signal]));
    }
    return signal;
  }

  #begin(signal: AbortSignal): AbortSignal {
    const leading = new AbortController();
    this.#leading = leading;
    this.#say("leading");
    const leave = () => {
      this.#say("leaving");
      this.#end();
    };
    signal.addEventListener("abort", leave, { signal: leading.signal });
    return leading.signal;
  }

  #hear({ from, says }: Message): void {
    const isFirst = this.#id < from;
    if (says === "leaving") this.#left.abort();
    else if (this.#leading === undefined) this.#isBehind ||= says === "leading" || !isFirst;
    else if (says === "leading" && !isFirst) this.#end();
    else this.#say("leading");
  }

  #end(): void {
    this.#leading?.abort();
    this.#leading = undefined;
  }

  #say(says: Message["says"]): void {
    this.#channel.postMessage({ from: this.#id, says } satisfies Message);
  }
}
