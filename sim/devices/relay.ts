import type { Level } from "../../firmware/ports/hardware.ts";

const OPERATE_US = 10_000;
const RELEASE_US = 5_000;

export interface RelayOptions {
  readonly activeLow: boolean;
  /** Pull of the relay board's input while nobody drives the line. */
  readonly idle: Level;
}

/** A relay module: operates in 10 ms, releases in 5 ms, counts cycles; can be welded or left open (simulator.md 5). */
export class RelayModel {
  readonly #options: RelayOptions;
  #coil: boolean;
  #before: boolean;
  #sinceUs = 0;
  #cycles = 0;
  /** Defect of the contact, null when sound. */
  defect: "welded" | "open" | null = null;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#coil = this.#isActive(options.idle);
    this.#before = this.#coil;
  }

  get cycles(): number {
    return this.#cycles;
  }

  /** The electrical level at the module's input; null when the line is released to its pull. */
  drive(level: Level | null, nowUs: number): void {
    const coil = this.#isActive(level ?? this.#options.idle);
    if (coil === this.#coil) return;
    this.#before = this.closed(nowUs);
    this.#coil = coil;
    this.#sinceUs = nowUs;
    if (coil) this.#cycles++;
  }

  /** Whether the load is switched on at board time `nowUs`. */
  closed(nowUs: number): boolean {
    if (this.defect !== null) return this.defect === "welded";
    const delay = this.#coil ? OPERATE_US : RELEASE_US;
    return nowUs - this.#sinceUs >= delay ? this.#coil : this.#before;
  }

  #isActive(level: Level): boolean {
    return (level === 0) === this.#options.activeLow;
  }
}
