import { setImmediate as nextTurn } from "node:timers/promises";
import { toHex } from "../core/bytes.ts";
import type { Clock, Timer, TimeTrust } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface SystemClockOptions {
  readonly entropy: Entropy;
  /** Persisted time floor in ms: wall time never reads below it (trust.md 3.1). */
  readonly floorMs: number;
  /** Whether the operating system says that its clock is synchronised. */
  readonly synchronised: () => boolean;
}

/** The operating system's clocks. Guarantees `wallMs() >= floorMs` and that `monoMs` never goes back. */
export class SystemClock implements Clock {
  readonly bootId: string;
  readonly #startedAt = performance.now();
  readonly #options: SystemClockOptions;

  constructor(options: SystemClockOptions) {
    this.#options = options;
    this.bootId = toHex(options.entropy.bytes(8));
  }

  wallMs(): number {
    return Math.max(Date.now(), this.#options.floorMs);
  }

  monoMs(): number {
    return performance.now() - this.#startedAt;
  }

  trust(): TimeTrust {
    if (Date.now() < this.#options.floorMs) return "floor";
    return this.#options.synchronised() ? "trusted" : this.#options.floorMs > 0 ? "floor" : "unknown";
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): Timer {
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      handle = setTimeout(
        () => (left > MAX_TIMEOUT_MS ? arm(left - MAX_TIMEOUT_MS) : callback()),
        Math.min(Math.max(0, left), MAX_TIMEOUT_MS),
      );
    };
    arm(ms);
    const cancel = () => clearTimeout(handle);
    return { cancel, [Symbol.dispose]: cancel };
  }

  async yield(): Promise<void> {
    await nextTurn();
  }
}
