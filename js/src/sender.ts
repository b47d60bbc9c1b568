/** Sends what is queued: in order, one request at a time, each event until it is answered. */

import type { Api, DispatchAnswer } from "./api.ts";
import { type BackoffBounds, backoffMs } from "./backoff.ts";
import { blockageOf, isSameBlockage, needsSignIn } from "./blockage.ts";
import { mayPass } from "./connection.ts";
import { ProblemError, UnexpectedAnswerError, UnreachableError } from "./errors.ts";
import type { Outcome, QueueContents } from "./queue.ts";
import type { Blockage, QueuedEvent, Rejection } from "./sync-state.ts";
import { type Timer, wait } from "./timer.ts";

/** Events in one request: they are recorded together, or one of them is at fault. */
const BATCH_EVENTS_MAX = 64;

/** Characters of JSON in one request; one event that is longer goes alone. */
const BATCH_CHARACTERS_MAX = 256 * 1024;

/** What waits, in order, and what is in its way. */
type Waiting = Pick<QueueContents, "waiting" | "blockage">;

/** What a sender needs. */
export interface SenderOptions extends BackoffBounds {
  readonly api: Api;
  /** Gives what waits to a choice, and its result back. Nothing happens to the queue meanwhile. */
  readonly choose: <Chosen>(choice: (contents: Waiting) => Chosen) => Promise<Chosen>;
  /** Hears of events that are on their way. */
  readonly onSent: (events: readonly QueuedEvent[]) => void;
  readonly settle: (outcomes: readonly Outcome[]) => Promise<void>;
  readonly setBlockage: (blockage: Blockage | null) => Promise<void>;
  /** Hears of answers that waiting alone will not cure. */
  readonly onError: (error: unknown) => void;
  /** How long a request may take. */
  readonly attemptMaxMs: number;
  readonly timer: Timer;
  readonly random: () => number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What to send next, and what is known to be in its way. */
interface Next {
  readonly batch: Batch;
  readonly blockage: Blockage | null;
}

type Batch = readonly [QueuedEvent, ...QueuedEvent[]];

/**
 * Sends until its signal fires. After a failure it tries again with growing, random waits and the
 * same ids, so that what did arrive takes effect once. A rejection concerns one event: the others of
 * its request were not recorded, and go on.
 *
 * An event that fails although the server is there blocks those behind it, for the order is kept. It
 * is looked for by sending it alone, and told as a blockage until it is through, or withdrawn.
 */
export class Sender {
  readonly #options: SenderOptions;
  #failures = 0;
  #isBackingOff = false;
  /** Events in the next request. Fewer, where one of them was rejected. */
  #batchMax = BATCH_EVENTS_MAX;
  /** Ends the present wait, be it for an event or for the next attempt. */
  #wake = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Says that there may be something to send. */
  notify(): void {
    if (!this.#isBackingOff) this.#wake.abort();
  }

  /** Says that the server is there: what waits for another attempt is sent now. */
  retry(): void {
    this.#wake.abort();
  }

  /** @param ended - fires when another page sends instead; what is on its way is still waited for. */
  async run(ended: AbortSignal): Promise<void> {
    const { signal, choose } = this.#options;
    const isOver = () => signal.aborted || ended.aborted;
    while (!isOver()) {
      this.#wake = new AbortController();
      const next = await choose((contents) => (isOver() ? undefined : this.#next(contents)));
      if (isOver()) return;
      if (next === undefined) await aborted([signal, ended, this.#wake.signal]);
      else await this.#send(next);
    }
  }

  #next({ waiting, blockage }: Waiting): Next | undefined {
    const [first, ...rest] = batchOf(waiting, this.#batchMax);
    if (first === undefined || blockage?.isPaused) return undefined;
    const batch: Batch = [first, ...rest];
    this.#options.onSent(batch);
    return { batch, blockage };
  }

  async #send({ batch, blockage }: Next): Promise<void> {
    const { settle, signal } = this.#options;
    try {
      const outcomes = outcomesOf(batch, await this.#request(batch));
      this.#failures = 0;
      this.#batchMax = Math.min(2 * this.#batchMax, BATCH_EVENTS_MAX);
      await settle(outcomes);
    } catch (error) {
      if (signal.aborted) return;
      if (isRejection(error)) {
        this.#failures = 0;
        await this.#reject(batch, error);
        return;
      }
      if (!mayPass(error)) await this.#block(batch, error, blockage);
      if (!needsSignIn(error)) await this.#backOff();
    }
  }

  /** Tells of the event that does not get through; where it is not alone, it is sent alone first. */
  async #block(batch: Batch, error: unknown, before: Blockage | null): Promise<void> {
    const { onError, setBlockage } = this.#options;
    onError(error);
    if (!needsSignIn(error)) this.#batchMax = 1;
    if (!needsSignIn(error) && batch.length > 1) return;
    const blockage = blockageOf(batch[0], error, before);
    if (!isSameBlockage(blockage, before)) await setBlockage(blockage);
  }

  async #request(batch: Batch): Promise<DispatchAnswer> {
    const { api, attemptMaxMs, timer, signal } = this.#options;
    const late = new AbortController();
    const cancel = timer(() => late.abort(tooLate(attemptMaxMs)), attemptMaxMs);
    try {
      return await api.dispatch(batch, { signal: AbortSignal.any([signal, late.signal]) });
    } finally {
      cancel();
    }
  }

  /** The event at fault leaves; where it is not alone, it is found by sending fewer. */
  async #reject(batch: Batch, error: ProblemError): Promise<void> {
    const [first] = batch;
    if (batch.length > 1) {
      const atFault = error.event ?? 0;
      this.#batchMax = atFault > 0 && atFault < batch.length ? atFault : 1;
      return;
    }
    this.#batchMax = BATCH_EVENTS_MAX;
    await this.#options.settle([{ id: first.id, rejection: rejectionOf(first, error) }]);
  }

  async #backOff(): Promise<void> {
    const { timer, random, signal } = this.#options;
    this.#failures += 1;
    this.#wake = new AbortController();
    const delayMs = backoffMs(this.#failures, this.#options, random());
    this.#isBackingOff = true;
    await wait(timer, delayMs, AbortSignal.any([signal, this.#wake.signal]));
    this.#isBackingOff = false;
  }
}

/** The first events of what waits, as many as go into one request. */
function batchOf(waiting: readonly QueuedEvent[], eventsMax: number): readonly QueuedEvent[] {
  let characters = 0;
  const end = waiting.slice(0, eventsMax).findIndex((event) => {
    characters += JSON.stringify(event).length;
    return characters > BATCH_CHARACTERS_MAX;
  });
  return waiting.slice(0, end === -1 ? eventsMax : Math.max(1, end));
}

function outcomesOf(batch: readonly QueuedEvent[], answer: DispatchAnswer): readonly Outcome[] {
  const positions = new Map(answer.events.map(({ id, position }) => [id, position]));
  return batch.map(({ id, type }) => {
    const acceptedAt = positions.get(id);
    if (acceptedAt !== undefined) return { id, acceptedAt };
    throw new UnexpectedAnswerError(
      `the server answered a dispatch without the event "${type}" with the id ${id} that was sent; it is sent again. Is something else than a Flux Capacitor server answering there, or does a middleware of it take events away?`,
      200,
    );
  });
}

/** The statuses with which the server refuses an event for good. */
const REJECTED: readonly number[] = [400, 403, 409, 413, 422];

/** The codes among them that say nothing of the event: this page may not talk to the server. */
const OF_THE_PAGE: readonly string[] = ["host_forbidden", "origin_forbidden"];

function isRejection(error: unknown): error is ProblemError {
  if (!(error instanceof ProblemError) || OF_THE_PAGE.includes(error.code)) return false;
  return REJECTED.includes(error.status);
}

function rejectionOf({ id, type }: QueuedEvent, { code, detail, field }: ProblemError): Rejection {
  return { id, type, code, detail, ...(field !== undefined && { field }), by: "server" };
}

function tooLate(attemptMaxMs: number): UnreachableError {
  return new UnreachableError(
    `the server did not answer within ${attemptMaxMs} ms; the events are sent again with the same ids.`,
  );
}

/** Resolves once one of the signals has fired. */
function aborted(signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener("abort", () => resolve(), { once: true });
  });
}
