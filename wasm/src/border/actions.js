// @ts-check
/** Makes actions; which there are is in the types of the package. */

/**
 * The version of each type that has another than the first; none before a reducer is there.
 * @type {Map<string, number> | undefined}
 */
let versions;

/** Lets actions be made: from now on it is known which versions there are. */
export function begin() {
  versions ??= new Map();
}

/**
 * Says which version a type has; WebAssembly calls it.
 * @param {string} type
 * @param {number} version
 */
export function stamp(type, version) {
  begin();
  versions?.set(type, version);
}

/**
 * @param {string} type
 * @param {unknown} payload
 */
function make(type, payload) {
  if (versions === undefined) {
    throw new Error(
      "an action was made before the WebAssembly was there, which knows its version: call and " +
        "await init(), the default export of the package, before",
    );
  }
  const version = versions.get(type);
  const action = payload === undefined ? { type } : { type, payload };
  return version === undefined ? action : { ...action, meta: { version } };
}

/** Has a function for each type of event: `actions.noteRemoved({ id })`. */
export const actions = new Proxy(
  /** @type {Record<string, (payload?: unknown) => object>} */ ({}),
  {
    get: (_, type) =>
      typeof type === "symbol"
        ? undefined
        : (/** @type {unknown} */ payload) => make(type, payload),
  },
);

/**
 * Makes one action of several: a reducer takes them in order, in one call.
 * @param {readonly object[]} actions
 */
export function batch(actions) {
  return { type: "@@flux-capacitor/batch", payload: actions };
}
