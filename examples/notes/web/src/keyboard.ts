import type { KeyboardEvent } from "react";

/** Lets Ctrl+Enter or ⌘+Enter in a text area send its form, as Enter does in a one-line field. */
export function submitOnModifiedEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }
}
