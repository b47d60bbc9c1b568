/** The form for a new note. */

import { type ReactNode, type SubmitEvent, useId, useRef, useState } from "react";
import { FailureNote } from "./failure-note.tsx";
import { submitOnModifiedEnter } from "./keyboard.ts";
import { noteAdded } from "./note-added.ts";
import { useEvents } from "./use-events.ts";

export function NewNote(): ReactNode {
  const [title, setTitle] = useState("");
  const [text, setText] = useState("");
  const { dispatchEvent, failure } = useEvents();
  const titleInput = useRef<HTMLInputElement>(null);
  const titleId = useId();
  const textId = useId();

  // What is a good note is for the reducers to say, hence no rules here.
  const add = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!(await dispatchEvent(noteAdded({ title: title.trim(), text })))) return;
    setTitle("");
    setText("");
    titleInput.current?.focus();
  };

  return (
    <form className="card new-note" aria-label="New note" onSubmit={add}>
      <div className="field">
        <label htmlFor={titleId}>Title</label>
        <input
          id={titleId}
          ref={titleInput}
          value={title}
          placeholder="What is it about?"
          autoComplete="off"
          aria-invalid={failure?.field === "title"}
          onChange={(event) => setTitle(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={textId}>Text</label>
        <textarea
          id={textId}
          rows={2}
          value={text}
          placeholder="Write it down before it is gone."
          aria-invalid={failure?.field === "text"}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={submitOnModifiedEnter}
        />
      </div>
      <FailureNote failure={failure} />
      <div className="actions">
        <button type="submit" className="primary">
          Add note
        </button>
      </div>
    </form>
  );
}
