import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Branch,
  type CollectionState,
  compareIds,
  selectAll,
  selectById,
  selectCount,
} from "../src/index.ts";
import { stateOf } from "./tree.ts";

/** Texts that are likely to hold surrogates, and units on both sides of them. */
const character = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "\u0000",
    "\uD7FF",
    "\uE000",
    "\uFF5E",
    "\uFFFF",
    "\u{10000}",
    "\u{10FFFF}",
    "😀",
  ),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const textId = fc.string({ unit: character, maxLength: 6 });
const numberId = fc.maxSafeInteger();

function codePoints(text: string): number[] {
  return Array.from(text, (point) => point.codePointAt(0) ?? 0);
}

/** The order as it is defined, written without regard to speed. */
function compareByCodePoints(left: string, right: string): number {
  const [lefts, rights] = [codePoints(left), codePoints(right)];
  const at = lefts.findIndex((point, index) => point !== rights[index]);
  return at === -1 ? lefts.length - rights.length : (lefts[at] ?? 0) - (rights[at] ?? -1);
}

describe("compareIds", () => {
  it("orders texts by code point", () => {
    fc.assert(
      fc.property(textId, textId, (left, right) => {
        expect(Math.sign(compareIds(left, right))).toBe(
          Math.sign(compareByCodePoints(left, right)),
        );
      }),
    );
  });

  it("puts what lies beyond U+FFFF last, where JavaScript's own order does not", () => {
    expect(["😀", "\uFF5E"].sort()).toEqual(["😀", "\uFF5E"]);
    expect(["😀", "\uFF5E"].sort(compareIds)).toEqual(["\uFF5E", "😀"]);
  });

  it("orders numbers by value", () => {
    expect([10, 9, -1].sort(compareIds)).toEqual([-1, 9, 10]);
  });
});

describe.each([
  ["texts", fc.uniqueArray(textId, { maxLength: 60 })],
  ["numbers", fc.uniqueArray(numberId, { maxLength: 60 })],
] as const)("selectors over ids that are %s", (_, idsArbitrary) => {
  const ids = idsArbitrary as fc.Arbitrary<(string | number)[]>;

  it("agree with a sorted array", () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 2, max: 9 }), (someIds, width) => {
        const documents = someIds.map((id) => ({ id }));
        const state = stateOf(documents, width);
        const sorted = [...documents].sort((left, right) => compareIds(left.id, right.id));
        expect(selectAll(state)).toEqual(sorted);
        expect(selectCount(state)).toBe(documents.length);
        for (const document of documents) expect(selectById(state, document.id)).toBe(document);
      }),
    );
  });

  it("find nothing under an id that is not there", () => {
    fc.assert(
      fc.property(ids, fc.nat(), (someIds, pick) => {
        const absent = someIds[pick % Math.max(1, someIds.length)] ?? "absent";
        const documents = someIds.filter((id) => id !== absent).map((id) => ({ id }));
        expect(selectById(stateOf(documents), absent)).toBeUndefined();
      }),
    );
  });
});

describe("selectAll", () => {
  it("gives the same frozen array for the same state", () => {
    const state = stateOf([{ id: "b" }, { id: "a" }]);
    expect(selectAll(state)).toBe(selectAll(state));
    expect(Object.isFrozen(selectAll(state))).toBe(true);
  });

  it("reads a state that shares branches with one that was read before", () => {
    const documents = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => ({ id }));
    const before = stateOf(documents, 2);
    expect(selectAll(before)).toEqual(documents);
    const { keys, children } = before.root as Branch<{ id: number }>;
    const [first, last] = [children.slice(0, -1), children.at(-1) as Branch<{ id: number }>];
    const changed = { id: 8, title: "new" };
    const leaf = [...(last.children.at(-1) as { id: number }[]).slice(0, -1), changed];
    const branch = { keys: last.keys, children: [...last.children.slice(0, -1), leaf] };
    const after = { ...before, root: { keys, children: [...first, branch] } };
    expect(selectAll(after)).toEqual([...documents.slice(0, -1), changed]);
    expect(selectAll(before)).toEqual(documents);
  });

  it("reads versions that share the keys of their root, in any order", () => {
    const change = fc.record({
      of: fc.nat(),
      leaf: fc.nat(3),
      length: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.array(fc.nat()), (changes, reads) => {
        const keys = [10, 20, 30];
        const leafOf = (leaf: number, length: number) =>
          Array.from({ length }, (_, index) => ({ id: 10 * leaf + index }));
        const versions = [keys.concat(0).map((_, leaf) => leafOf(leaf, 2))];
        for (const { of, leaf, length } of changes) {
          const earlier = versions[of % versions.length] ?? [];
          versions.push(earlier.map((it, index) => (index === leaf ? leafOf(leaf, length) : it)));
        }
        for (const read of reads) {
          const children = versions[read % versions.length] ?? [];
          const documents = children.flat();
          const all = selectAll({ version: 1, count: documents.length, root: { keys, children } });
          expect(all.every((document, index) => document === documents[index])).toBe(true);
          expect(all).toHaveLength(documents.length);
        }
      }),
    );
  });

  it("keeps the documents' identity", () => {
    const document = { id: 1 };
    expect(selectAll(stateOf([document]))[0]).toBe(document);
  });
});

describe("a state that is none", () => {
  const cases: [string, unknown, string][] = [
    ["undefined", undefined, "got undefined; is the reducer"],
    ["null", null, "got null"],
    ["the whole state", { notes: stateOf([]) }, "pass the collection's part of the state"],
    [
      "a later version",
      { ...stateOf([]), version: 2 },
      "got version 2, this client reads version 1",
    ],
    ["no count", { version: 1, root: [] }, "count is undefined, not a number"],
    ["no root", { version: 1, count: 0 }, "a node is neither an array of documents nor"],
    [
      "keys that do not fit",
      { version: 1, count: 0, root: { keys: ["a"], children: [[]] } },
      "a node is neither",
    ],
  ];

  it.each(cases)("is refused with a reason: %s", (_, state, reason) => {
    const notOne = state as CollectionState<{ id: string }>;
    expect(() => selectAll(notOne)).toThrow(reason);
    expect(() => selectById(notOne, "a")).toThrow(reason);
    expect(() => selectCount(notOne)).toThrow(reason);
  });

  it("is found out where the count and the tree differ", () => {
    expect(() => selectAll({ version: 1, count: 2, root: [{ id: 1 }] })).toThrow(
      "count says 2 documents, the tree holds 1",
    );
  });
});
