/** Whether this page is in step with the server. */

import type { Connection, ConnectionStatus } from "@flux-capacitor/client";
import { type ReactNode, useSyncExternalStore } from "react";

const TEXTS: Readonly<Record<ConnectionStatus, string>> = {
  connecting: "Connecting",
  live: "Live",
  offline: "Offline",
  closed: "Offline",
};

export function ConnectionLight({ connection }: { readonly connection: Connection }): ReactNode {
  const status = useSyncExternalStore(connection.subscribe, () => connection.status);
  return (
    <output className="light" data-status={status}>
      <span className="light-dot" aria-hidden="true" />
      {TEXTS[status]}
    </output>
  );
}
