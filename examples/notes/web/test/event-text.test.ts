import type { RecordedEvent } from "@flux-capacitor/client";
import { describe, expect, it } from "vitest";
import { whatWasDone, whoDid } from "../src/event-text.ts";

function event(type: string, payload: unknown, user?: unknown): RecordedEvent {
  const timestamp = "2016-09-20T07:04:21.000Z";
  return { id: "event", timestamp, type, payload, position: 1, meta: { user } };
}

const titleOf = (id: string) => (id === "a" ? "Milk" : undefined);

describe("an event in words", () => {
  it.each([
    ["noteAdded", { id: "a", title: "Milk" }, "added “Milk”"],
    ["noteAdded", { id: "a", title: " " }, "added “Untitled”"],
    ["noteTitleEdited", { id: "a", title: "Oat milk" }, "renamed a note to “Oat milk”"],
    ["noteContentEdited", { id: "a", text: "2 l" }, "edited the text of “Milk”"],
    ["noteContentEdited", { id: "gone", text: "2 l" }, "edited the text of a note"],
    ["noteRemoved", { id: "a" }, "removed a note"],
    ["ofLaterVersion", undefined, "caused ofLaterVersion"],
  ])("%s %o", (type, payload, words) => {
    expect(whatWasDone(event(type, payload), titleOf)).toBe(words);
  });

  it("tells a restored note from a new one", () => {
    const restored = {
      ...event("noteAdded", { id: "a", title: "Milk" }),
      meta: { restored: true },
    };
    expect(whatWasDone(restored, titleOf)).toBe("restored “Milk”");
  });

  it("names who did it, if it is known", () => {
    expect(whoDid(event("noteAdded", {}, "Ann"))).toBe("Ann");
    expect(whoDid(event("noteAdded", {}, 7))).toBe("Someone");
    expect(whoDid({ ...event("noteAdded", {}), meta: {} })).toBe("Someone");
  });
});
