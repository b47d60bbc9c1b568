/** Time, as something that can be passed in. */

/** Calls back once after a delay, unless the returned function is called before. */
export type Timer = (callback: () => void, delayMs: number) => () => void;

/** The real time. */
export const systemTimer: Timer = (callback, delayMs) => {
  const handle = setTimeout(callback, delayMs);
  return () => clearTimeout(handle);
};

/** Waits; no longer than until `signal` fires. */
export function wait(timer: Timer, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = timer(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    const onAbort = () => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", onAbort);
  });
}
