/** One note, to read, edit and remove. */

import type { Note } from "notes-wasm";
import { type ReactNode, useRef, useState } from "react";
import { FailureNote } from "./failure-note.tsx";
import { InlineEditor } from "./inline-editor.tsx";
import { Moment } from "./moment.tsx";
import { useCommand } from "./use-command.ts";

export function NoteCard({ note }: { readonly note: Note }): ReactNode {
  const { id, title, text, createdAt } = note;
  const [editing, setEditing] = useState<"title" | "text">();
  const { run, isPending, failure } = useCommand();
  const editTitleButton = useRef<HTMLButtonElement>(null);
  const editTextButton = useRef<HTMLButtonElement>(null);

  /** Gives the focus back to where the editing began. */
  const closeEditor = () => {
    (editing === "title" ? editTitleButton : editTextButton).current?.focus();
    setEditing(undefined);
  };

  return (
    <article className="card note" aria-label={title || "Untitled"}>
      {editing === "title" ? (
        <InlineEditor
          label="Edit title"
          value={title}
          lines="one"
          command={(draft) => ["editNoteTitle", { id, title: draft }]}
          onClose={closeEditor}
        />
      ) : (
        <h3>{title || "Untitled"}</h3>
      )}
      {editing === "text" ? (
        <InlineEditor
          label="Edit text"
          value={text}
          lines="many"
          command={(draft) => ["editNoteContent", { id, text: draft }]}
          onClose={closeEditor}
        />
      ) : (
        text !== "" && <p className="note-text">{text}</p>
      )}
      <FailureNote failure={failure} />
      <footer>
        <Moment timestamp={createdAt} to="minute" />
        <span className="note-actions">
          <button type="button" ref={editTitleButton} onClick={() => setEditing("title")}>
            Edit title
          </button>
          <button type="button" ref={editTextButton} onClick={() => setEditing("text")}>
            Edit text
          </button>
          <button
            type="button"
            className="danger"
            aria-disabled={isPending}
            onClick={() => isPending || run("removeNote", { id })}
          >
            Remove
          </button>
        </span>
      </footer>
    </article>
  );
}
