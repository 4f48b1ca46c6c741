import type { Level } from "../../firmware/ports/hardware.ts";
import type { LevelSink } from "./edge-timeline.ts";
import { SampledTime } from "./sampled-time.ts";

const other = (level: Level): Level => (level === 1 ? 0 : 1);

export interface ButtonOptions {
  /** The contact, which bounces by itself. */
  readonly contact: LevelSink;
  /** Level while pressed; default 0, to ground with a pull-up. */
  readonly pressed?: Level;
}

/** A push button. */
export class ButtonModel {
  readonly #contact: LevelSink;
  readonly #pressed: Level;

  constructor(options: ButtonOptions) {
    this.#contact = options.contact;
    this.#pressed = options.pressed ?? 0;
  }

  press(atUs: number): void {
    this.#contact.actuate(atUs, this.#pressed);
  }

  release(atUs: number): void {
    this.#contact.actuate(atUs, other(this.#pressed));
  }
}

export interface ReedOptions {
  /** The contact, which bounces by itself. */
  readonly contact: LevelSink;
  /** What moves the magnet: a door's opening, a tank's level. */
  readonly quantity: (atUs: number) => number;
  readonly closesAt: number;
  /** Not equal to `closesAt`: a reed has hysteresis. Above it, the contact closes when the quantity falls. */
  readonly opensAt: number;
  /** Level while closed; default 0, to ground with a pull-up. */
  readonly closed?: Level;
}

/** A reed contact: closed while the magnet is near. Also a float switch, whose magnet rides on the level. */
export class ReedModel {
  readonly #options: ReedOptions;
  readonly #time = new SampledTime();

  constructor(options: ReedOptions) {
    this.#options = options;
  }

  /** Looks at the world at all steps that begin up to `nowUs`. */
  advanceTo(nowUs: number): void {
    const { contact, quantity, closesAt, opensAt, closed = 0 } = this.#options;
    this.#time.advanceTo(nowUs, (atUs) => {
      const value = quantity(atUs);
      // Turned round if the contact closes on falling, so that closing is always the upper threshold.
      const sign = closesAt < opensAt ? -1 : 1;
      if (sign * value >= sign * closesAt) contact.actuate(atUs, closed);
      else if (sign * value <= sign * opensAt) contact.actuate(atUs, other(closed));
    });
  }
}
