import type { Rejection } from "@flux-capacitor/client";
import { describe, expect, it } from "vitest";
import { explain } from "../src/failure.ts";

const detail = "field `title` of collection `notes`: U+0000 is no text";

function rejection(code: string): Rejection {
  return { id: "event", type: "noteAdded", code, detail, field: "title", by: "server" };
}

describe("why an event was rejected, in words", () => {
  it.each([
    ["body_too_large", "shorten"],
    ["invalid_value", "change it"],
    ["forbidden", "does not let you"],
    ["password_found", "leave passwords out"],
    ["of_a_later_version", "could not do this"],
  ])("says of the code %s what to do", (code, words) => {
    const failure = explain(rejection(code));
    expect(failure.message).toContain(words);
    expect(failure.message).not.toContain("`");
    expect(failure.message).not.toContain(code);
    expect(failure.detail).toBe(`${detail} (${code})`);
    expect(failure.field).toBe("title");
  });
});
