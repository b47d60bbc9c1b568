/** Returns what a note is called on the page: blank titles would leave nothing to point at. */
export function shownTitle(title: string): string {
  return title.trim() || "Untitled";
}
