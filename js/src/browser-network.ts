/** What the browser knows of its network. */

/**
 * Calls back when the browser says that it has a network, or has none any more, until `signal`
 * fires. It may have one and not reach the server. Elsewhere than in a page nothing is heard.
 */
export function followBrowserNetwork(
  listener: (isOnline: boolean) => void,
  signal: AbortSignal,
): void {
  if (typeof globalThis.addEventListener !== "function") return;
  globalThis.addEventListener("online", () => listener(true), { signal });
  globalThis.addEventListener("offline", () => listener(false), { signal });
}
