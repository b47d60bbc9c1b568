/** One WebSocket from its opening to its end, as a promise. */

/** What to open, and who hears of it. */
export interface SocketOptions {
  readonly WebSocket: typeof globalThis.WebSocket;
  readonly url: string;
  /** Ends the socket early. */
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  /** Hears of each frame; if it throws, the socket is closed and no more frames come. */
  readonly onFrame: (data: unknown) => void;
}

/** Opens the socket. Resolves when it has ended or `signal` fires, rejects if `onFrame` throws. */
export function followSocket(options: SocketOptions): Promise<void> {
  const { WebSocket, url, signal, onOpen, onFrame } = options;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const end = (settle: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      settle();
    };
    const onAbort = () => end(resolve);
    signal.addEventListener("abort", onAbort);
    socket.onopen = onOpen;
    socket.onclose = () => end(resolve);
    // A close event always follows an error event. Without a listener, `ws` would throw it.
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => {
      try {
        onFrame(data);
      } catch (error) {
        end(() => reject(error));
      }
    };
  });
}
