/** How much memory an old version of the state takes, when many are kept. */

import type { Contestant } from "./contestants.ts";
import { contestantsOf } from "./contestants.ts";
import { collectAll } from "./garbage.ts";
import type { NoteEvent } from "./notes.ts";
import { median } from "./numbers.ts";

export interface Kept {
  readonly size: number;
  readonly candidate: string;
  readonly bytesPerVersion: number;
}

const VERSIONS = 1_000;

/** Where a version takes much, ten tell as much as a thousand, which would not fit into memory. */
const VERSIONS_OF_LARGE = 10;
const LARGE_BYTES = 100 * 1024;

/** What else comes and goes in the heap is more than some candidates take. */
const ROUNDS = 5;

/** Measures an update a version, with all sizes. Node.js must run with `--expose-gc`. */
export function measureMemory(sizes: readonly number[]): readonly Kept[] {
  return sizes.flatMap((size) =>
    contestantsOf(size).map((contestant) => ({
      size,
      candidate: contestant.candidate.name,
      bytesPerVersion: bytesPerVersion(contestant),
    })),
  );
}

function bytesPerVersion(contestant: Contestant): number {
  const first = bytesOf(contestant, VERSIONS_OF_LARGE) / VERSIONS_OF_LARGE;
  if (first > LARGE_BYTES) return first;
  const rounds = Array.from({ length: ROUNDS }, () => bytesOf(contestant, VERSIONS) / VERSIONS);
  return median(rounds);
}

function bytesOf({ candidate, state, workload }: Contestant, count: number): number {
  const versions: unknown[] = new Array(count).fill(undefined);
  const before = used();
  let version = state;
  for (let index = 0; index < count; index += 1) {
    version = candidate.reduce(version, workload.updates[index] as NoteEvent);
    versions[index] = version;
  }
  const grown = used() - before;
  // Read after the measurement: until here all of them are needed.
  if (versions.at(-1) !== version) throw new Error("a version is missing");
  return grown;
}

/** WebAssembly's memory is `external`. */
function used(): number {
  collectAll(2);
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
