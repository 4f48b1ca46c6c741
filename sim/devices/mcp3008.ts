import type { SpiTarget } from "./target.ts";

/** 10-bit code of a voltage against the reference (Microchip DS21295, 4.1). */
export const mcp3008Code = (volts: number, vref: number): number =>
  Math.max(0, Math.min(1023, Math.floor((volts / vref) * 1024)));

const CODE_BITS = 10;

/** Highest clock at 2.7 V and at 5 V; the sheet gives no figure between, a straight line is assumed (DS21295, 1.0). */
const SLOW = { volts: 2.7, hz: 1_350_000 };
const FAST = { volts: 5, hz: 3_600_000 };

function highestClock(supplyVolts: number): number {
  const share = Math.max(0, Math.min(1, (supplyVolts - SLOW.volts) / (FAST.volts - SLOW.volts)));
  return Math.round(SLOW.hz + share * (FAST.hz - SLOW.hz));
}

export interface Mcp3008Options {
  readonly vref: number;
  /** Supply, which bounds the clock; default `vref`. */
  readonly supplyVolts?: number;
  readonly volts: (channel: number, atUs: number) => number;
}

/**
 * Eight-channel converter on SPI: start bit anywhere, SGL/DIFF, three channel bits, sample, null, ten bits MSB first,
 * then the same bits LSB first from bit 1 on, then zeros (DS21295, 5.0 and figures 5-1 and 5-2).
 */
export class Mcp3008Model implements SpiTarget {
  readonly maxHz: number;
  readonly #volts: (channel: number, atUs: number) => number;
  readonly #vref: number;

  constructor(options: Mcp3008Options) {
    this.#vref = options.vref;
    this.#volts = options.volts;
    this.maxHz = highestClock(options.supplyVolts ?? options.vref);
  }

  transfer(data: Uint8Array, nowUs: number): Uint8Array {
    const out = new Uint8Array(data.length);
    const bit = (index: number): number => ((data[index >> 3] ?? 0) >> (7 - (index & 7))) & 1;
    const bits = data.length * 8;
    let start = 0;
    while (start < bits && bit(start) === 0) start++;
    // Without the clock that ends the sample nothing is converted.
    if (start + 5 >= bits) return out;
    const single = bit(start + 1) === 1;
    const channel = (bit(start + 2) << 2) | (bit(start + 3) << 1) | bit(start + 4);
    const code = this.#convert(single, channel, nowUs);
    // One clock to sample, one null bit, then the code: down to bit 0 and up again.
    for (let i = 0; i < 2 * CODE_BITS - 1; i++) {
      const position = start + 7 + i;
      const weight = Math.abs(CODE_BITS - 1 - i);
      if (position < bits && (code >> weight) & 1) {
        out[position >> 3] = (out[position >> 3] ?? 0) | (0x80 >> (position & 7));
      }
    }
    return out;
  }

  #convert(single: boolean, channel: number, nowUs: number): number {
    if (single) return mcp3008Code(this.#volts(channel, nowUs), this.#vref);
    const difference = this.#volts(channel, nowUs) - this.#volts(channel ^ 1, nowUs);
    return mcp3008Code(difference, this.#vref);
  }
}
