/** Time, as something that can be passed in. */

/** Calls back once after a delay, unless the returned function is called before. */
export type Timer = (callback: () => void, delayMs: number) => () => void;

/** The real time. */
export const systemTimer: Timer = (callback, delayMs) => {
  const handle = setTimeout(callback, delayMs);
  return () => clearTimeout(handle);
};
