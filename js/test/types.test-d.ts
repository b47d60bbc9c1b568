import { legacy_createStore, type Reducer } from "redux";
import { describe, expectTypeOf, it } from "vitest";
import {
  type CollectionState,
  type ConnectionOptions,
  createApi,
  isRecordedEvent,
  type RecordedEvent,
  selectAll,
  selectById,
} from "../src/index.ts";

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
});
