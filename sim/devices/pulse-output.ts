import type { EdgeSource } from "../board/edge-source.ts";
import { PulseSource } from "../board/pulse-source.ts";
import { invertedSource } from "./inverted-source.ts";
import { SampledTime } from "./sampled-time.ts";

export interface PulseOutputOptions {
  /** Pulses per second; below zero counts as standing still. */
  readonly rateHz: (atUs: number) => number;
  /** Pulls the line to 0 during a pulse, as an S0 output or a reed contact with a pull-up does; default true. */
  readonly activeLow?: boolean;
}

/** The pulse output of a flow meter, anemometer, energy meter or fan: it follows its quantity in steps of the world. */
export class PulseOutput {
  readonly line: EdgeSource;
  readonly #rateHz: (atUs: number) => number;
  readonly #pulses = new PulseSource();
  readonly #time = new SampledTime();

  constructor(options: PulseOutputOptions) {
    this.#rateHz = options.rateHz;
    this.line = (options.activeLow ?? true) ? invertedSource(this.#pulses) : this.#pulses;
  }

  /** Takes the quantity at all steps that begin up to `nowUs`. */
  advanceTo(nowUs: number): void {
    this.#time.advanceTo(nowUs, (atUs) => {
      this.#pulses.setRate(atUs, this.#rateHz(atUs));
    });
  }

  /** Pulses that have begun. */
  pulsesAt(atUs: number): number {
    return this.#pulses.pulsesAt(atUs);
  }
}

/** Pulse rate of an energy meter's S0 output (IEC 62053-31). @param impulsesPerKwh its constant */
export const energyPulseHz = (powerW: number, impulsesPerKwh: number): number =>
  (powerW * impulsesPerKwh) / 3_600_000;

/** Pulse rate of a turbine flow meter; the YF-S201 gives 7.5 Hz per litre per minute. */
export const flowPulseHz = (litresPerMinute: number, hzPerLitrePerMinute = 7.5): number =>
  litresPerMinute * hzPerLitrePerMinute;

/** Closures per second of a cup anemometer: one for 2.4 km/h (Argent 80422 data sheet). */
export const anemometerHz = (metresPerSecond: number): number => (metresPerSecond * 3.6) / 2.4;
