import type { Clock, Timer, TimeTrust } from "../../firmware/ports/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that moves only when a test advances it. Timers fire in order of due time, then of creation. */
export class ManualClock implements Clock {
  readonly bootId: string;
  state: TimeTrust = "trusted";
  #wall: number;
  #mono = 0;
  #order = 0;
  #pending: Pending[] = [];

  constructor(options: { readonly wallMs?: number; readonly bootId?: string } = {}) {
    this.#wall = options.wallMs ?? 1_700_000_000_000;
    this.bootId = options.bootId ?? "00000000000000b1";
  }

  wallMs(): number {
    return this.#wall;
  }

  monoMs(): number {
    return this.#mono;
  }

  trust(): TimeTrust {
    return this.state;
  }

  /** Moves the wall clock alone, as a clock correction does. */
  jumpWall(ms: number): void {
    this.#wall += ms;
  }

  after(ms: number, callback: () => void): Timer {
    const entry = { at: this.#mono + Math.max(0, ms), order: this.#order++, callback };
    this.#pending.push(entry);
    const cancel = () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  async yield(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Advances both clocks, firing due timers on the way and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    for (;;) {
      await this.yield();
      const next = [...this.#pending].sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next || next.at > end) break;
      this.#pending = this.#pending.filter((other) => other !== next);
      this.#wall += next.at - this.#mono;
      this.#mono = next.at;
      next.callback();
    }
    this.#wall += end - this.#mono;
    this.#mono = end;
    await this.yield();
  }
}
