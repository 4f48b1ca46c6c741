import { utf8 } from "../../firmware/core/bytes.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";

const rotl = (x: number, k: number): number => ((x << k) | (x >>> (32 - k))) >>> 0;

/** xoshiro128** over a named stream of a seed (simulator.md 2): a new consumer gets a new stream and disturbs no other. */
export class SeededEntropy implements Entropy {
  #s: [number, number, number, number];

  constructor(seed: string, stream: string) {
    const hash = Buffer.from(sha256(utf8(`${seed}\n${stream}`)));
    const words: [number, number, number, number] = [
      hash.readUInt32LE(0),
      hash.readUInt32LE(4),
      hash.readUInt32LE(8),
      hash.readUInt32LE(12),
    ];
    this.#s = words.every((word) => word === 0) ? [1, 0, 0, 0] : words;
  }

  /** A uniform unsigned 32-bit integer. */
  u32(): number {
    const s = this.#s;
    const result = Math.imul(rotl(Math.imul(s[1], 5) >>> 0, 7), 9) >>> 0;
    const t = (s[1] << 9) >>> 0;
    s[2] = (s[2] ^ s[0]) >>> 0;
    s[3] = (s[3] ^ s[1]) >>> 0;
    s[1] = (s[1] ^ s[2]) >>> 0;
    s[0] = (s[0] ^ s[3]) >>> 0;
    s[2] = (s[2] ^ t) >>> 0;
    s[3] = rotl(s[3], 11);
    return result;
  }

  float(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  below(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const draw = this.u32();
      if (draw < limit) return draw % bound;
    }
  }

  /** Sum of twelve uniform numbers minus six: mean 0, variance 1. */
  gauss(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.float();
    return sum;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.u32() >>> 24;
    return out;
  }
}
