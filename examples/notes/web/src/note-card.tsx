/** One note, to read, edit and remove. */

import type { Note } from "notes-wasm";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { FailureNote } from "./failure-note.tsx";
import { InlineEditor } from "./inline-editor.tsx";
import { Moment } from "./moment.tsx";
import { noteAdded } from "./note-added.ts";
import { shownTitle } from "./note-title.ts";
import { takeBack } from "./store.ts";
import { useEvents } from "./use-events.ts";

interface NoteCardProps {
  readonly note: Note;
  /** The server has not confirmed all that is shown of it. */
  readonly isPending: boolean;
  /** The note was removed elsewhere; the card is there for what is half typed. */
  readonly isRemoved: boolean;
  readonly onEditing: (isEditing: boolean) => void;
}

export function NoteCard({ note, isPending, isRemoved, onEditing }: NoteCardProps): ReactNode {
  const { id, title, text, createdAt } = note;
  const { editing, open, close, titleButton, textButton } = useOpenEditor(onEditing);
  const { dispatchEvent, failure } = useEvents();

  return (
    <article className="card note" aria-label={shownTitle(title)} data-pending={isPending}>
      {isPending && (
        <span className="pending">
          Not saved yet
          <button type="button" onClick={() => takeBack(id)}>
            Take back
          </button>
        </span>
      )}
      {editing === "title" ? (
        <InlineEditor
          label="Edit title"
          value={title}
          lines="one"
          isRemoved={isRemoved}
          save={(draft) => ({ type: "noteTitleEdited", payload: { id, title: draft } })}
          keep={(draft) => noteAdded({ title: draft, text })}
          onClose={close}
        />
      ) : (
        <h3>{shownTitle(title)}</h3>
      )}
      {editing === "text" ? (
        <InlineEditor
          label="Edit text"
          value={text}
          lines="many"
          isRemoved={isRemoved}
          save={(draft) => ({ type: "noteContentEdited", payload: { id, text: draft } })}
          keep={(draft) => noteAdded({ title, text: draft })}
          onClose={close}
        />
      ) : (
        text !== "" && <p className="note-text">{text}</p>
      )}
      <FailureNote failure={failure} />
      <footer>
        <Moment timestamp={createdAt} to="minute" />
        {editing === undefined && (
          <span className="note-actions">
            <button type="button" ref={titleButton} onClick={() => open("title")}>
              Edit title
            </button>
            <button type="button" ref={textButton} onClick={() => open("text")}>
              Edit text
            </button>
            <button
              type="button"
              className="danger"
              onClick={() => dispatchEvent({ type: "noteRemoved", payload: { id } })}
            >
              Remove
            </button>
          </span>
        )}
      </footer>
    </article>
  );
}

type EditedField = "title" | "text";

/** Which editor is open; when it closes, the focus goes back to where the editing began. */
function useOpenEditor(onEditing: (isEditing: boolean) => void) {
  const [editing, setEditing] = useState<EditedField>();
  const closed = useRef<EditedField>(undefined);
  const titleButton = useRef<HTMLButtonElement>(null);
  const textButton = useRef<HTMLButtonElement>(null);

  const open = (field: EditedField) => {
    setEditing(field);
    onEditing(true);
  };
  const close = () => {
    closed.current = editing;
    setEditing(undefined);
    onEditing(false);
  };
  useEffect(() => {
    if (editing !== undefined || closed.current === undefined) return;
    (closed.current === "title" ? titleButton : textButton).current?.focus();
    closed.current = undefined;
  }, [editing]);
  return { editing, open, close, titleButton, textButton };
}
