import type { SpiTarget } from "./target.ts";

/** 10-bit code of a voltage against the reference (Microchip DS21295, 4.1). */
export const mcp3008Code = (volts: number, vref: number): number =>
  Math.max(0, Math.min(1023, Math.floor((volts / vref) * 1024)));

/** Eight-channel converter on SPI: start bit anywhere, SGL/DIFF, three channel bits, sample, null, ten bits MSB first. */
export class Mcp3008Model implements SpiTarget {
  readonly maxHz = 3_600_000;
  readonly #volts: (channel: number, atUs: number) => number;
  readonly #vref: number;

  constructor(options: { readonly vref: number; readonly volts: (channel: number, atUs: number) => number }) {
    this.#vref = options.vref;
    this.#volts = options.volts;
  }

  transfer(data: Uint8Array, nowUs: number): Uint8Array {
    const out = new Uint8Array(data.length);
    const bit = (index: number): number => ((data[index >> 3] ?? 0) >> (7 - (index & 7))) & 1;
    const bits = data.length * 8;
    let start = 0;
    while (start < bits && bit(start) === 0) start++;
    if (start >= bits) return out;
    const single = bit(start + 1) === 1;
    const channel = (bit(start + 2) << 2) | (bit(start + 3) << 1) | bit(start + 4);
    const code = this.#convert(single, channel, nowUs);
    // One clock to sample, one null bit, then the code.
    for (let i = 0; i < 10; i++) {
      const position = start + 7 + i;
      if (position < bits && (code >> (9 - i)) & 1)
        out[position >> 3] = (out[position >> 3] ?? 0) | (0x80 >> (position & 7));
    }
    return out;
  }

  #convert(single: boolean, channel: number, nowUs: number): number {
    if (single) return mcp3008Code(this.#volts(channel, nowUs), this.#vref);
    const difference = this.#volts(channel, nowUs) - this.#volts(channel ^ 1, nowUs);
    return mcp3008Code(difference, this.#vref);
  }
}
