/** The server's rules in memory: one order, each id once, a rejection leaves nothing behind. */

import type { Action, RecordedEvent } from "../../src/event.ts";
import { type Boards, isRefusal, reduceBoards } from "./boards.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class SimulatedServer {
  readonly log: RecordedEvent[] = [];
  boards: Boards = {};
  /** Hears of new events. */
  onRecorded: (events: readonly RecordedEvent[]) => void = () => {};
  /** How often each event was recorded or refused, by id. */
  readonly decisions: Map<string, string[]> = new Map();

  /** Dispatches actions together: all are recorded, or none. */
  dispatch(actions: readonly Action[]): Answer {
    let boards = this.boards;
    const recorded: RecordedEvent[] = [];
    const answered: RecordedEvent[] = [];
    for (const [index, action] of actions.entries()) {
      const known = [...this.log, ...recorded].find(({ id }) => id === action.id);
      if (known !== undefined) {
        answered.push(known);
        continue;
      }
      const next = reduceBoards(boards, action);
      if (isRefusal(next)) {
        if (actions.length === 1) this.#decide(action, "rejected");
        return problem(422, next.code, { event: index });
      }
      boards = next;
      const position = this.log.length + recorded.length + 1;
      const id = action.id ?? `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`;
      const event = { ...action, id, timestamp: "2016-09-20T07:04:21.000Z", position };
      recorded.push(event);
      answered.push(event);
    }
    this.boards = boards;
    this.log.push(...recorded);
    for (const event of recorded) this.#decide(event, "recorded");
    if (recorded.length > 0) this.onRecorded(recorded);
    return { status: 200, body: { position: answered.at(-1)?.position ?? 0, events: answered } };
  }

  /** Answers an HTTP request. */
  handle(url: URL, body: unknown): Answer {
    if (body !== undefined) return this.dispatch(body as readonly Action[]);
    const position = this.log.length;
    if (url.pathname.endsWith("/collections")) {
      const collections = { boards: Object.values(this.boards) };
      return { status: 200, body: { position, eventId: this.log.at(-1)?.id ?? null, collections } };
    }
    const refusal = this.refusal(url);
    if (refusal !== undefined) return problem(409, refusal);
    return { status: 200, body: { position, events: [] } };
  }

  /** Why a place is none of this log. */
  refusal({ searchParams }: URL): string | undefined {
    const after = Number(searchParams.get("after") ?? 0);
    if (after > this.log.length) return "position_ahead";
    const afterId = searchParams.get("afterId");
    const isHere = afterId === null || this.log[after - 1]?.id === afterId;
    return isHere ? undefined : "log_replaced";
  }

  #decide({ id = "" }: Action, decision: string): void {
    this.decisions.set(id, [...(this.decisions.get(id) ?? []), decision]);
  }
}

export function problem(status: number, code: string, more: object = {}): Answer {
  return { status, body: { code, detail: `Sorry: ${code}.`, status, ...more } };
}
