/** How long to wait before trying again. */

/** The bounds of the wait. */
export interface BackoffBounds {
  /** The most to wait after the first failure; doubles with each one that follows. */
  readonly backoffFirstMs: number;
  /** The most to wait after any number of failures. */
  readonly backoffMaxMs: number;
}

/**
 * Returns the wait after so many failures in a row: exponential with full jitter, so that the
 * clients of a server that comes back do not all come back at once.
 *
 * @param random - in [0, 1), from `Math.random`.
 */
export function backoffMs(
  failures: number,
  { backoffFirstMs, backoffMaxMs }: BackoffBounds,
  random: number,
): number {
  return random * Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.max(0, failures - 1));
}
