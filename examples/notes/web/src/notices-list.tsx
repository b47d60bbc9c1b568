/** The notices, each until it is dismissed, with what the user wrote: it is nowhere else any more. */

import { selectById } from "@flux-capacitor/client";
import type { ReactNode } from "react";
import { useDispatch, useSelector } from "react-redux";
import { whatWasDone } from "./event-text.ts";
import { explain } from "./failure.ts";
import { type Notice, noticeDismissed } from "./notices.ts";
import type { RootState } from "./store.ts";

export function NoticesList(): ReactNode {
  const notices = useSelector((state: RootState) => state.notices);
  return notices.map((notice) => <NoticeCard key={notice.event.id} notice={notice} />);
}

function NoticeCard({ notice: { event, rejection } }: { readonly notice: Notice }): ReactNode {
  const dispatch = useDispatch();
  const what = useSelector(({ notes }: RootState) =>
    whatWasDone(event, (id) => selectById(notes, id)?.title),
  );
  const why = rejection === null ? undefined : explain(rejection);
  const { title = "", text = "" } = { title: undefined, text: undefined, ...event.payload };
  const written = [title, text].filter((words) => words !== "").join("\n");
  return (
    <div className="card notice" role="alert">
      <p>
        <strong>Undone: you {what}.</strong>{" "}
        {why?.message ?? "Somebody had removed the note before your edit arrived."}
      </p>
      {written !== "" && (
        <details>
          <summary>What you wrote</summary>
          <pre>{written}</pre>
        </details>
      )}
      {why !== undefined && (
        <details>
          <summary>Details</summary>
          <p>{why.detail}</p>
        </details>
      )}
      <button type="button" onClick={() => dispatch(noticeDismissed(event.id))}>
        Dismiss
      </button>
    </div>
  );
}
