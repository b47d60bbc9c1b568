/** The types of Redux 5 that an enhancer names, written again so that this package needs no Redux. */

declare global {
  interface SymbolConstructor {
    readonly observable: symbol;
  }
}

/** A Redux action, whatever else it has. */
interface AnyAction {
  type: string;
}

/** A Redux reducer. */
export type Reducer<State = unknown, ReducedAction = AnyAction, Preloaded = State> = (
  state: State | Preloaded | undefined,
  action: ReducedAction,
) => State;

interface Observable<Value> {
  subscribe(observer: { next?(value: Value): void }): { unsubscribe: () => void };
  [Symbol.observable](): Observable<Value>;
}

/** A Redux store. */
export interface Store<State = unknown, ReducedAction = AnyAction, StateExtension = unknown> {
  dispatch<Dispatched extends ReducedAction>(action: Dispatched): Dispatched;
  getState(): State & StateExtension;
  subscribe(listener: () => void): () => void;
  replaceReducer(next: Reducer<State, ReducedAction>): void;
  [Symbol.observable](): Observable<State & StateExtension>;
}

/** Creates stores, as Redux's `createStore` does within an enhancer. */
export type CreateStore<Extension, StateExtension> = <
  State,
  ReducedAction extends AnyAction,
  Preloaded,
>(
  reducer: Reducer<State, ReducedAction, Preloaded>,
  preloaded?: Preloaded | undefined,
) => Store<State, ReducedAction, StateExtension> & Extension;

/** A Redux store enhancer, which adds to the store and to its state. */
export type StoreEnhancer<Extension, StateExtension> = <
  NextExtension extends object,
  NextStateExtension extends object,
>(
  next: CreateStore<NextExtension, NextStateExtension>,
) => CreateStore<NextExtension & Extension, NextStateExtension & StateExtension>;
