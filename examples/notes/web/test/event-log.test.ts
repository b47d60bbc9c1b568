import { LOADED, type RecordedEvent } from "@flux-capacitor/client";
import { describe, expect, it } from "vitest";
import {
  EVENT_LOG_LENGTH_MAX,
  type EventLogState,
  eventLog,
  eventsListed,
} from "../src/event-log.ts";

function eventAt(position: number): RecordedEvent {
  return {
    id: `event ${position}`,
    timestamp: "2016-09-20T07:04:21.000Z",
    type: "noteAdded",
    position,
  };
}

function logAfter(...actions: readonly { readonly type: string }[]): EventLogState {
  return actions.reduce<EventLogState>(eventLog, []);
}

function positions(log: EventLogState): number[] {
  return log.map(({ position }) => position);
}

describe("the event log", () => {
  it("starts empty", () => {
    expect(eventLog(undefined, { type: "@@init" })).toEqual([]);
  });

  it("shows live events, newest first", () => {
    expect(positions(logAfter(eventAt(1), eventAt(2)))).toEqual([2, 1]);
  });

  it("joins listed with live events, each once", () => {
    const log = logAfter(
      eventAt(3),
      eventAt(4),
      eventsListed([eventAt(3), eventAt(2), eventAt(1)]),
    );
    expect(positions(log)).toEqual([4, 3, 2, 1]);
  });

  it("keeps the last 50", () => {
    const log = logAfter(...Array.from({ length: 60 }, (_, index) => eventAt(index + 1)));
    expect(log).toHaveLength(EVENT_LOG_LENGTH_MAX);
    expect([log.at(0)?.position, log.at(-1)?.position]).toEqual([60, 11]);
  });

  it("starts over when the state is loaded anew", () => {
    expect(logAfter(eventAt(1), { type: LOADED })).toEqual([]);
  });

  it("ignores what is no recorded event", () => {
    const before = logAfter(eventAt(1));
    expect(eventLog(before, { type: "noteAdded" })).toBe(before);
  });
});
