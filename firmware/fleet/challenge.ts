import { toHex } from "../core/bytes.ts";
import type { Entropy } from "../ports/entropy.ts";

/**
 * 16 random bytes in the retained status that stand for freshness while the clock is not trusted (trust.md 7, row 9).
 * New at every boot and after every use.
 */
export class Challenge {
  readonly #entropy: Entropy;
  readonly #onChange: () => void;
  #current: string;

  constructor(entropy: Entropy, onChange: () => void) {
    this.#entropy = entropy;
    this.#onChange = onChange;
    this.#current = toHex(entropy.bytes(16));
  }

  get current(): string {
    return this.#current;
  }

  renew(): void {
    this.#current = toHex(this.#entropy.bytes(16));
    this.#onChange();
  }
}
