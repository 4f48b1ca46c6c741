import { randomBytes } from "node:crypto";
import type { Entropy } from "../ports/entropy.ts";

/** The operating system's generator. */
export class SystemEntropy implements Entropy {
  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length));
  }

  below(bound: number): number {
    // Rejection keeps the result uniform; fewer than half of all draws are rejected.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const draw = randomBytes(4).readUInt32BE();
      if (draw < limit) return draw % bound;
    }
  }

  float(): number {
    const bytes = randomBytes(8);
    return (bytes.readUInt32BE(0) >>> 5) / 2 ** 27 + (bytes.readUInt32BE(4) >>> 6) / 2 ** 53;
  }
}
