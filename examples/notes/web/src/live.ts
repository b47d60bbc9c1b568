/** Keeps the store in step with the server. */

import { type Connection, connect } from "@flux-capacitor/client";
import { api } from "./api.ts";
import { EVENT_LOG_LENGTH_MAX, eventsListed } from "./event-log.ts";
import { store } from "./store.ts";

/** Connects the store. The log is listed once events flow, so that nothing falls in between. */
export function goLive(): Connection {
  const connection = connect({ api, collections: ["notes"], dispatch: store.dispatch });
  connection.subscribe((status) => {
    if (status === "live") listEvents().catch(console.warn);
  });
  return connection;
}

async function listEvents(): Promise<void> {
  const { events } = await api.listEvents({ order: "desc", limit: EVENT_LOG_LENGTH_MAX });
  store.dispatch(eventsListed(events));
}
