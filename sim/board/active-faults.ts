import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { FaultKind, SimFault } from "./faults.ts";

/** The faults that one transfer meets, in the order of their injection, the bus's before the device's. */
export class ActiveFaults {
  readonly #faults: readonly SimFault[];
  readonly #entropy: Entropy;

  constructor(faults: readonly SimFault[], entropy: Entropy) {
    this.#faults = faults;
    this.#entropy = entropy;
  }

  has(kind: FaultKind): boolean {
    return this.#faults.some((fault) => fault.kind === kind);
  }

  /** Draws whether a nack fault strikes this transfer. */
  nacks(): boolean {
    return this.#faults.some((fault) => fault.kind === "nack" && this.#entropy.float() < fault.p);
  }

  stretchUs(): number {
    let us = 0;
    for (const fault of this.#faults) if (fault.kind === "stretch") us += fault.ms * 1000;
    return us;
  }

  slowness(): number {
    let factor = 1;
    for (const fault of this.#faults) if (fault.kind === "slow") factor *= fault.factor;
    return factor;
  }

  /**
   * The bytes as they arrive: of another chip, from a stuck line, or with a flipped bit.
   * @param firstRegister register that the byte at `offset` was read from, null if nobody knows.
   */
  damage(data: Uint8Array, firstRegister: number | null = null, offset = 0): Uint8Array {
    const out = Uint8Array.from(data);
    for (const fault of this.#faults) {
      switch (fault.kind) {
        case "wrong_id": {
          const index = firstRegister === null ? -1 : fault.register - firstRegister;
          if (index >= 0 && offset + index < out.length) out[offset + index] = fault.value;
          break;
        }
        case "stuck_high":
          out.fill(0xff);
          break;
        case "stuck_low":
          out.fill(0);
          break;
        case "corrupt":
          if (out.length > 0 && this.#entropy.float() < fault.p) this.#flipBit(out);
          break;
        default:
          break;
      }
    }
    return out;
  }

  #flipBit(bytes: Uint8Array): void {
    const bit = this.#entropy.below(bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
}
