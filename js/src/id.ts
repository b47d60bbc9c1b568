/** Ids for events and commands. */

/** The bytes of a UUID that are the time. */
const TIME_BYTES = 6;

/**
 * Creates a UUID of version 7: the time in milliseconds, then chance. Ids that were made one after
 * the other lie side by side in the indexes of a database. Unlike `crypto.randomUUID` it also works
 * on pages served over plain http, where browsers leave that function out.
 */
export function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let time = Date.now();
  for (let index = TIME_BYTES - 1; index >= 0; index -= 1) {
    bytes[index] = time % 256;
    time = Math.floor(time / 256);
  }
  const hex = Array.from(bytes, (byte, index) => {
    if (index === 6) return ((byte & 0x0f) | 0x70).toString(16);
    return (index === 8 ? (byte & 0x3f) | 0x80 : byte).toString(16).padStart(2, "0");
  }).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
