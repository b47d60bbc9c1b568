/** The page. */

import { type ReactNode, useId } from "react";
import { ConnectionLight } from "./connection-light.tsx";
import { EventLogPanel } from "./event-log-panel.tsx";
import { Notes } from "./notes.tsx";
import { NoticesList } from "./notices-list.tsx";
import { useUserName } from "./user-name.tsx";

export function App(): ReactNode {
  const { userName, setUserName } = useUserName();
  const nameId = useId();
  return (
    <>
      <header className="top">
        <div className="brand">
          <img src="./icon.svg" alt="" width="32" height="32" />
          <h1>Flux Capacitor</h1>
        </div>
        <ConnectionLight />
        <div className="user">
          <label htmlFor={nameId}>Your name</label>
          <input
            id={nameId}
            value={userName}
            placeholder="Anonymous"
            autoComplete="nickname"
            onChange={(event) => setUserName(event.target.value)}
          />
        </div>
      </header>
      <div className="notices">
        <NoticesList />
      </div>
      <main>
        <Notes />
        <EventLogPanel />
      </main>
    </>
  );
}
