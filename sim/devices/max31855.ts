import type { SpiTarget } from "./target.ts";

const CONVERSION_US = 100_000;
/** Two conversions pass before the first value after power-up (19-5793, electrical characteristics, tCONV_PU). */
const POWER_UP_US = 200_000;

/** Faults of the thermocouple's wiring. */
export interface ThermocoupleFault {
  /** Open circuit. */
  readonly oc?: boolean;
  /** Short to ground. */
  readonly scg?: boolean;
  /** Short to the supply. */
  readonly scv?: boolean;
}

const signed = (value: number, bits: number): number => {
  const limit = 2 ** (bits - 1);
  const code = Math.max(-limit, Math.min(limit - 1, Math.round(value)));
  return code & (2 ** bits - 1);
};

/**
 * The 32 bits of one reading: 14 bits of 0.25 °C, fault, 12 bits of 0.0625 °C for the reference junction, SCV, SCG, OC
 * (19-5793, tables 2 to 5).
 */
export function max31855Frame(
  thermocoupleC: number,
  junctionC: number,
  fault: ThermocoupleFault = {},
): Uint8Array {
  const bits = (fault.scv ? 4 : 0) | (fault.scg ? 2 : 0) | (fault.oc ? 1 : 0);
  const high = (signed(thermocoupleC * 4, 14) << 2) | (bits === 0 ? 0 : 1);
  const low = (signed(junctionC * 16, 12) << 4) | bits;
  return Uint8Array.of(high >> 8, high & 0xff, low >> 8, low & 0xff);
}

export interface Max31855Options {
  readonly thermocoupleC: (atUs: number) => number;
  /** The chip's own temperature. */
  readonly junctionC: (atUs: number) => number;
}

/**
 * Thermocouple converter on SPI, read-only: a new value every 100 ms, taken from the quantities at the start of its
 * conversion; zero before the first and
 * without power. Clocks beyond 32 read zero.
 */
export class Max31855Model implements SpiTarget {
  readonly maxHz = 5_000_000;
  readonly #options: Max31855Options;
  /** Null without power. */
  #poweredUs: number | null = 0;
  #latest: { readonly startUs: number; readonly frame: Uint8Array } | null = null;
  /** Fault of the wiring, seen from the next conversion on. */
  fault: ThermocoupleFault = {};

  constructor(options: Max31855Options) {
    this.#options = options;
  }

  transfer(data: Uint8Array, nowUs: number): Uint8Array {
    const answer = new Uint8Array(data.length);
    answer.set(this.#frameAt(nowUs).subarray(0, data.length));
    return answer;
  }

  powerCut(): void {
    this.#poweredUs = null;
    this.#latest = null;
  }

  powerOn(nowUs: number): void {
    this.#poweredUs = nowUs;
  }

  #frameAt(nowUs: number): Uint8Array {
    const poweredUs = this.#poweredUs;
    if (poweredUs === null) return new Uint8Array(4);
    const sinceUs = nowUs - poweredUs;
    if (sinceUs < POWER_UP_US) return new Uint8Array(4);
    const startUs = poweredUs + (Math.floor(sinceUs / CONVERSION_US) - 1) * CONVERSION_US;
    if (this.#latest?.startUs !== startUs) {
      const { thermocoupleC, junctionC } = this.#options;
      const frame = max31855Frame(thermocoupleC(startUs), junctionC(startUs), this.fault);
      this.#latest = { startUs, frame };
    }
    return this.#latest.frame;
  }
}
