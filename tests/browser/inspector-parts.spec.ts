/** The parts of the inspector that are pure: what differs, and what of the log is kept. */

import { expect, test } from "@playwright/test";
import { fields, marked, parts } from "../../server/inspector/difference.js";
import { Events, KEPT } from "../../server/inspector/events.js";

test("of two texts the words that differ are cut out", () => {
  const cut = (before: string, after: string) => Object.values(parts(before, after));
  expect(cut("two litres", "three litres")).toEqual(["", "two", "three", " litres"]);
  expect(cut("Milk", "Oat milk")).toEqual(["", "Milk", "Oat milk", ""]);
  expect(cut("a, b", "a, b")).toEqual(["a, b", "", "", ""]);
  expect(cut("a a", "a a a")).toEqual(["a a", "", " a", ""]);
  expect(cut("", "naïve 👩‍👩‍👧\n")).toEqual(["", "", "naïve 👩‍👩‍👧\n", ""]);
});

test("of two documents the fields that differ are told, also where one is not there", () => {
  const changes = fields({ id: 1, tags: ["a"], done: null }, { id: 1, tags: ["a"], done: false });
  expect(changes.map(({ isChanged }) => isChanged)).toEqual([false, false, true]);
  expect(fields(null, { id: 1 })).toMatchObject([{ before: undefined, after: 1, isChanged: true }]);
  expect(fields({ id: 1 }, null)).toMatchObject([{ before: 1, after: undefined, isChanged: true }]);
});

/** A page of documents that have nothing but an id, and what an edit made of it. */
function page(ids: string, { isFirst = true, isLast = true, edited = "" } = {}) {
  return { rows: [...ids].map((id) => ({ id, isEdited: id === edited })), isFirst, isLast };
}

/** The ids of the rows, each with the mark that it has. */
function marks(before: ReturnType<typeof page>, after: ReturnType<typeof page>): string {
  const signs = { added: "+", changed: "~", removed: "-" };
  const rows = marked("id", before, after);
  return rows.map(({ row, change }) => `${change ? signs[change] : ""}${row.id}`).join(" ");
}

test("what an event did is marked in the page where it did it", () => {
  expect(marks(page("abc"), page("abc", { edited: "b" }))).toBe("a ~b c");
  expect(marks(page("abc"), page("ac"))).toBe("a -b c");
  expect(marks(page("ac"), page("abc"))).toBe("a +b c");
  expect(marks(page("abc"), page(""))).toBe("-a -b -c");
  expect(marks(page(""), page("ab"))).toBe("+a +b");
  expect(marks(page("abc"), page("d"))).toBe("-a -b -c +d");
});

test("a document that only moved from one page to another is not marked", () => {
  const first = { isLast: false };
  expect(marks(page("abc", first), page("acd", first))).toBe("a -b c d");
  expect(marks(page("acd", first), page("abc", first))).toBe("a +b c");
  const middle = { isFirst: false, isLast: false };
  expect(marks(page("def", middle), page("efg", middle))).toBe("e f g");
  expect(marks(page("efg", middle), page("def", middle))).toBe("d e f");
  expect(marks(page("xyz", { isFirst: false }), page("yz", { isFirst: false }))).toBe("y z");
});

function recorded(first: number, last: number) {
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const position = first + index;
    const type = position % 2 === 0 ? "even" : "odd";
    return { id: `e${position}`, position, type, timestamp: "2016-09-26T20:32:46.588Z" };
  });
}

test("of a log that grows the last events are kept, each once", () => {
  const events = new Events({ type: "", text: "" }, recorded(1, 100).toReversed());
  expect(events.add(recorded(91, 103)).map(({ position }) => position)).toEqual([101, 102, 103]);
  expect(events.hasOlder).toBe(false);
  expect(events.add(recorded(104, 5000))).toHaveLength(KEPT);
  expect(events.list.map(({ position }) => position)).toEqual(
    recorded(5001 - KEPT, 5000)
      .map(({ position }) => position)
      .toReversed(),
  );
  // What has fallen out is there again when it is asked for.
  expect(events.oldest).toBe(5001 - KEPT);
  expect(events.hasOlder).toBe(true);
  events.addOlder(recorded(4601, 5000 - KEPT).toReversed());
  events.add(recorded(5001, 5100));
  expect(events.list).toHaveLength(500);
});

test("only events of the type and with the text are kept", () => {
  const events = new Events({ type: "odd", text: "E1" }, recorded(1, 20).toReversed());
  expect(events.list.map(({ position }) => position)).toEqual([19, 17, 15, 13, 11, 1]);
  expect(events.add(recorded(21, 110)).map(({ position }) => position)).toEqual([
    101, 103, 105, 107, 109,
  ]);
});
