/** What keeps a simulated device's calendar: a battery-backed clock, or only what it has written down (simulator.md 2). */
import type { TimeTrust } from "../../firmware/ports/clock.ts";
import { drifted } from "../time/clock-reading.ts";

export interface CalendarOptions {
  /** Wall ms at true time 0. */
  readonly wall0Ms: number;
  readonly rtc: boolean;
  /** True microseconds after a start of the daemon at which time is synchronised; null for never. */
  readonly syncAfterUs: number | null;
}

/** The oscillator state of a clock that starts now. */
export interface ClockStart {
  readonly wall0Ms: number;
  readonly trust: TimeTrust;
}

/** A device's calendar over its lives. */
export class Calendar {
  readonly #options: CalendarOptions;
  #hasBattery: boolean;
  #neverSynchronises = false;
  #jumpMs = 0;
  #poweredAtUs = 0;

  constructor(options: CalendarOptions) {
    this.#options = options;
    this.#hasBattery = options.rtc;
  }

  get syncAfterUs(): number | null {
    return this.#neverSynchronises ? null : this.#options.syncAfterUs;
  }

  get hasBattery(): boolean {
    return this.#hasBattery;
  }

  /** Wall ms that a perfect clock shows. */
  trueWallMs(nowUs: number): number {
    return Math.floor(this.#options.wall0Ms + nowUs / 1000);
  }

  powerOn(nowUs: number): void {
    this.#poweredAtUs = nowUs;
    if (!this.#hasBattery) this.#jumpMs = 0;
  }

  /** Somebody sets the clock. */
  jump(byMs: number): void {
    this.#jumpMs += byMs;
  }

  /** No later start finds the right time by itself. */
  neverSynchronise(): void {
    this.#neverSynchronises = true;
  }

  /** From the next loss of power on, the board forgets the time. */
  loseBattery(): void {
    this.#hasBattery = false;
  }

  /** `readOscillator` adds the drifted true time to `wall0Ms`, so that it is taken off here. */
  start(nowUs: number, ppm: number): ClockStart {
    const shownMs = this.#hasBattery
      ? this.trueWallMs(nowUs) + this.#jumpMs
      : Math.floor((nowUs - this.#poweredAtUs) / 1000) + this.#jumpMs;
    const wall0Ms = shownMs - Math.floor(drifted(nowUs, ppm) / 1000);
    return { wall0Ms, trust: this.#hasBattery ? "trusted" : "unknown" };
  }
}
