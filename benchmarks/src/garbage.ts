/** What `--expose-gc` gives. Without it there is nothing to call, and the figures are noisier. */

/** Collects what is young: no candidate pays for what another has left. */
export function collectYoung(): void {
  globalThis.gc?.({ type: "minor" });
}

/** Collects all garbage: what is known by weak references alone goes in a second round. */
export function collectAll(): void {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
}
