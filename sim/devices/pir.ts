import type { EdgeSource } from "../board/edge-source.ts";
import { EdgeTimeline } from "./edge-timeline.ts";
import { SampledTime } from "./sampled-time.ts";

const HOLD_US = 2_000_000;

export interface PirOptions {
  /** Whether somebody moves in view; absent if the world calls `see` itself. */
  readonly motion?: (atUs: number) => boolean;
  /** How long the output stays after the last motion; default 2 s. */
  readonly holdUs?: number;
}

/** A motion detector: output 1 from the first motion until 2 s after the last one (simulator.md 5), without bounce. */
export class PirModel {
  readonly #motion: (atUs: number) => boolean;
  readonly #holdUs: number;
  readonly #time = new SampledTime();
  readonly #output = new EdgeTimeline(0);

  constructor(options: PirOptions = {}) {
    this.#motion = options.motion ?? (() => false);
    this.#holdUs = options.holdUs ?? HOLD_US;
  }

  get line(): EdgeSource {
    return this.#output;
  }

  /** Looks at the world at all steps that begin up to `nowUs`. */
  advanceTo(nowUs: number): void {
    this.#time.advanceTo(nowUs, (atUs) => {
      if (this.#motion(atUs)) this.see(atUs);
    });
  }

  /** A motion at `atUs`; times do not go back. */
  see(atUs: number): void {
    // A fall due in this very microsecond does not happen either.
    this.#output.withdraw(atUs - 1);
    this.#output.actuate(atUs, 1);
    this.#output.plan([{ atUs: atUs + this.#holdUs, value: 0 }]);
  }
}
