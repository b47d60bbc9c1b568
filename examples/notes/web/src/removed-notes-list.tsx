/** The notes that were removed last, each to be restored by one click. */

import "./removed-notes.css";
import { selectById } from "@flux-capacitor/client";
import type { Note } from "notes-wasm";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useDispatch, useSelector } from "react-redux";
import { FailureNote } from "./failure-note.tsx";
import { noteRestored } from "./note-added.ts";
import { shownTitle } from "./note-title.ts";
import { listRemovedNotes, notesRemoved } from "./removed-notes.ts";
import type { RootState } from "./store.ts";
import { useEvents } from "./use-events.ts";

export function RemovedNotesList(): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const known = useSelector((state: RootState) => state.removedNotes);
  const notes = useSelector((state: RootState) => state.notes);
  const { dispatchEvent, failure } = useEvents();
  const summary = useRef<HTMLElement>(null);
  useListed(isOpen);

  // What is there again is not to be restored.
  const removed = known.filter(({ id }) => selectById(notes, id) === undefined);
  const restore = async (note: Note) => {
    if (await dispatchEvent(noteRestored(note))) summary.current?.focus();
  };
  return (
    <details className="removed" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary ref={summary}>Removed notes</summary>
      <FailureNote failure={failure} />
      {removed.length === 0 ? (
        <p>Notes that are removed can be restored here.</p>
      ) : (
        <ul aria-label="Removed notes">
          {removed.map((note) => (
            <RemovedNote key={note.id} note={note} restore={() => restore(note)} />
          ))}
        </ul>
      )}
    </details>
  );
}

/** Asks the server for them when they are looked at: others have removed notes before this page. */
function useListed(isOpen: boolean): void {
  const dispatch = useDispatch();
  const isLive = useSelector((state: RootState) => state.sync.connection === "live");
  useEffect(() => {
    if (!isOpen || !isLive) return;
    listRemovedNotes()
      .then((notes) => dispatch(notesRemoved(notes)))
      .catch(console.warn);
  }, [isOpen, isLive, dispatch]);
}

interface RemovedNoteProps {
  readonly note: Note;
  readonly restore: () => void;
}

function RemovedNote({ note: { title, text }, restore }: RemovedNoteProps): ReactNode {
  return (
    <li>
      <span className="removed-note">
        <strong>{shownTitle(title)}</strong> {text}
      </span>
      <button type="button" aria-label={`Restore ${shownTitle(title)}`} onClick={restore}>
        Restore
      </button>
    </li>
  );
}
