/** Edits one text in its place. */

import {
  type KeyboardEvent,
  type ReactNode,
  type SubmitEvent,
  useEffect,
  useRef,
  useState,
} from "react";
import { FailureNote } from "./failure-note.tsx";
import { submitOnModifiedEnter } from "./keyboard.ts";
import { useCommand } from "./use-command.ts";

/** Makes of the text a command, and its payload. */
type CommandOf = (text: string) => readonly [name: string, payload: object];

interface InlineEditorProps {
  readonly label: string;
  readonly value: string;
  readonly lines: "one" | "many";
  /** What is edited was removed elsewhere: only `keep` can save the text now. */
  readonly isRemoved: boolean;
  readonly save: CommandOf;
  readonly keep: CommandOf;
  readonly onClose: () => void;
}

export function InlineEditor(props: InlineEditorProps): ReactNode {
  const { label, value, lines, isRemoved, save, keep, onClose } = props;
  const [draft, setDraft] = useState(value);
  const { run, isPending, failure } = useCommand();
  const isRemovedNow = useRef(isRemoved);
  useEffect(() => {
    isRemovedNow.current = isRemoved;
  }, [isRemoved]);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isPending) return;
    const text = lines === "one" ? draft.trim() : draft;
    const isSaved = isRemoved
      ? await run(...keep(text))
      : text === value || (await run(...save(text)));
    // Removed before the command arrived, it has saved nothing.
    if (isSaved && isRemoved === isRemovedNow.current) onClose();
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
        <button type="submit" className="primary" aria-disabled={isPending}>
          {isRemoved ? "Keep as a new note" : "Save"}
        </button>
      </div>
    </form>
  );
}
