import type { Clock, Timer, TimeTrust } from "../../../firmware/ports/clock.ts";

/** A clock that runs `factor` times faster than the one it is made of. What waits, waits so much shorter. */
export class FastClock implements Clock {
  readonly #clock: Clock;
  readonly #factor: number;
  readonly #wallMs: number;
  readonly #monoMs: number;

  constructor(clock: Clock, factor: number) {
    this.#clock = clock;
    this.#factor = factor;
    this.#wallMs = clock.wallMs();
    this.#monoMs = clock.monoMs();
  }

  get bootId(): string {
    return this.#clock.bootId;
  }

  wallMs(): number {
    return Math.floor(this.#wallMs + (this.#clock.monoMs() - this.#monoMs) * this.#factor);
  }

  monoMs(): number {
    return this.#monoMs + (this.#clock.monoMs() - this.#monoMs) * this.#factor;
  }

  trust(): TimeTrust {
    return this.#clock.trust();
  }

  after(ms: number, callback: () => void): Timer {
    return this.#clock.after(ms / this.#factor, callback);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms / this.#factor, signal);
  }

  yield(): Promise<void> {
    return this.#clock.yield();
  }
}
