// @ts-check
/** What is looked at, kept in the address after `#`: it can be sent to others, and gone back from. */

/**
 * @typedef {object} Place
 * @property {"state" | "history"} view
 * @property {number | undefined} at the position as of which the state is; now where there is none
 * @property {string} collection
 * @property {string} id of the document whose history is shown, or was
 */

/** @type {Set<(place: Place) => void>} */
const listeners = new Set();

/** @returns {Place} */
export function place() {
  const given = new URLSearchParams(location.hash.slice(1));
  const at = given.get("at");
  return {
    view: given.get("view") === "history" ? "history" : "state",
    at: at !== null && /^\d+$/.test(at) ? Number(at) : undefined,
    collection: given.get("collection") ?? "",
    id: given.get("id") ?? "",
  };
}

/**
 * Goes to another place. Small steps replace each other, so that "back" leads out of them.
 *
 * @param {Partial<Place>} change
 * @param {"push" | "replace"} [how]
 */
export function go(change, how = "push") {
  const from = place();
  const to = { ...from, ...change };
  // The id is one of the collection.
  if (to.collection !== from.collection && change.id === undefined) to.id = "";
  const given = new URLSearchParams();
  if (to.view === "history") given.set("view", to.view);
  if (to.at !== undefined) given.set("at", String(to.at));
  if (to.collection !== "") given.set("collection", to.collection);
  if (to.id !== "") given.set("id", to.id);
  const url = new URL(location.href);
  url.hash = given.toString();
  if (url.href === location.href) return;
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  tell();
}

/**
 * Calls back now and whenever the place is another one.
 *
 * @param {(place: Place) => void} listener
 */
export function follow(listener) {
  listeners.add(listener);
  listener(place());
}

function tell() {
  for (const listener of listeners) listener(place());
}

addEventListener("popstate", tell);
