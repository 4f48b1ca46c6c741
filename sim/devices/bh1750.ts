import { nextStartUs } from "./free-running.ts";
import type { I2cTarget } from "./target.ts";
import { wordBytes } from "./word.ts";

/** Resolution modes: H 1 lx, H2 0.5 lx, L 4 lx (ROHM BH1750FVI, "Measurement mode explanation"). */
export type Bh1750Mode = "h" | "h2" | "l";

const DEFAULT_MEASUREMENT_TIME = 69;
const MIN_MEASUREMENT_TIME = 31;
const MAX_MEASUREMENT_TIME = 254;
/** Typical conversion times at measurement time 69. */
const TYPICAL_US: Readonly<Record<Bh1750Mode, number>> = { h: 120_000, h2: 120_000, l: 16_000 };
/** 180 ms instead of 120, 24 instead of 16: the slowest part of the data sheet. */
const MAX_SLOWNESS = 1.5;

const POWER_DOWN = 0x00;
const POWER_ON = 0x01;
const RESET = 0x07;
const MEASURE: ReadonlyMap<number, { readonly mode: Bh1750Mode; readonly once: boolean }> = new Map([
  [0x10, { mode: "h", once: false }],
  [0x11, { mode: "h2", once: false }],
  [0x13, { mode: "l", once: false }],
  [0x20, { mode: "h", once: true }],
  [0x21, { mode: "h2", once: true }],
  [0x23, { mode: "l", once: true }],
]);

/** Code of an illuminance in lux: 1.2 counts per lx at measurement time 69, twice that in H2, multiples of 4 in L. */
export function bh1750Raw(lux: number, mode: Bh1750Mode, measurementTime = DEFAULT_MEASUREMENT_TIME): number {
  const counts = lux * 1.2 * (mode === "h2" ? 2 : 1) * (measurementTime / DEFAULT_MEASUREMENT_TIME);
  const code = Math.max(0, Math.min(0xffff, Math.floor(counts)));
  return mode === "l" ? code & ~3 : code;
}

export interface Bh1750Options {
  /** Illuminance in lux at the start of a conversion. */
  readonly lux: (atUs: number) => number;
  /** Conversion time of this part as a multiple of the typical one, 1..1.5; the slowest if not given. */
  readonly slowness?: number;
}

interface Conversion {
  readonly endUs: number;
  readonly raw: number;
  readonly mode: Bh1750Mode;
  readonly once: boolean;
}

/** BH1750 light sensor: one opcode per write, a 16-bit result that stays until the next one (simulator.md 5). */
export class Bh1750Model implements I2cTarget {
  readonly #options: Bh1750Options;
  #on = false;
  #result = 0;
  #measurementTime = DEFAULT_MEASUREMENT_TIME;
  #conversion: Conversion | null = null;

  constructor(options: Bh1750Options) {
    this.#options = options;
  }

  /** The part takes no second opcode without a stop condition. */
  write(data: Uint8Array, nowUs: number): boolean {
    this.#advance(nowUs);
    const [opcode] = data;
    if (opcode === undefined) return true;
    if (data.length > 1) return false;
    this.#execute(opcode, nowUs);
    return true;
  }

  /** Before the end of a conversion, the result of the one before. */
  read(length: number, nowUs: number): Uint8Array {
    this.#advance(nowUs);
    return wordBytes(this.#result, length);
  }

  powerCut(): void {
    this.#on = false;
    this.#result = 0;
    this.#measurementTime = DEFAULT_MEASUREMENT_TIME;
    this.#conversion = null;
  }

  #execute(opcode: number, nowUs: number): void {
    const measure = MEASURE.get(opcode);
    if (opcode === POWER_DOWN) {
      this.#on = false;
      this.#conversion = null;
    } else if (opcode === POWER_ON) {
      this.#on = true;
    } else if (opcode === RESET) {
      // Not accepted in power down.
      if (this.#on) this.#result = 0;
    } else if (measure) {
      // The power-on command may be left out.
      this.#on = true;
      this.#start(measure.mode, measure.once, nowUs);
    } else if ((opcode & 0xf8) === 0x40) {
      this.#measurementTime = (this.#measurementTime & 0x1f) | ((opcode & 0x07) << 5);
    } else if ((opcode & 0xe0) === 0x60) {
      this.#measurementTime = (this.#measurementTime & 0xe0) | (opcode & 0x1f);
    }
  }

  #start(mode: Bh1750Mode, once: boolean, atUs: number): void {
    const raw = bh1750Raw(this.#options.lux(atUs), mode, this.#time());
    this.#conversion = { endUs: atUs + this.#durationUs(mode), raw, mode, once };
  }

  #advance(nowUs: number): void {
    while (this.#conversion && this.#conversion.endUs <= nowUs) {
      const { endUs, raw, mode, once } = this.#conversion;
      this.#result = raw;
      this.#conversion = null;
      if (once) this.#on = false;
      else this.#start(mode, false, nextStartUs(endUs, this.#durationUs(mode), nowUs));
    }
  }

  #time(): number {
    return Math.max(MIN_MEASUREMENT_TIME, Math.min(MAX_MEASUREMENT_TIME, this.#measurementTime));
  }

  #durationUs(mode: Bh1750Mode): number {
    const slowness = this.#options.slowness ?? MAX_SLOWNESS;
    return Math.round((TYPICAL_US[mode] * slowness * this.#time()) / DEFAULT_MEASUREMENT_TIME);
  }
}
