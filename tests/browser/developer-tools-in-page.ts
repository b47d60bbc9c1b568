/** Runs in the page: the store of Redux DevTools, where its extension would put it. */

import { ActionCreators, instrument } from "@redux-devtools/instrument";
import { compose, type StoreEnhancer } from "redux";

/** What the tests do with it. */
export interface DeveloperTools {
  /** How many actions there were. */
  readonly length: () => number;
  /** Shows the state after so many actions. */
  readonly jumpTo: (length: number) => void;
  /** Takes the history as JSON, and lets the reducers run again; tells whether all states are the same. */
  readonly runAgainFromJson: () => boolean;
}

declare global {
  interface Window {
    developerTools: DeveloperTools;
  }
}

const lift: StoreEnhancer = (next) => (reducer, preloaded) => {
  const store = instrument()(next as never)(reducer as never, preloaded as never);
  window.developerTools = {
    length: () => store.liftedStore.getState().stagedActionIds.length,
    jumpTo: (length) => store.liftedStore.dispatch(ActionCreators.jumpToState(length - 1)),
    runAgainFromJson: () => {
      const { computedStates, ...history } = store.liftedStore.getState();
      const imported = JSON.parse(JSON.stringify({ ...history, computedStates: [] }));
      store.liftedStore.dispatch(ActionCreators.importState(imported));
      const again = store.liftedStore.getState().computedStates;
      return JSON.stringify(again) === JSON.stringify(computedStates);
    },
  };
  return store as never;
};

// Redux Toolkit asks for it with options, and then passes the enhancers.
Object.assign(window, {
  __REDUX_DEVTOOLS_EXTENSION_COMPOSE__:
    () =>
    (...enhancers: StoreEnhancer[]) =>
      compose(...enhancers, lift),
});
