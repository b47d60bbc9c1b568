/** Time that passes when the test says so. */

import type { Timer } from "../src/timer.ts";

export class ManualTimer {
  /** What waits, in the order in which it was asked for. */
  readonly pending: { readonly delayMs: number; readonly callback: () => void }[] = [];

  readonly timer: Timer = (callback, delayMs) => {
    const entry = { callback, delayMs };
    this.pending.push(entry);
    return () => this.#remove(entry);
  };

  /** The delays of all that waits. */
  get delaysMs(): number[] {
    return this.pending.map(({ delayMs }) => delayMs);
  }

  /** Lets what waits for exactly so long happen. */
  fire(delayMs: number): void {
    const entry = this.pending.find((candidate) => candidate.delayMs === delayMs);
    if (entry === undefined) throw new Error(`nothing waits ${delayMs} ms; ${this.delaysMs} do`);
    this.#remove(entry);
    entry.callback();
  }

  #remove(entry: { readonly delayMs: number; readonly callback: () => void }): void {
    const index = this.pending.indexOf(entry);
    if (index !== -1) this.pending.splice(index, 1);
  }
}
