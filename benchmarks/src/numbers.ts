/** What is computed of figures. */

/** The middle of some numbers: what is much too high or too low does not count. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = sorted.length >>> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** The number that is next to this one, from `min` to `max`. */
export function clamp(number: number, min: number, max: number): number {
  return Math.min(Math.max(number, min), max);
}
