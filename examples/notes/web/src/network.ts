/** The page's way to the server, with a switch to try what happens without it. */

const STORAGE_KEY = "flux-capacitor-notes.offline";

const listeners = new Set<() => void>();
let isOff = readStored();

/** The switch, in the form that `useSyncExternalStore` takes. A reload leaves it as it is. */
export const networkSwitch = {
  isOff: (): boolean => isOff,
  turn: (off: boolean): void => {
    isOff = off;
    store(off);
    // As the browser does when its network comes or goes.
    window.dispatchEvent(new Event(off ? "offline" : "online"));
    for (const listener of listeners) listener();
  },
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
} as const;

/** `fetch`, which finds no server while the network is off. */
const switchedFetch: typeof fetch = (...request) =>
  isOff ? Promise.reject(new TypeError("the network is switched off")) : fetch(...request);

/** A `WebSocket` that does not open while the network is off. */
class SwitchedWebSocket extends WebSocket {
  constructor(url: string | URL) {
    super(url);
    if (isOff) this.close();
  }
}

/** The network as the page sees it. */
export const switchedNetwork = { fetch: switchedFetch, WebSocket: SwitchedWebSocket } as const;

/** Browsers may forbid storage; the switch then lasts as long as the page. */
function readStored(): boolean {
  try {
    return sessionStorage.getItem(STORAGE_KEY) === "yes";
  } catch {
    return false;
  }
}

function store(off: boolean): void {
  try {
    if (off) sessionStorage.setItem(STORAGE_KEY, "yes");
    else sessionStorage.removeItem(STORAGE_KEY);
  } catch {}
}
