/** Notices a connection that is open and dead: where a cable is pulled, TCP tells nobody for long. */

import type { Api } from "./api.ts";
import type { Timer } from "./timer.ts";

/** What is watched, and how. */
export interface SilenceOptions {
  readonly api: Pick<Api, "readPosition">;
  /** The position of the last event that the connection has brought. */
  readonly position: () => number;
  /** How long it may be silent before the server is asked. */
  readonly silenceMaxMs: number;
  /** How long the answer may take, and what it tells of to come. */
  readonly attemptMaxMs: number;
  readonly timer: Timer;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Hears, once, that the connection is dead. */
  readonly onDead: () => void;
}

/**
 * Begins to watch. The returned function says that something was heard.
 *
 * A server that has nothing to say is silent, too. So it is asked for its position, by a request of
 * its own: the connection is dead if there is no answer, or one that tells of events which do not come.
 */
export function watchSilence(options: SilenceOptions): () => void {
  const { silenceMaxMs, timer, signal, onDead } = options;
  let cancel = () => {};
  const listen = () => {
    cancel();
    if (!signal.aborted) cancel = timer(ask, silenceMaxMs);
  };
  const ask = () => {
    isAlive(options).then((alive) => {
      if (signal.aborted) return;
      if (alive) listen();
      else onDead();
    });
  };
  signal.addEventListener("abort", () => cancel(), { once: true });
  listen();
  return listen;
}

async function isAlive({
  api,
  position,
  attemptMaxMs,
  timer,
  signal,
}: SilenceOptions): Promise<boolean> {
  const late = new AbortController();
  const limit = AbortSignal.any([signal, late.signal]);
  const cancel = timer(() => late.abort(), attemptMaxMs);
  try {
    const there = await api.readPosition({ signal: limit });
    if (position() >= there) return true;
    if (!limit.aborted) {
      await new Promise((resolve) => limit.addEventListener("abort", resolve, { once: true }));
    }
    return position() >= there;
  } catch {
    return false;
  } finally {
    cancel();
  }
}
