// @ts-check
/** Who hears of rejected actions: one listener for the whole package. */

/** @type {Function | undefined} */
let listener;

/**
 * Sets the listener; without one, rejections go to `console.warn`.
 * @param {unknown} [next]
 */
export function onRejected(next) {
  listener = typeof next === "function" ? next : undefined;
}

/**
 * Tells the listener of a rejection.
 * @param {unknown} code
 * @param {unknown} message
 * @param {unknown} field null where it is no field's fault
 * @param {unknown} action
 */
export function tell(code, message, field, action) {
  if (listener === undefined) {
    console.warn(`Action rejected (${code}): ${message}.`, action);
    return;
  }
  const rejection = field === null ? { code, message, action } : { code, message, field, action };
  try {
    listener(Object.freeze(rejection));
  } catch (error) {
    console.error("The listener given to onRejected threw:", error);
  }
}
