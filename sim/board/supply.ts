import type { RecordTrace } from "./boot.ts";

/** Below it the board resets (simulator.md 3). */
export const BROWN_OUT_VOLTS = 4.63;
/** How much each mA beyond the limits lowers the supply: a choice of this model, 47 mA too much end in a brown-out. */
const DROOP_VOLTS_PER_MA = 0.01;

export interface SupplyOptions {
  readonly volts: number;
  readonly maxLineMa: number;
  readonly maxAllLinesMa: number;
  readonly record?: RecordTrace | undefined;
  /** The voltage has fallen below 4.63 V. */
  readonly onBrownOut: (volts: number) => void;
}

/**
 * The board's supply: what the world gives, lowered by lines that draw too much. Undervoltage is recorded when it begins
 * and ends; a brown-out is told once each time the voltage falls through its threshold.
 */
export class Supply {
  readonly #options: SupplyOptions;
  readonly #loads = new Map<number, number>();
  #givenVolts: number;
  #excessMa = 0;
  #isLow = false;
  #isBrownOut = false;

  constructor(options: SupplyOptions) {
    this.#options = options;
    this.#givenVolts = options.volts;
  }

  get volts(): number {
    return this.#givenVolts - this.#excessMa * DROOP_VOLTS_PER_MA;
  }

  /** True while lines draw more than they may, or too little is given to run. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Voltage of the source, before what the lines take off it. */
  give(volts: number): void {
    this.#givenVolts = volts;
    this.#judge();
  }

  /** Current through a line, in mA. */
  load(line: number, ma: number): void {
    if ((this.#loads.get(line) ?? 0) === ma) return;
    if (ma === 0) this.#loads.delete(line);
    else this.#loads.set(line, ma);
    let total = 0;
    let overLine = 0;
    for (const load of this.#loads.values()) {
      total += load;
      overLine += Math.max(0, load - this.#options.maxLineMa);
    }
    this.#excessMa = Math.max(overLine, total - this.#options.maxAllLinesMa, 0);
    this.#judge();
  }

  #judge(): void {
    const { record, onBrownOut } = this.#options;
    const { volts } = this;
    const isBrownOut = volts < BROWN_OUT_VOLTS;
    const isLow = isBrownOut || this.#excessMa > 0;
    if (isLow !== this.#isLow) {
      this.#isLow = isLow;
      record?.("undervoltage", { on: isLow, millivolts: Math.round(volts * 1000) });
    }
    const begins = isBrownOut && !this.#isBrownOut;
    this.#isBrownOut = isBrownOut;
    if (!begins) return;
    record?.("brownout", { millivolts: Math.round(volts * 1000) });
    onBrownOut(volts);
  }
}
