// @ts-check
/** The documents that an event has changed, each as a way to its history. */

import { changedAt } from "./api.js";
import { element } from "./element.js";
import { text } from "./format.js";
import { go } from "./place.js";

/**
 * @param {number} position
 * @param {AbortSignal} [signal]
 * @returns {Promise<HTMLElement[]>}
 */
export async function changedDocuments(position, signal) {
  const documents = await changedAt(position, signal);
  return documents.map(({ collection, id }) => {
    const show = () => go({ view: "history", collection, id: text(id) });
    const attributes = { type: "button", class: "document", title: "Its history", click: show };
    return element("button", attributes, `${collection} ${text(id)}`);
  });
}
