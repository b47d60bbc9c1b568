/** What the tabs of one simulated browser share: its locks and its channels. */

interface Waiting {
  readonly signal: AbortSignal | undefined;
  readonly run: () => Promise<unknown>;
}

/** The Web Locks of one origin, as far as one exclusive lock a name goes. */
export class SimulatedLocks {
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #held = new Set<string>();

  /** The locks as one tab sees them. When its signal fires the tab is gone, and its locks with it. */
  of(tab: AbortSignal): Pick<LockManager, "request"> {
    const request = (name: string, options: LockOptions, held: () => Promise<unknown>) =>
      new Promise((resolve, reject) => {
        const gone = new Promise((done) => tab.addEventListener("abort", done));
        const run = () => Promise.race([held(), gone]).then(resolve, reject);
        const { signal } = options;
        signal?.addEventListener("abort", () => reject(signal.reason));
        const either = AbortSignal.any(signal ? [signal, tab] : [tab]);
        this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), { signal: either, run }]);
        this.#next(name);
      });
    return { request: request as LockManager["request"] };
  }

  #next(name: string): void {
    if (this.#held.has(name)) return;
    const [first, ...rest] = (this.#waiting.get(name) ?? []).filter((it) => !it.signal?.aborted);
    this.#waiting.set(name, rest);
    if (first === undefined) return;
    this.#held.add(name);
    void first.run().finally(() => {
      this.#held.delete(name);
      this.#next(name);
    });
  }
}

interface Channel {
  readonly name: string;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
}

/** The broadcast channels of one origin. What they say arrives later, or never. */
export class SimulatedChannels {
  /** Whether the next message arrives. */
  isDelivered: () => boolean = () => true;
  readonly #open = new Set<Channel>();

  /** The class as one tab sees it. When its signal fires the tab is gone. */
  of(tab: AbortSignal): typeof globalThis.BroadcastChannel {
    const open = this.#open;
    const post = (from: Channel, data: unknown) => {
      for (const channel of open) {
        const isOther = channel !== from && channel.name === from.name;
        if (isOther && this.isDelivered())
          setImmediate(() => open.has(channel) && channel.onmessage?.({ data }));
      }
    };
    return class {
      readonly name: string;
      onmessage: Channel["onmessage"] = null;
      constructor(name: string) {
        this.name = name;
        open.add(this);
        tab.addEventListener("abort", () => this.close());
      }
      postMessage(data: unknown): void {
        if (open.has(this)) post(this, data);
      }
      close(): void {
        open.delete(this);
      }
    } as unknown as typeof globalThis.BroadcastChannel;
  }
}
