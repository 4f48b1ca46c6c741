import type { Level } from "../../firmware/ports/hardware.ts";
import type { LevelSink } from "./edge-timeline.ts";

/** Lines A and B over one cycle of four steps; turning forwards, A leads B. Both rest at 1, their pull-ups. */
const CYCLE: readonly (readonly [a: Level, b: Level])[] = [
  [1, 1],
  [0, 1],
  [0, 0],
  [1, 0],
];

export interface EncoderOptions {
  /** Contacts bounce, the outputs of an optical or magnetic encoder do not. Both begin at level 1. */
  readonly a: LevelSink;
  readonly b: LevelSink;
}

/** A quadrature rotary encoder: one line changes per step, four steps make a cycle. */
export class EncoderModel {
  readonly #options: EncoderOptions;
  #steps = 0;
  /** Not before this the next step may come. */
  #nextUs = 0;

  constructor(options: EncoderOptions) {
    this.#options = options;
  }

  /** Steps forwards minus steps backwards, those still ahead included. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Turns by `steps` (negative: backwards), one every `stepUs`, the first at `atUs` or after a turn under way.
   * @returns the time of the last step
   */
  turn(steps: number, atUs: number, stepUs: number): number {
    const direction = steps < 0 ? -1 : 1;
    let lastUs = atUs;
    for (let i = 0; i < Math.abs(steps); i++) {
      lastUs = Math.max(lastUs, this.#nextUs);
      this.#nextUs = lastUs + stepUs;
      this.#steps += direction;
      const [a, b] = CYCLE[((this.#steps % 4) + 4) % 4] ?? [1, 1];
      this.#options.a.actuate(lastUs, a);
      this.#options.b.actuate(lastUs, b);
    }
    return lastUs;
  }
}
