/** One HTTP request: sends JSON, gives back JSON, and turns every failure into a typed error. */

import { ProblemError, UnexpectedAnswerError, UnreachableError } from "./errors.ts";

/** The part of an answer's text that an error message quotes. */
const EXCERPT_LENGTH_MAX = 120;

/** What to ask: a `body` makes it a POST. */
export interface Request {
  readonly url: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends the request and gives the answer to `read`, which returns what it holds, or `undefined` if
 * it is not what was asked for.
 *
 * @throws ProblemError if the server says no, UnexpectedAnswerError if the answer is no JSON or of
 * another shape, UnreachableError if there is none; the signal's reason if it is aborted.
 */
export async function request<Answer>(
  fetch: typeof globalThis.fetch,
  { url, body, signal }: Request,
  read: (answer: Readonly<Record<string, unknown>>) => Answer | undefined,
): Promise<Answer> {
  const what = `${body === undefined ? "GET" : "POST"} ${url}`;
  const init: RequestInit = { headers: { accept: "application/json" }, signal: signal ?? null };
  if (body !== undefined) {
    init.method = "POST";
    init.headers = { accept: "application/json", "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const { status, ok, text } = await fetch(url, init)
    .then(async (response) => ({
      status: response.status,
      ok: response.ok,
      text: await response.text(),
    }))
    .catch((cause: unknown) => {
      if (signal?.aborted) throw signal.reason;
      throw new UnreachableError(
        `${what} got no answer: ${String(cause)}. Is the server running, and is this its URL?`,
        { cause },
      );
    });
  const json = parseObject(text);
  if (ok) {
    const answer = json && read(json);
    if (answer !== undefined) return answer;
  } else if (json !== undefined && typeof json.code === "string") {
    throw problem(json, json.code, status);
  }
  throw new UnexpectedAnswerError(
    `${what} expected the JSON of a Flux Capacitor server, got status ${status} and ${excerpt(text)}. Does the URL of the API point to the server, and does a proxy in between let it through?`,
    status,
  );
}

/** Reads a JSON object; `undefined` if the text is anything else. */
function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function problem(
  json: Readonly<Record<string, unknown>>,
  code: string,
  status: number,
): ProblemError {
  const { detail, title, field, event } = json;
  return new ProblemError({
    code,
    status,
    detail: [detail, title, code].find((text) => typeof text === "string") as string,
    ...(typeof field === "string" && { field }),
    ...(typeof event === "number" && { event }),
  });
}

function excerpt(text: string): string {
  if (text === "") return "an empty body";
  const short = text.length > EXCERPT_LENGTH_MAX ? `${text.slice(0, EXCERPT_LENGTH_MAX)}…` : text;
  return JSON.stringify(short);
}
