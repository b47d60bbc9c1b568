/** What `--expose-gc` gives. Without it there is nothing to call, and the figures are noisier. */

/** Collects what is young: no candidate pays for what another has left. */
export function collectYoung(): void {
  globalThis.gc?.({ type: "minor" });
}

/** Collects all garbage. What weak references held goes in a second round. */
export function collectAll(rounds = 1): void {
  for (let round = 0; round < rounds; round += 1) globalThis.gc?.();
}
