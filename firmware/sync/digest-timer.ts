/** Runs Trickle on the injected clock (sync.md 4.4). */
import type { Clock, Timer } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import { nextIntervalMs, resetIntervalMs, sendAtMs, shouldTransmit, type TrickleConfig } from "./trickle.ts";

export class DigestTimer {
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #config: TrickleConfig;
  readonly #send: () => void;
  #intervalMs: number;
  #heard = 0;
  #timers: Timer[] = [];

  constructor(options: {
    readonly clock: Clock;
    readonly entropy: Entropy;
    readonly config: TrickleConfig;
    readonly send: () => void;
  }) {
    this.#clock = options.clock;
    this.#entropy = options.entropy;
    this.#config = options.config;
    this.#send = options.send;
    this.#intervalMs = options.config.iminMs;
  }

  start(): void {
    this.stop();
    this.#heard = 0;
    const sendAt = sendAtMs(this.#intervalMs, this.#entropy.float());
    this.#timers = [
      this.#clock.after(sendAt, () => {
        if (shouldTransmit(this.#config, this.#heard)) this.#send();
      }),
      this.#clock.after(this.#intervalMs, () => {
        this.#intervalMs = nextIntervalMs(this.#config, this.#intervalMs);
        this.start();
      }),
    ];
  }

  /** An equal summary was heard. */
  consistent(): void {
    this.#heard++;
  }

  /** A different summary was heard: back to the smallest interval, unless it is running already. */
  inconsistent(): void {
    if (this.#intervalMs <= this.#config.iminMs) return;
    this.#intervalMs = resetIntervalMs(this.#config);
    this.start();
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }
}
