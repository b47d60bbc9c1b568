/** `createSelectWhere` with the function that `flux_wasm::query!` exports. */

import { readFileSync } from "node:fs";
import { createSelectWhere } from "@flux-capacitor/client";
import init, { actions, batch, type Product, products, queryProducts } from "products-wasm";
import { beforeAll, expect, it } from "vitest";

const file = new URL("../products/pkg/flux_tests_products_bg.wasm", import.meta.url);
const selectProducts = createSelectWhere(queryProducts);

let askedTooEarly: unknown;

beforeAll(async () => {
  try {
    queryProducts({ version: 1, count: 0, root: [] }, "{}");
  } catch (error) {
    askedTooEarly = error;
  }
  await init({ module_or_path: readFileSync(file) });
});

const product = (id: string, name: string, stock: number): Product => ({
  id,
  name,
  stock,
  stage: "draft",
  available: true,
  price: 1,
  rank: null,
  size: null,
  serial: null,
  madeAt: null,
  picture: null,
  attributes: null,
});
const stateOf = (...all: readonly Product[]) =>
  products(undefined, batch(all.map((it) => actions.productAdded(it))));

it("selects the documents of the state that a filter matches, in the order of the query", () => {
  const state = stateOf(product("a", "Milk", 3), product("b", "Oats", 9), product("c", "Milk", 7));
  const query = { filter: { eq: ["name", "Milk"] }, order: ["-stock"] } as const;
  const found = selectProducts(state, query);
  expect(found.map(({ id }) => id)).toEqual(["c", "a"]);
  expect(Object.isFrozen(found)).toBe(true);
  expect(selectProducts(state, query)).toBe(found);
});

it("gives the same array where a change leaves what it shows alone", () => {
  const state = stateOf(product("a", "Milk", 3), product("b", "Oats", 9));
  const query = { filter: { startsWith: ["name", "M"] }, limit: 5 } as const;
  const found = selectProducts(state, query);
  const next = products(state, actions.stockMoved({ id: "b", by: -2 }));
  expect(next).not.toBe(state);
  expect(selectProducts(next, query)).toBe(found);
  const changed = products(next, actions.productNamed({ id: "b", name: "Muesli" }));
  expect(selectProducts(changed, query).map(({ id }) => id)).toEqual(["a", "b"]);
});

it("looks up in a leaf of any length, such as one that came from elsewhere", () => {
  const count = 150_000;
  const root = Array.from({ length: count }, (_, index) =>
    Object.freeze(product(`p${String(index).padStart(6, "0")}`, "Milk", index)),
  );
  const state = Object.freeze({ version: 1, count, root: Object.freeze(root) });
  const found = selectProducts(state, { filter: { eq: ["name", "Milk"] }, limit: 2 });
  expect(found.map(({ id }) => id)).toEqual(["p000000", "p000001"]);
});

it("refuses a query on a field that there is not", () => {
  const query = { filter: { eq: ["titel", "Milk"] } };
  // @ts-expect-error There is no such field.
  expect(() => selectProducts(stateOf(), query)).toThrow("titel");
});

it("says that it was asked before its WebAssembly was there", () => {
  expect(String(askedTooEarly)).toContain("this query was asked before its WebAssembly was there");
});
