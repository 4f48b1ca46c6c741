/** Puts chunks together in any order; nothing beyond the stated length is ever kept. */

import { type Refusal, refusal } from "../../firmware/core/errors.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import { CHUNK_BYTES, chunkCount, chunkLength } from "./topics.ts";

export interface TransferTarget {
  /** SHA-256 in hex and bytes, as the verified statement says. */
  readonly sha256: string;
  readonly length: number;
}

/** Invariant: holds at most the stated length, whatever arrives. */
export class Assembly {
  readonly #target: TransferTarget;
  readonly #chunks: (Uint8Array | undefined)[];
  #missing: number;

  /** The caller has bounded the length. */
  constructor(target: TransferTarget) {
    this.#target = target;
    this.#missing = chunkCount(target.length);
    this.#chunks = new Array<Uint8Array | undefined>(this.#missing).fill(undefined);
  }

  get isComplete(): boolean {
    return this.#missing === 0;
  }

  get received(): number {
    return this.#chunks.length - this.#missing;
  }

  get total(): number {
    return this.#chunks.length;
  }

  /** True if the chunk is new and has the one length it may have; anything else is dropped. */
  add(index: number, chunk: Uint8Array): boolean {
    const fits = index < this.#chunks.length && chunk.length === chunkLength(this.#target.length, index);
    if (!fits || this.#chunks[index] !== undefined) return false;
    this.#chunks[index] = chunk.slice();
    this.#missing--;
    return true;
  }

  /** The bytes, or `target_hash_mismatch`; then every chunk is forgotten, because nobody knows which one was wrong. */
  finish(): { readonly ok: true; readonly bytes: Uint8Array } | Refusal {
    const bytes = new Uint8Array(this.#target.length);
    for (const [index, chunk] of this.#chunks.entries()) if (chunk) bytes.set(chunk, index * CHUNK_BYTES);
    const got = sha256Hex(bytes);
    if (this.isComplete && got === this.#target.sha256) return { ok: true, bytes };
    this.#chunks.fill(undefined);
    this.#missing = this.#chunks.length;
    return refusal("target_hash_mismatch", 412, { expected: this.#target.sha256, got });
  }
}
