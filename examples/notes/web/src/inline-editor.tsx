/** Edits one text in its place. */

import type { NoteEvent } from "notes-wasm";
import { type KeyboardEvent, type ReactNode, type SubmitEvent, useState } from "react";
import { FailureNote } from "./failure-note.tsx";
import { submitOnModifiedEnter } from "./keyboard.ts";
import { useEvents } from "./use-events.ts";

/** Makes an event of the text. */
type EventOf = (text: string) => NoteEvent;

interface InlineEditorProps {
  readonly label: string;
  readonly value: string;
  readonly lines: "one" | "many";
  /** What is edited was removed elsewhere: only `keep` can save the text now. */
  readonly isRemoved: boolean;
  readonly save: EventOf;
  readonly keep: EventOf;
  readonly onClose: () => void;
}

export function InlineEditor(props: InlineEditorProps): ReactNode {
  const { label, value, lines, isRemoved, save, keep, onClose } = props;
  const [draft, setDraft] = useState(value);
  const { dispatchEvent, failure } = useEvents();

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const text = lines === "one" ? draft.trim() : draft;
    const isUnchanged = text === value && !isRemoved;
    if (isUnchanged || (await dispatchEvent((isRemoved ? keep : save)(text)))) onClose();
  };
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !isRemoved) onClose();
  };
  const field = {
    "aria-label": label,
    "aria-invalid": failure !== undefined,
    value: draft,
    // The user has just asked for this field.
    autoFocus: true,
  };

  return (
    <form
      className="inline-editor"
      aria-label={`${label} form`}
      onSubmit={submit}
      onKeyDown={closeOnEscape}
    >
      {lines === "one" ? (
        <input
          {...field}
          autoComplete="off"
          onFocus={(event) => event.target.select()}
          onChange={(event) => setDraft(event.target.value)}
        />
      ) : (
        <textarea
          {...field}
          rows={4}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={submitOnModifiedEnter}
        />
      )}
      {isRemoved && (
        <p className="failure" role="alert">
          This note was removed elsewhere. What you typed is still here.
        </p>
      )}
      <FailureNote failure={failure} />
      <div className="actions">
        <button type="button" onClick={onClose}>
          {isRemoved ? "Discard" : "Cancel"}
        </button>
        <button type="submit" className="primary">
          {isRemoved ? "Keep as a new note" : "Save"}
        </button>
      </div>
    </form>
  );
}
