import { ProblemError, UnexpectedAnswerError, UnreachableError } from "@flux-capacitor/client";
import { describe, expect, it } from "vitest";
import { explain } from "../src/failure.ts";

const DETAIL = "field `title` of collection `notes`: U+0000 is no text";

function problem(code: string): ProblemError {
  return new ProblemError({ code, status: 422, detail: DETAIL, field: "title" });
}

describe("what went wrong, in words", () => {
  it.each([
    ["body_too_large", "shorten"],
    ["invalid_value", "change it"],
    ["busy", "too much to do"],
    ["unauthorized", "does not let you"],
    ["unknown_command", "reload"],
    ["of_a_later_version", "try again"],
  ])("says of the code %s what to do", (code, words) => {
    const { message, detail, field } = explain(problem(code));
    expect(message).toContain(words);
    expect(message).not.toContain("`");
    expect(message).not.toContain(code);
    expect(detail).toBe(`${DETAIL} (${code})`);
    expect(field).toBe("title");
  });

  it.each([
    [new UnreachableError("POST /api got no answer"), "does not answer"],
    [new UnexpectedAnswerError("expected the JSON, got <html>", 502), "on the way"],
    ["thrown", "Something went wrong"],
  ])("keeps the details of %o apart", (error, words) => {
    const { message, detail } = explain(error);
    expect(message).toContain(words);
    expect(message).toContain("Nothing is lost");
    expect(detail).toBe(error instanceof Error ? error.message : error);
  });
});
