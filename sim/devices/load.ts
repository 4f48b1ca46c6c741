import type { Level } from "../../firmware/ports/hardware.ts";
import type { Actuator } from "../board/line-wiring.ts";

export interface LoadOptions {
  readonly activeLow: boolean;
  /** Level at the load's input while nobody drives the line. */
  readonly idle: Level;
}

/** An LED, a buzzer or another load that follows its line at once; it counts how often and how long it was on. */
export class LoadModel implements Actuator {
  readonly #options: LoadOptions;
  #on: boolean;
  #sinceUs = 0;
  #onUs = 0;
  #switchings = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#on = this.#isActive(options.idle);
  }

  get on(): boolean {
    return this.#on;
  }

  /** How often it was switched on. */
  get switchings(): number {
    return this.#switchings;
  }

  drive(level: Level | null, nowUs: number): void {
    const on = this.#isActive(level ?? this.#options.idle);
    if (on === this.#on) return;
    if (this.#on) this.#onUs += nowUs - this.#sinceUs;
    else this.#switchings++;
    this.#on = on;
    this.#sinceUs = nowUs;
  }

  /** Total time it was on, µs. */
  onUs(nowUs: number): number {
    return this.#onUs + (this.#on ? nowUs - this.#sinceUs : 0);
  }

  #isActive(level: Level): boolean {
    return (level === 0) === this.#options.activeLow;
  }
}
