import type { Entropy } from "../../firmware/ports/entropy.ts";
import { copyOf } from "./copy.ts";

/** How long an fsync takes, as links state their delays: min + int(spread+1), with probability tailP + int(tail+1). */
export interface SlowSync {
  readonly minUs: number;
  readonly spreadUs: number;
  /** Probability 0..1 of a stall, as cheap cards have them while they clean up. */
  readonly tailP: number;
  readonly tailUs: number;
}

export interface BitRot {
  /** False: reading it fails. True: one bit is flipped and nobody says so. */
  readonly silent: boolean;
}

/** What is wrong with a disk at present (simulator.md 8). */
export class DiskFaults {
  readonly #entropy: Entropy;
  /** By the stored bytes themselves: written anew they are sound, and come back damaged if that write is lost. */
  readonly #rot = new WeakMap<Uint8Array, BitRot & { readonly bit: number }>();
  #hasRot = false;
  /** Writing fails, as after the kernel has found an error and remounted. */
  readOnly = false;
  slowSync: SlowSync | null = null;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** Damages stored bytes; which bit flips is drawn now. */
  rot(stored: Uint8Array, rot: BitRot): void {
    this.#hasRot = true;
    this.#rot.set(stored, { ...rot, bit: stored.length === 0 ? 0 : this.#entropy.below(stored.length * 8) });
  }

  /** A copy of stored bytes as a read gives them; null if they cannot be read. */
  read(stored: Uint8Array): Uint8Array | null {
    const copy = copyOf(stored);
    const rot = this.#hasRot ? this.#rot.get(stored) : undefined;
    if (!rot) return copy;
    if (!rot.silent) return null;
    const at = rot.bit >> 3;
    if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << (rot.bit & 7));
    return copy;
  }

  /** Milliseconds that the next fsync takes. */
  drawSyncMs(): number {
    const slow = this.slowSync;
    if (!slow) return 0;
    let us = slow.minUs + this.#entropy.below(slow.spreadUs + 1);
    if (this.#entropy.float() < slow.tailP) us += this.#entropy.below(slow.tailUs + 1);
    return us / 1000;
  }
}
