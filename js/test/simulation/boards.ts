/** What the simulated applications are about: boards with steps, in an order that matters. */

import type { Action, RecordedEvent } from "../../src/event.ts";
import { isLoadedAction } from "../../src/event.ts";
import type { Refusal } from "../../src/refusals.ts";

/** A document. Its steps tell which events it has seen, in which order, and how often. */
export interface Board {
  readonly id: string;
  readonly steps: readonly string[];
}

export type Boards = Readonly<Record<string, Board>>;

export type BoardEvent =
  /** Refused where the board has so many steps: whether it is depends on the order. */
  | {
      readonly type: "stepAdded";
      readonly payload: { readonly board: string; readonly step: string; readonly limit?: number };
    }
  | { readonly type: "boardCleared"; readonly payload: { readonly board: string } };

/** The one rule, which server and clients share. */
export function reduceBoards(boards: Boards, event: Action): Boards | Refusal {
  const { type, payload } = event as BoardEvent;
  if (type === "stepAdded") {
    const { board: id, step, limit = Number.POSITIVE_INFINITY } = payload;
    const { steps } = boards[id] ?? { steps: [] };
    if (steps.length >= limit)
      return { code: "board_full", message: `${id} is full`, field: "board" };
    return { ...boards, [id]: { id, steps: [...steps, step] } };
  }
  if (type === "boardCleared")
    return { ...boards, [payload.board]: { id: payload.board, steps: [] } };
  return boards;
}

export function isRefusal(value: Boards | Refusal): value is Refusal {
  return typeof value.code === "string";
}

/** The rule as a Redux reducer, and the listener of its refusals, as `reduxify!` makes them. */
export function boardsReducer(): {
  readonly boards: (state: Boards | undefined, action: { type: string }) => Boards;
  readonly onRejected: (listener: (refusal: Refusal) => void) => void;
} {
  let tell: (refusal: Refusal) => void = () => {};
  return {
    boards: (state = {}, action) => {
      if (isLoadedAction(action)) {
        const documents = action.payload.documents as readonly Board[];
        if (!documents.every(isBoard)) {
          tell({ code: "invalid_document", message: "it is no board" });
          return state;
        }
        return Object.fromEntries(documents.map((board) => [board.id, board]));
      }
      const next = reduceBoards(state, action as Action);
      if (!isRefusal(next)) return next;
      tell(next);
      return state;
    },
    onRejected: (listener) => {
      tell = listener;
    },
  };
}

function isBoard(value: unknown): value is Board {
  return typeof value === "object" && value !== null && "id" in value && "steps" in value;
}

export function step(step: string, board = "plan", limit?: number): BoardEvent {
  return { type: "stepAdded", payload: { board, step, ...(limit !== undefined && { limit }) } };
}

/** The boards after a log. */
export function replay(log: readonly RecordedEvent[]): Boards {
  return log.reduce<Boards>((boards, event) => {
    const next = reduceBoards(boards, event);
    if (isRefusal(next)) throw new Error(`the log has an event that is refused: ${event.id}`);
    return next;
  }, {});
}
