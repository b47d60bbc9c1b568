/** Hears which actions a reducer refuses, where it has a way to tell. */

/** What a reducer tells of an action that it refuses. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

/** Sets the one listener of a reducer; the `onRejected` of a package that `reduxify!` made. */
export type ListenToRefusals = (listener: (refusal: Refusal) => void) => unknown;

/** A result of a reducer, and what it refused meanwhile. */
export interface Observed<Result> {
  readonly result: Result;
  readonly refusal: Refusal | undefined;
}

/** Runs a reducer, and tells whether it refused. */
export type Observe = <Result>(run: () => Result) => Observed<Result>;

/** One run of a reducer. */
interface Run {
  refusal: Refusal | undefined;
}

/** Those that listen already, each to the one listener that its reducer takes. */
const observing = new WeakMap<ListenToRefusals, Observe>();

/**
 * Begins to listen; several stores of one page may have the same reducer. What is refused while
 * nothing is observed goes to the console, as it does without a listener.
 *
 * A reducer calls its listener before it returns, so that a refusal belongs to the run that is under
 * way; it depends on nothing but the state and the action.
 */
export function observeRefusals(listen: ListenToRefusals): Observe {
  const known = observing.get(listen);
  if (known !== undefined) return known;
  let run: Run | undefined;
  listen((refusal) => {
    if (run === undefined) console.warn(refusal.code, refusal.message);
    else run.refusal ??= refusal;
  });
  const observe: Observe = (reduce) => {
    const outer = run;
    const own: Run = { refusal: undefined };
    run = own;
    try {
      const result = reduce();
      return { result, refusal: own.refusal };
    } finally {
      run = outer;
    }
  };
  observing.set(listen, observe);
  return observe;
}

/** Runs a reducer that has no way to tell. */
export const observeNothing: Observe = (reduce) => ({ result: reduce(), refusal: undefined });
