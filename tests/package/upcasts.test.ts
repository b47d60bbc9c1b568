/** A package whose events had another name and other shapes before. */

import { readFileSync } from "node:fs";
import { selectAll } from "@flux-capacitor/client";
import init, { actions, onRejected, type PersonEvent, people, type Rejection } from "products-wasm";
import { beforeAll, describe, expect, it } from "vitest";

const file = new URL("../products/pkg/flux_tests_products_bg.wasm", import.meta.url);

describe("before init", () => {
  it("no action is made, for its version is not known", () => {
    expect(() => actions.personRemoved({ id: 1 })).toThrow("call and await init()");
  });
});

describe("after init", () => {
  const rejections: Rejection[] = [];
  beforeAll(async () => {
    await init({ module_or_path: readFileSync(file) });
    onRejected((rejection) => rejections.push(rejection));
  });

  it("an old log ends as the newest shape, whatever the names and versions of its events", () => {
    const log = [
      { type: "personCreated", payload: { id: 1, name: "Ann Lee" } },
      { type: "personAdded", payload: { id: 2, name: "Bo Ek" }, meta: { user: "ann" } },
      { type: "personAdded", payload: { id: 3, names: ["Lee", "Cy"] }, meta: { version: 2 } },
      actions.personAdded({ id: 4, first: "Di", last: "Lee" }),
      actions.personRemoved({ id: 2 }),
    ];
    const state = log.reduce(people, people(undefined, { type: "@@redux/INIT" }));
    expect(rejections).toEqual([]);
    expect(selectAll(state)).toEqual([
      { id: 1, first: "Ann", last: "Lee" },
      { id: 3, first: "Cy", last: "Lee" },
      { id: 4, first: "Di", last: "Lee" },
    ]);
  });

  it("an action says its version, unless it is the first", () => {
    const payload = { id: 1, first: "Ann", last: "Lee" };
    const added: PersonEvent = actions.personAdded(payload);
    expect(added).toEqual({ type: "personAdded", payload, meta: { version: 3 } });
    const removed: PersonEvent = actions.personRemoved({ id: 1 });
    expect(removed).toEqual({ type: "personRemoved", payload: { id: 1 } });
  });

  it("an event of a newer version than the package knows is rejected", () => {
    const payload = { id: 1, first: "Ann", last: "Lee" };
    const empty = people(undefined, { type: "@@redux/INIT" });
    const newer = { type: "personAdded", payload, meta: { version: 4 } };
    expect(people(empty, newer)).toBe(empty);
    expect(rejections.pop()).toMatchObject({ code: "unknown_version", action: newer });
  });
});
