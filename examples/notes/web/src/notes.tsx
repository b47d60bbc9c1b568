/** All notes, newest first. */

import { compareIds, selectAll } from "@flux-capacitor/client";
import type { Note } from "notes-wasm";
import { type ReactNode, useMemo } from "react";
import { useSelector } from "react-redux";
import { useEditedNotes } from "./edited-notes.ts";
import { NewNote } from "./new-note.tsx";
import { NoteCard } from "./note-card.tsx";
import { RemovedNotesList } from "./removed-notes-list.tsx";
import type { RootState } from "./store.ts";

export function Notes(): ReactNode {
  const notes = useSelector((state: RootState) => selectAll(state.notes));
  const { removed, setEdited } = useEditedNotes(notes);
  const newestFirst = [...notes, ...removed].sort(compareNewestFirst);
  const isLoaded = useSelector((state: RootState) => state.sync.position !== null);
  const pending = useSelector((state: RootState) => state.sync.pending);
  const pendingIds = useMemo(() => new Set(pending.map(({ payload }) => payload.id)), [pending]);
  return (
    <section className="notes" aria-labelledby="notes-heading">
      <div className="section-head">
        <h2 id="notes-heading">Notes</h2>
        <span className="count">{notes.length}</span>
      </div>
      <NewNote />
      <div className="note-list">
        {newestFirst.map((note) => (
          <NoteCard
            key={note.id}
            note={note}
            isPending={pendingIds.has(note.id)}
            isRemoved={removed.includes(note)}
            onEditing={(isEditing) => setEdited(note, isEditing)}
          />
        ))}
      </div>
      {newestFirst.length === 0 && (
        <p className="empty">
          <strong>{isLoaded ? "No notes yet." : "Waiting for the notes …"}</strong>
          {isLoaded
            ? "Add the first one above; it appears in every open window."
            : "They come as soon as the server answers; you can write new ones."}
        </p>
      )}
      <RemovedNotesList />
    </section>
  );
}

/** Timestamps are of one length and one zone, so they compare as texts. */
function compareNewestFirst(left: Note, right: Note): number {
  return compareIds(right.createdAt, left.createdAt) || compareIds(left.id, right.id);
}
