/** Lets a simulation follow the clock of the host: as many virtual seconds as have passed, times the speed. */
import type { Sim } from "./sim.ts";

/** A host that was away, for example asleep, does not make up for it in one go. */
const LONGEST_STEP_US = 5_000_000;

export interface LiveOptions {
  /** Ms since any moment. */
  readonly nowMs: () => number;
  /** Virtual seconds in a real one. */
  readonly speed: number;
  readonly endUs: number;
}

export class LiveRun {
  readonly sim: Sim;
  readonly #options: LiveOptions;
  #lastMs: number;

  constructor(sim: Sim, options: LiveOptions) {
    this.sim = sim;
    this.#options = options;
    this.#lastMs = options.nowMs();
  }

  /** The end of time, or a violation. */
  get isOver(): boolean {
    return this.sim.time.nowUs >= this.#options.endUs || this.sim.violations.all.length > 0;
  }

  /** Catches up with the host's clock. */
  async catchUp(): Promise<void> {
    const { nowMs, speed, endUs } = this.#options;
    const now = nowMs();
    const dueUs = Math.round((now - this.#lastMs) * 1000 * speed);
    this.#lastMs = now;
    const stepUs = Math.min(dueUs, LONGEST_STEP_US * Math.max(1, speed));
    await this.sim.time.runUntil(Math.min(endUs, this.sim.time.nowUs + stepUs));
  }
}
