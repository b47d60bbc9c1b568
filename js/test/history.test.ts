/**
 * What Redux DevTools does with a store, done by its own store: the reducers run again from any old
 * and any imported state, and what is sent does not change.
 */

import { ActionCreators, instrument, type LiftedState } from "@redux-devtools/instrument";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reduceBoards, replay, step } from "./simulation/boards.ts";
import { Client, type State, until } from "./simulation/client.ts";
import { Network, type UnderWay } from "./simulation/network.ts";
import { SimulatedServer } from "./simulation/server.ts";

type History = LiftedState<State, { type: string }, unknown>;
type HistoryStore = {
  getState(): History;
  dispatch(action: unknown): unknown;
};

let server: SimulatedServer;
let network: Network;
let client: Client;
/** The state after each action, as it was then. */
let seen: State[];

const isPost = ({ body, kind }: UnderWay) => body !== undefined && kind === "request";
const history = () => (client.store as unknown as { liftedStore: HistoryStore }).liftedStore;
const jumpTo = (index: number) => history().dispatch(ActionCreators.jumpToState(index));
const last = () => history().getState().stagedActionIds.length - 1;

/** A page to which everything has happened: own events, those of others, a rejection, a snapshot. */
beforeEach(async () => {
  server = new SimulatedServer();
  network = new Network(server);
  client = new Client(network, "ann", { gapMax: 3 }, undefined, instrument());
  seen = [client.state];
  client.store.subscribe(() => {
    if (client.state !== seen.at(-1)) seen.push(client.state);
  });
  await client.live();
  await client.dispatch(step("own")).accepted;
  await until(() => client.sync.position === 1);
  network.hold = isPost;
  client.dispatch(step("refused by the server", "plan", 2));
  client.dispatch(step("kept"));
  server.dispatch([step("theirs")]);
  await until(() => client.sync.position === 2);
  network.hold = () => false;
  network.step();
  await client.caughtUpWith(3);
  network.hold = ({ kind }) => kind === "request";
  network.cut("ann");
  for (let count = 0; count < 5; count += 1) server.dispatch([step(`missed ${count}`)]);
  client.dispatch(step("offline"));
  network.hold = () => false;
  network.step();
  await client.caughtUpWith(9);
});
afterEach(() => client.store.sync.close());

/** The rule: what is confirmed, and the pending events run again. */
function isTheRule({ boards, sync }: State): void {
  expect(sync.confirmed.boards).toEqual(replay(server.log.slice(0, sync.position ?? 0)));
  const view = sync.pending.reduce(
    (state, event) => {
      const next = reduceBoards(state, event);
      return "message" in next ? state : next;
    },
    replay(server.log.slice(0, sync.position ?? 0)),
  );
  expect(boards).toEqual(view);
}

describe("a history", () => {
  it("shows each old state as it was, and the present one afterwards", () => {
    const present = client.state;
    const { computedStates } = history().getState();
    expect(computedStates.length).toBeGreaterThan(15);
    for (const index of [...computedStates.keys()].reverse()) {
      jumpTo(index);
      expect(seen).toContain(client.state);
      isTheRule(client.state);
    }
    jumpTo(last());
    expect(client.state).toBe(present);
  });

  it("that comes from JSON runs again to the same states", () => {
    const before = history().getState();
    const imported = JSON.parse(JSON.stringify({ ...before, computedStates: [] }));
    history().dispatch(ActionCreators.importState(imported));
    const after = history().getState();
    expect(after.computedStates.map(({ error }) => error).filter(Boolean)).toEqual([]);
    expect(after.computedStates).toEqual(before.computedStates);
  });

  it("goes on from any of its states, also from JSON", () => {
    const { computedStates, actionsById, stagedActionIds } = history().getState();
    for (const [from, { state }] of computedStates.entries()) {
      let next: unknown = JSON.parse(JSON.stringify(state));
      for (const id of stagedActionIds.slice(from + 1)) {
        next = client.reduce(next, (actionsById[id] as { action: { type: string } }).action);
      }
      expect(next).toEqual(client.state);
    }
  });

  it("with any one action left out runs again, and is what it was when that is back", () => {
    const present = client.state;
    const sent = () => network.arrived.filter(({ body }) => body !== undefined).length;
    const before = sent();
    for (const id of history().getState().stagedActionIds.slice(1)) {
      history().dispatch(ActionCreators.toggleAction(id));
      const { computedStates } = history().getState();
      expect(computedStates.map(({ error }) => error).filter(Boolean)).toEqual([]);
      history().dispatch(ActionCreators.toggleAction(id));
      expect(client.state).toEqual(present);
    }
    expect(sent()).toBe(before);
  });

  it("goes on while the past is shown, and nothing is lost", async () => {
    jumpTo(3);
    const past = client.state;
    const { accepted } = client.dispatch(step("from the past"));
    server.dispatch([step("meanwhile")]);
    await accepted;
    await until(() => server.log.length === 11);
    expect(client.state).toBe(past);
    await until(() => {
      jumpTo(last());
      return client.sync.position === 11;
    });
    isTheRule(client.state);
    expect(client.sync.pending).toEqual([]);
  });

  it("that is committed and reset starts from there", async () => {
    history().dispatch(ActionCreators.commit());
    expect(client.steps()).toHaveLength(9);
    server.dispatch([step("after")]);
    await client.caughtUpWith(10);
    history().dispatch(ActionCreators.rollback());
    expect(client.steps()).toHaveLength(9);
  });
});
