/** The state in the hands of other libraries: MobX, RxJS, and a store with nothing but `subscribe`. */

import { autorun } from "mobx";
import { legacy_createStore } from "redux";
import { expect, it } from "vitest";
import { createStore } from "zustand/vanilla";
import { type CollectionState, selectAll } from "../src/index.ts";
import { observableCollection } from "../src/mobx.ts";
import { observeCollection, observeConfirmed } from "../src/rxjs.ts";
import { step } from "./simulation/boards.ts";
import { Client, until } from "./simulation/client.ts";
import { Network } from "./simulation/network.ts";
import { SimulatedServer } from "./simulation/server.ts";
import { stateOf } from "./tree.ts";

interface Note {
  readonly id: string;
  readonly title: string;
}

interface State {
  readonly notes: CollectionState<Note>;
  readonly clicks: number;
}

const milk: Note = { id: "a", title: "Milk" };
const bread: Note = { id: "b", title: "Bread" };
const butter: Note = { id: "c", title: "Butter" };

/** A store whose actions are the next documents, and how many subscribe to it. */
function storeOf(documents: readonly Note[]) {
  const first: State = { notes: stateOf(documents), clicks: 0 };
  const reduce = (state: State = first, action: { type: string; notes?: Note[] }): State => {
    if (action.type === "clicked") return { ...state, clicks: state.clicks + 1 };
    return action.notes === undefined ? state : { ...state, notes: stateOf(action.notes) };
  };
  const redux = legacy_createStore(reduce);
  let subscribers = 0;
  return {
    getState: redux.getState,
    subscribe: (listener: () => void) => {
      subscribers += 1;
      const unsubscribe = redux.subscribe(listener);
      return () => {
        subscribers -= 1;
        unsubscribe();
      };
    },
    put: (...notes: Note[]) => redux.dispatch({ type: "put", notes }),
    click: () => redux.dispatch({ type: "clicked" }),
    subscribers: () => subscribers,
  };
}

const notesOf = (state: State) => state.notes;

it("MobX: what reads a collection runs again when that part of it has changed, and only then", () => {
  const store = storeOf([milk]);
  const notes = observableCollection(store, notesOf);
  const seen: unknown[] = [];
  const stop = [
    autorun(() => seen.push(notes.all)),
    autorun(() => seen.push(notes.count)),
    autorun(() => seen.push(notes.get("a")?.title)),
    autorun(() => seen.push(notes.get("b")?.title)),
  ];
  expect(seen.splice(0)).toEqual([[milk], 1, "Milk", undefined]);
  store.click();
  expect(seen).toEqual([]);
  store.put(milk, bread);
  expect(seen.splice(0)).toEqual([[milk, bread], 2, "Bread"]);
  store.put({ ...milk, title: "Oat milk" }, bread);
  expect(seen.splice(0)).toEqual([[{ ...milk, title: "Oat milk" }, bread], "Oat milk"]);
  expect(store.subscribers()).toBe(1);
  for (const end of stop) end();
  expect(store.subscribers()).toBe(0);
});

it("MobX: without an observer a collection is read as it is now, and nothing is kept", () => {
  const store = storeOf([milk]);
  const notes = observableCollection(store, notesOf);
  expect([notes.all, notes.count, notes.get("a")]).toEqual([[milk], 1, milk]);
  store.put(milk, bread);
  expect([notes.all, notes.count, notes.get("b")]).toEqual([[milk, bread], 2, bread]);
  expect(store.subscribers()).toBe(0);
  autorun(() => notes.get("b"))();
  store.put(milk);
  expect(notes.get("b")).toBe(undefined);
});

it("RxJS: the documents of now, then those after each change, until it is unsubscribed", () => {
  const store = storeOf([milk]);
  const seen: unknown[] = [];
  const subscription = observeCollection(store, notesOf).subscribe((notes) => seen.push(notes));
  store.click();
  store.put(milk, bread);
  subscription.unsubscribe();
  store.put(butter);
  expect(seen).toEqual([[milk], [milk, bread]]);
  expect(store.subscribers()).toBe(0);
});

it("RxJS: the confirmed events, until it is unsubscribed", async () => {
  const server = new SimulatedServer();
  const client = new Client(new Network(server), "ann");
  await client.live();
  const seen: unknown[] = [];
  const subscription = observeConfirmed(client.store).subscribe(({ position }) =>
    seen.push(position),
  );
  client.dispatch(step("a"));
  await client.caughtUpWith(1);
  server.dispatch([step("b"), step("c")]);
  await until(() => expect(seen).toEqual([1, 2, 3]));
  subscription.unsubscribe();
  server.dispatch([step("d")]);
  await client.caughtUpWith(4);
  expect(seen).toEqual([1, 2, 3]);
  client.store.sync.close();
});

it("any other store, such as zustand, follows by subscribe", () => {
  const store = storeOf([milk]);
  const notes = createStore(() => ({ notes: selectAll(store.getState().notes) }));
  store.subscribe(() => notes.setState({ notes: selectAll(store.getState().notes) }));
  store.put(milk, butter);
  expect(notes.getState().notes).toEqual([milk, butter]);
});
