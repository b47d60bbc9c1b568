/** Whether this page is in step with the server, what waits for it, and a switch to try it. */

import type { Blockage, ConnectionStatus } from "@flux-capacitor/client";
import { type ReactNode, useSyncExternalStore } from "react";
import { useSelector } from "react-redux";
import { networkSwitch } from "./network.ts";
import { type RootState, store } from "./store.ts";

const TEXTS: Readonly<Record<ConnectionStatus, string>> = {
  connecting: "Connecting",
  live: "Live",
  offline: "Offline",
  closed: "Offline",
};

export function ConnectionLight(): ReactNode {
  const { connection, pending, storage, blockage } = useSelector(({ sync }: RootState) => sync);
  const count = pending.length;
  return (
    <div className="connection">
      <output className="light" data-status={connection}>
        <span className="light-dot" aria-hidden="true" />
        {TEXTS[connection]}
      </output>
      <OfflineSwitch />
      <output className="unsaved">
        {count > 0 && `${count} ${count === 1 ? "change" : "changes"} not saved yet`}
        {count > 0 && storage === "memory" && ", and lost if you close the page"}
        {blockage !== null && `: ${whatBlocks(blockage)}`}
      </output>
      {blockage !== null && (
        <button
          type="button"
          className="try-again"
          title={blockage.detail}
          onClick={() => store.sync.resume()}
        >
          Try again
        </button>
      )}
    </div>
  );
}

function whatBlocks({ isPaused }: Blockage): string {
  return isPaused ? "please sign in again" : "one can’t be saved";
}

function OfflineSwitch(): ReactNode {
  const isOff = useSyncExternalStore(networkSwitch.subscribe, networkSwitch.isOff);
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={isOff}
      title="Cuts this page off from the server, to try it"
      onClick={() => networkSwitch.turn(!isOff)}
    >
      <span className="switch-track" aria-hidden="true" />
      Work offline
    </button>
  );
}
