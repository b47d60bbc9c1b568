/** What the bindings need of a store: any Redux store has it. */

/** A store that can be read and followed. */
export interface ReadableStore<State> {
  getState(): State;
  /** Calls back after each change; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}
