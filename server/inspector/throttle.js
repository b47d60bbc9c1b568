// @ts-check
/** Does things less often than they are asked for. */

/**
 * Returns a function that runs the given one a while after it is called, once for all calls until
 * then.
 *
 * @param {number} milliseconds
 * @param {() => void} run
 */
export function atMostEvery(milliseconds, run) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      run();
    }, milliseconds);
  };
}

/**
 * Returns a function that runs the given one once it was not called for a while.
 *
 * @param {number} milliseconds
 * @param {() => void} run
 */
export function afterRest(milliseconds, run) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}

/**
 * Returns a function that makes each call end the one before: it gives the signal for that. Of one that
 * was ended no failure is told.
 *
 * @template {unknown[]} Given
 * @param {(signal: AbortSignal, ...given: Given) => Promise<void>} run
 * @param {(error: unknown) => void} failed
 */
export function onlyTheLast(run, failed) {
  let current = new AbortController();
  return (/** @type {Given} */ ...given) => {
    current.abort();
    current = new AbortController();
    const { signal } = current;
    run(signal, ...given).catch((error) => {
      if (!signal.aborted) failed(error);
    });
  };
}
