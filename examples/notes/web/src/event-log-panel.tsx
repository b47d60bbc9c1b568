/** The last events: who, when, what, and the raw JSON of each. */

import { type RecordedEvent, selectById } from "@flux-capacitor/client";
import { type ReactNode, useEffect, useState } from "react";
import { useDispatch, useSelector } from "react-redux";
import { api } from "./api.ts";
import { EVENT_LOG_LENGTH_MAX, eventsListed } from "./event-log.ts";
import { whatWasDone, whoDid } from "./event-text.ts";
import { Moment } from "./moment.tsx";
import type { RootState } from "./store.ts";

export function EventLogPanel(): ReactNode {
  const events = useSelector((state: RootState) => state.eventLog);
  useListedEvents();
  return (
    <section className="event-log" aria-labelledby="event-log-heading">
      <div className="section-head">
        <h2 id="event-log-heading">Event log</h2>
        <span className="count">last {EVENT_LOG_LENGTH_MAX}</span>
      </div>
      {events.length === 0 ? (
        <p className="empty">
          <strong>Nothing has happened.</strong>
          Every change is an event, and is listed here.
        </p>
      ) : (
        <ol>
          {events.map((event) => (
            <EventEntry key={event.id} event={event} />
          ))}
        </ol>
      )}
    </section>
  );
}

/** Lists the log once events flow, so that nothing falls in between. */
function useListedEvents(): void {
  const dispatch = useDispatch();
  const isLive = useSelector((state: RootState) => state.sync.connection === "live");
  useEffect(() => {
    if (!isLive) return;
    api
      .listEvents({ order: "desc", limit: EVENT_LOG_LENGTH_MAX })
      .then(({ events }) => dispatch(eventsListed(events)))
      .catch(console.warn);
  }, [isLive, dispatch]);
}

function EventEntry({ event }: { readonly event: RecordedEvent }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const what = useSelector(({ notes }: RootState) =>
    whatWasDone(event, (id) => selectById(notes, id)?.title),
  );
  return (
    <li className="event">
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span className="event-what">
          <strong>{whoDid(event)}</strong> {what}
        </span>
        <span className="event-facts">
          <span className="event-position">#{event.position}</span>
          <code>{event.type}</code>
          <Moment timestamp={event.timestamp} to="second" />
        </span>
      </button>
      {isOpen && (
        <section aria-label={`Event ${event.position} as JSON`}>
          <pre>{JSON.stringify(event, null, 2)}</pre>
        </section>
      )}
    </li>
  );
}
