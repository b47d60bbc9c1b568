// @vitest-environment happy-dom
import { act, createElement, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it } from "vitest";
import { useDispatchResult, useEventStatus, useSync } from "../src/react.ts";
import { type BoardEvent, step } from "./simulation/boards.ts";
import { Client, until } from "./simulation/client.ts";
import { Network, type UnderWay } from "./simulation/network.ts";
import { problem, SimulatedServer } from "./simulation/server.ts";

let network: Network;
let client: Client;
let root: Root;
let renders: number;

const isPost = ({ body, kind }: UnderWay) => body !== undefined && kind === "request";

beforeEach(async () => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  network = new Network(new SimulatedServer());
  client = new Client(network, "ann");
  await client.live();
  document.body.innerHTML = "<main></main>";
  root = createRoot(document.querySelector("main") as HTMLElement);
  renders = 0;
});
afterEach(() => {
  act(() => root.unmount());
  client.store.sync.close();
});

async function render(component: () => ReactNode): Promise<void> {
  await act(async () => root.render(createElement(component)));
}

async function shows(text: string): Promise<void> {
  await until(async () => {
    await act(async () => {});
    expect(document.body.textContent).toBe(text);
  });
}

/** The store as an application has it, with types. */
type Store = Parameters<typeof useSync>[0] & { dispatch(event: BoardEvent): BoardEvent };
const store = () => client.store as unknown as Store;

function Status(): ReactNode {
  renders += 1;
  return `${useSync(store(), (sync) => sync.connection)}`;
}

it("a component follows the part of the synchronisation that it selects, and no more", async () => {
  await render(Status);
  await shows("live");
  const before = renders;
  await act(async () => void client.dispatch(step("a")));
  await until(() => client.sync.position === 1);
  expect(renders).toBe(before);
  await act(async () => client.store.sync.close());
  await shows("closed");
});

it("a component renders on a server", () => {
  expect(renderToString(createElement(Status))).toBe("live");
});

it("a component follows one event on its way", async () => {
  network.hold = isPost;
  const { id } = client.dispatch(step("a"));
  await render(() => useEventStatus(store(), id) ?? "confirmed");
  await shows("sent");
  network.hold = ({ kind }) => kind === "frame";
  network.step();
  await shows("accepted");
  network.hold = () => false;
  network.step();
  await shows("confirmed");
});

it("a component knows the result of what it has dispatched last", async () => {
  network.answer = (_, body) =>
    JSON.stringify(body ?? "").includes("bad") ? problem(422, "bad") : undefined;
  let dispatch: (event: BoardEvent) => unknown = () => {};
  await render(() => {
    const [dispatchEvent, result] = useDispatchResult(store());
    dispatch = dispatchEvent;
    if (result.status === "rejected") return result.rejection.code;
    return result.status === "accepted" ? `at ${result.accepted.position}` : result.status;
  });
  await shows("idle");
  network.hold = isPost;
  await act(async () => dispatch(step("a")));
  await shows("pending");
  network.hold = () => false;
  network.step();
  await shows("at 1");
  await act(async () => {
    dispatch(step("b"));
    dispatch(step("bad"));
  });
  await shows("bad");
  await act(async () => dispatch(step("c", "plan", 0)));
  await shows("board_full");
  network.hold = isPost;
  await act(async () => dispatch(step("d")));
  await shows("pending");
  await act(async () => client.store.sync.withdraw(client.sync.pending.at(-1)?.id ?? ""));
  await shows("withdrawn");
});
