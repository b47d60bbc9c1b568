import { configureStore } from "@reduxjs/toolkit";
import { legacy_createStore, type Reducer } from "redux";
import type { Observable } from "rxjs";
import { describe, expectTypeOf, it } from "vitest";
import { devToolsOptions } from "../src/devtools.ts";
import {
  type Accepted,
  type CollectionState,
  type ConnectionOptions,
  type ConnectionStatus,
  createApi,
  createSelectWhere,
  createSync,
  type EventStatus,
  isRecordedEvent,
  type RecordedEvent,
  resultOf,
  type Sync,
  type SyncState,
  selectAll,
  selectById,
  type Withdrawal,
} from "../src/index.ts";
import { observableCollection } from "../src/mobx.ts";
import { useDispatchResult, useEventStatus, useSync } from "../src/react.ts";
import { observeCollection, observeConfirmed } from "../src/rxjs.ts";

interface Note {
  readonly id: string;
  readonly title: string;
}
declare const state: CollectionState<Note>;

describe("types", () => {
  it("selectors know the documents", () => {
    expectTypeOf(selectAll(state)).toEqualTypeOf<readonly Note[]>();
    expectTypeOf(selectById(state, "a")).toEqualTypeOf<Note | undefined>();
    // @ts-expect-error a document is found by its id, not by itself
    selectById(state, { id: "a" });
  });

  it("a query knows the fields and their values", () => {
    const select = createSelectWhere<Note>(() => "[]");
    const filter = {
      and: [{ eq: ["title", "Milk"] }, { not: { startsWith: ["id", "a"] } }],
    } as const;
    const found = select(state, { filter, order: ["-title", "id"], limit: 7 });
    expectTypeOf(found).toEqualTypeOf<readonly Note[]>();
    // @ts-expect-error a field that is not there
    select(state, { filter: { eq: ["titel", "Milk"] } });
    // @ts-expect-error a title is a text
    select(state, { filter: { eq: ["title", 7] } });
    // @ts-expect-error a field that is not there
    select(state, { order: ["-titel"] });
  });

  it("a state is read-only", () => {
    // @ts-expect-error only the reducer makes a state
    state.count = 3;
  });

  it("loading collections gives the documents of each", async () => {
    const api = createApi({ url: "/api" });
    const { collections } = await api.loadCollections<{ notes: Note }>(["notes"]);
    expectTypeOf(collections).toEqualTypeOf<{ readonly notes: readonly Note[] }>();
    // @ts-expect-error the name of a collection that is not there
    await api.loadCollections<{ notes: Note }>(["tags"]);
  });

  it("an action needs a type", async () => {
    // @ts-expect-error no type
    await createApi({ url: "/api" }).dispatch({ payload: {} });
  });

  it("a Redux store's dispatch fits a connection", () => {
    const reducer: Reducer<CollectionState<Note>> = () => state;
    const store = legacy_createStore(reducer);
    expectTypeOf(store.dispatch).toExtend<ConnectionOptions["dispatch"]>();
  });

  it("isRecordedEvent narrows", () => {
    const value: unknown = undefined;
    if (isRecordedEvent(value)) expectTypeOf(value).toEqualTypeOf<RecordedEvent>();
  });

  it("the enhancer adds to a store of Redux Toolkit, and to its state", () => {
    const notes: Reducer<CollectionState<Note>> = () => state;
    const sync = createSync({ url: "/api", collections: ["notes"], events: ["noteAdded"] });
    const store = configureStore({
      reducer: { notes },
      enhancers: (defaults) => defaults().concat(sync),
    });
    expectTypeOf(store.getState().sync).toEqualTypeOf<SyncState>();
    expectTypeOf(store.getState().notes).toEqualTypeOf<CollectionState<Note>>();
    expectTypeOf(store.sync).toEqualTypeOf<Sync>();
    expectTypeOf(store.sync.withdraw("a")).toEqualTypeOf<Promise<Withdrawal | null>>();
  });

  it("knows the events of the union that it is given", () => {
    type NoteEvent =
      | { readonly type: "noteAdded"; readonly payload: Note }
      | { readonly type: "noteRemoved"; readonly payload: { readonly id: string } };
    const options = { url: "/api", collections: ["notes"] };
    createSync<NoteEvent>({
      ...options,
      events: ["noteAdded", "noteRemoved"],
      onConfirmed: (event) => {
        if (event.type === "noteAdded") expectTypeOf(event.payload.title).toEqualTypeOf<string>();
        expectTypeOf(event.position).toEqualTypeOf<number>();
      },
      onRejected: (_, { payload }) => expectTypeOf(payload.id).toEqualTypeOf<string>(),
    });
    // @ts-expect-error an event that is not of the union
    createSync<NoteEvent>({ ...options, events: ["noteAded"] });
    const notes: Reducer<CollectionState<Note>> = () => state;
    const store = configureStore({
      reducer: { notes },
      enhancers: (defaults) =>
        defaults().concat(createSync<NoteEvent>({ ...options, events: ["noteAdded"] })),
    });
    expectTypeOf(store.getState().sync).toEqualTypeOf<SyncState<NoteEvent>>();
    const [pending] = store.getState().sync.pending;
    if (pending?.type === "noteAdded") expectTypeOf(pending.payload).toEqualTypeOf<Note>();
  });

  it("the bindings take a store of Redux Toolkit", () => {
    type NoteEvent = { readonly type: "noteAdded"; readonly payload: Note };
    const notes: Reducer<CollectionState<Note>> = () => state;
    const sync = createSync<NoteEvent>({ url: "/api", collections: ["notes"], events: [] });
    const store = configureStore({
      reducer: { notes },
      enhancers: (defaults) => defaults().concat(sync),
    });
    expectTypeOf(useSync(store, (it) => it.connection)).toEqualTypeOf<ConnectionStatus>();
    expectTypeOf(useEventStatus(store, "a")).toEqualTypeOf<EventStatus>();
    const [dispatch] = useDispatchResult<NoteEvent>(store);
    // @ts-expect-error a title is missing
    dispatch({ type: "noteAdded", payload: { id: "a" } });
    const observable = observableCollection(store, (it) => it.notes);
    expectTypeOf(observable.get("a")).toEqualTypeOf<Note | undefined>();
    const observed = observeCollection(store, (it) => it.notes);
    expectTypeOf(observed).toEqualTypeOf<Observable<readonly Note[]>>();
    expectTypeOf(observeConfirmed(store)).toEqualTypeOf<Observable<RecordedEvent & NoteEvent>>();
    configureStore({ reducer: { notes }, devTools: devToolsOptions });
  });

  it("the result of a dispatch has two promises, once it is asked for", () => {
    const event = { type: "noteAdded", payload: { title: "Milk" } } as const;
    const result = resultOf(event);
    expectTypeOf(result.accepted).toEqualTypeOf<Promise<Accepted>>();
    expectTypeOf(result.payload.title).toEqualTypeOf<"Milk">();
    // @ts-expect-error Redux's own type says nothing of promises
    event.accepted;
  });
});
