/** Edits one text in its place. */

import { type KeyboardEvent, type ReactNode, type SubmitEvent, useState } from "react";
import { FailureNote } from "./failure-note.tsx";
import { submitOnModifiedEnter } from "./keyboard.ts";
import { useCommand } from "./use-command.ts";

interface InlineEditorProps {
  readonly label: string;
  readonly value: string;
  readonly lines: "one" | "many";
  /** The command that takes the new text, and its payload. */
  readonly command: (value: string) => readonly [name: string, payload: object];
  readonly onClose: () => void;
}

export function InlineEditor(props: InlineEditorProps): ReactNode {
  const { label, value, lines, command, onClose } = props;
  const [draft, setDraft] = useState(value);
  const { run, isPending, failure } = useCommand();

  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isPending) return;
    if (draft === value || (await run(...command(draft)))) onClose();
  };
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
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
      onSubmit={save}
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
      <FailureNote failure={failure} />
      <div className="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="primary" aria-disabled={isPending}>
          Save
        </button>
      </div>
    </form>
  );
}
