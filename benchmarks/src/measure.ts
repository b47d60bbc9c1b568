/** Times all candidates in turns, so that each figure has seen the same noise. */

import { assertNothingRejected } from "./candidates/reduxify.ts";
import { type Contestant, contestantsOf } from "./contestants.ts";
import { collectAll, collectYoung } from "./garbage.ts";
import { clamp, median } from "./numbers.ts";
import { OPERATIONS, type Operation } from "./operations.ts";

/** What is measured, in each runtime. */
export interface Scope {
  /** How many documents there are: one row each. */
  readonly documents: readonly number[];
  /** About how long it takes. Slow candidates with many documents may make it longer. */
  readonly seconds: number;
}

/** The median of the samples of one candidate. */
export interface Figure {
  readonly operation: string;
  readonly size: number;
  readonly candidate: string;
  readonly microseconds: number;
}

/** Samples of each candidate; the slowest have fewer, but at least `SAMPLES_MIN`. */
const SAMPLES = 15;
const SAMPLES_MIN = 3;

/** The part of a candidate's time before it counts, in which its code is compiled. */
const WARM_UP = 0.25;

/** One candidate at one operation. */
class Turns {
  readonly contestant: Contestant;
  readonly #operation: Operation;
  /** How many actions are in one run. */
  readonly #length: number;
  /** How many runs are in one sample. */
  readonly #runs: number;
  readonly #perAction: number[] = [];
  #offset = 0;
  #spentMs = 0;

  /** Warms up, and chooses how much one sample is. */
  constructor(operation: Operation, contestant: Contestant, budgetMs: number) {
    this.contestant = contestant;
    this.#operation = operation;
    const sampleMs = (budgetMs * (1 - WARM_UP)) / SAMPLES;
    const actionMs = this.#time(1, 1);
    this.#length = clamp(Math.floor(sampleMs / actionMs), 1, operation.length);
    let runMs = actionMs * this.#length;
    for (let spentMs = actionMs, runs = 1; spentMs < budgetMs * WARM_UP; runs *= 2) {
      const elapsedMs = this.#time(this.#length, runs);
      runMs = elapsedMs / runs;
      spentMs += elapsedMs;
    }
    this.#runs = clamp(Math.floor(sampleMs / runMs), 1, Number.MAX_SAFE_INTEGER);
  }

  /** Takes one sample, unless its time is over. */
  take(budgetMs: number): void {
    if (this.#spentMs >= budgetMs * (1 - WARM_UP) && this.#perAction.length >= SAMPLES_MIN) return;
    collectYoung();
    const elapsedMs = this.#time(this.#length, this.#runs);
    this.#spentMs += elapsedMs;
    this.#perAction.push(elapsedMs / (this.#length * this.#runs));
  }

  get microseconds(): number {
    return median(this.#perAction) * this.#operation.lengthOfFigure * 1_000;
  }

  #time(length: number, runs: number): number {
    const operation = this.#operation;
    const start = performance.now();
    for (let run = 0; run < runs; run += 1) {
      latest = operation.run(this.contestant, this.#offset, length);
      this.#offset += length;
    }
    // Not 0, by which we divide: browsers' clocks are coarse.
    return Math.max(performance.now() - start, 0.001);
  }
}

/** What was made last, so that no compiler finds that nobody needs it. */
export let latest: unknown;

/**
 * Measures all operations with all sizes.
 *
 * @throws Error if the candidates do not agree, or if one refuses an action.
 */
export async function measure(
  { documents, seconds }: Scope,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const size of documents) {
    const contestants = contestantsOf(size);
    const cells = documents.length * OPERATIONS.length * contestants.length;
    for (const operation of OPERATIONS) {
      progress(`${size.toLocaleString("en")} documents: ${operation.name}`);
      figures.push(...measured(operation, size, contestants, (seconds * 1_000) / cells));
      // A page that never pauses is taken for dead.
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertNothingRejected();
  }
  return figures;
}

function measured(
  operation: Operation,
  size: number,
  contestants: readonly Contestant[],
  budgetMs: number,
): readonly Figure[] {
  collectAll();
  const turns = contestants.map((contestant) => new Turns(operation, contestant, budgetMs));
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    // Another one begins each time.
    for (let index = 0; index < turns.length; index += 1) {
      turns[(sample + index) % turns.length]?.take(budgetMs);
    }
  }
  latest = undefined;
  return turns.map(({ contestant, microseconds }) => ({
    operation: operation.name,
    size,
    candidate: contestant.candidate.name,
    microseconds,
  }));
}
