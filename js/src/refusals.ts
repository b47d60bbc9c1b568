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

/**
 * Begins to listen. What is refused while nothing is observed goes to `onStray`.
 *
 * A reducer calls its listener before it returns, so that a refusal belongs to the run that is under
 * way; it depends on nothing but the state and the action.
 */
export function observeRefusals(
  listen: ListenToRefusals | undefined,
  onStray: (refusal: Refusal) => void,
): Observe {
  let run: { refusal: Refusal | undefined } | undefined;
  listen?.((refusal) => {
    if (run === undefined) onStray(refusal);
    else run.refusal ??= refusal;
  });
  return (reduce) => {
    const outer = run;
    const own = { refusal: undefined };
    run = own;
    try {
      const result = reduce();
      return { result, refusal: own.refusal };
    } finally {
      run = outer;
    }
  };
}
