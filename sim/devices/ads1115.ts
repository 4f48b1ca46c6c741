import type { I2cTarget } from "./target.ts";

const FULL_SCALE_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256] as const;
const SAMPLES_PER_S = [8, 16, 32, 64, 128, 250, 475, 860] as const;
const CONFIG_RESET = 0x8583;
const CONVERSION = 0;
const CONFIG = 1;
const RESET_REGISTERS = [0, CONFIG_RESET, 0x8000, 0x7fff] as const;

/** Signed 16-bit code of a voltage at a gain setting (TI SBAS444, 8.3.3). */
export function ads1115Code(volts: number, pga: number): number {
  const code = Math.round((volts / (FULL_SCALE_V[pga & 7] ?? 0.256)) * 32_768);
  return Math.max(-32_768, Math.min(32_767, code));
}

/** Nominal time of one conversion at a data-rate setting. */
export const ads1115ConversionUs = (dataRate: number): number =>
  Math.round(1e6 / (SAMPLES_PER_S[dataRate & 7] ?? 860));

/** Positive and negative input of each multiplexer setting; null is ground. */
const INPUTS: readonly (readonly [number, number | null])[] = [
  [0, 1],
  [0, 3],
  [1, 3],
  [2, 3],
  [0, null],
  [1, null],
  [2, null],
  [3, null],
];

/** ADS1115 in single-shot mode: pointer register, then 16-bit big-endian words; OS reads 0 while converting. */
export class Ads1115Model implements I2cTarget {
  readonly #volts: (input: number, atUs: number) => number;
  /** The oscillator of one device is off by a fixed factor, 0.9 to 1.1. */
  readonly #slowness: number;
  #registers: number[] = [...RESET_REGISTERS];
  #pointer = 0;
  #converting: { readonly endUs: number; readonly code: number } | null = null;

  constructor(options: {
    readonly volts: (input: number, atUs: number) => number;
    readonly slowness?: number;
  }) {
    this.#volts = options.volts;
    this.#slowness = options.slowness ?? 1;
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.#advance(nowUs);
    if (data.length === 0) return true;
    this.#pointer = (data[0] ?? 0) & 3;
    if (data.length >= 3 && this.#pointer !== CONVERSION) {
      const value = ((data[1] ?? 0) << 8) | (data[2] ?? 0);
      this.#registers[this.#pointer] = value;
      if (this.#pointer === CONFIG && value & 0x8000 && !this.#converting) this.#start(value, nowUs);
    }
    return true;
  }

  read(length: number, nowUs: number): Uint8Array {
    this.#advance(nowUs);
    let value = (this.#registers[this.#pointer] ?? 0) & 0xffff;
    if (this.#pointer === CONFIG) value = (value & 0x7fff) | (this.#converting ? 0 : 0x8000);
    const bytes = [value >> 8, value & 0xff];
    return Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0xff);
  }

  #start(config: number, nowUs: number): void {
    const [positive, negative] = INPUTS[(config >> 12) & 7] ?? [0, null];
    const volts = this.#volts(positive, nowUs) - (negative === null ? 0 : this.#volts(negative, nowUs));
    const endUs = nowUs + ads1115ConversionUs((config >> 5) & 7) * this.#slowness;
    this.#converting = { endUs, code: ads1115Code(volts, (config >> 9) & 7) };
  }

  #advance(nowUs: number): void {
    if (!this.#converting || this.#converting.endUs > nowUs) return;
    this.#registers[CONVERSION] = this.#converting.code;
    this.#converting = null;
  }
}
