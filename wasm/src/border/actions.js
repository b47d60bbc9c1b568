// @ts-check
/** Makes actions; which there are is in the types of the package. */

/** Has a function for each type of event: `actions.noteRemoved({ id })`. */
export const actions = new Proxy(
  /** @type {Record<string, (payload?: unknown) => object>} */ ({}),
  {
    get: (_, type) =>
      typeof type === "symbol"
        ? undefined
        : (/** @type {unknown} */ payload) =>
            payload === undefined ? { type } : { type, payload },
  },
);

/**
 * Makes one action of several: a reducer takes them in order, in one call.
 * @param {readonly object[]} actions
 */
export function batch(actions) {
  return { type: "@@flux-capacitor/batch", payload: actions };
}
