/** RFC 6962 section 2.1: hashes of the tree, inclusion and consistency proofs. */
import { equal, fromBase64, sha256 } from "./bytes.ts";
import type { Json } from "./json.ts";
import { LIMITS } from "./limits.ts";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

export const leafHash = (data: Uint8Array): Uint8Array => sha256(LEAF, data);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

const half = (n: number): number => Math.floor(n / 2);

function sound(sizes: readonly number[], hashes: readonly Uint8Array[]): boolean {
  return (
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    hashes.length <= LIMITS.proofHashes + 2 &&
    hashes.every(({ length }) => length === 32)
  );
}

/** Whether the leaf stands at `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!sound([index, size], [leaf, root, ...proof]) || index >= size) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(r, root);
}

/** Whether the tree of `newSize` leaves begins with the one of `oldSize`. Size 0 is begun with by every tree. */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!sound([oldSize, newSize], [oldRoot, newRoot, ...proof]) || oldSize > newSize) return false;
  if (oldSize === newSize) return proof.length === 0 && equal(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0;
  if (proof.length === 0) return false;
  let [fn, sn] = [oldSize - 1, newSize - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  // The old root is itself a node of the new tree if its size is a power of two; then the proof leaves it out.
  const [first, ...rest] = fn === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [fr, sr] = [first, first];
  for (const c of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(fr, oldRoot) && equal(sr, newRoot);
}

/** Hashes of the complete subtrees of [0, size), left to right: what a growing tree needs to know of its past. */
export class GrowingTree {
  #size: number;
  readonly #hashes: Uint8Array[];

  private constructor(size: number, hashes: readonly Uint8Array[]) {
    this.#size = size;
    this.#hashes = [...hashes];
  }

  /** Null unless there is one hash for each complete subtree, which are as many as `size` has ones in binary. */
  static of(size: number, hashes: readonly Uint8Array[]): GrowingTree | null {
    if (!sound([size], hashes)) return null;
    let ones = 0;
    for (let n = size; n > 0; n = half(n)) ones += n % 2;
    return hashes.length === ones ? new GrowingTree(size, hashes) : null;
  }

  append(leaf: Uint8Array): void {
    let hash = leaf;
    for (let n = this.#size; n % 2 === 1; n = half(n)) hash = nodeHash(this.#hashes.pop() ?? hash, hash);
    this.#hashes.push(hash);
    this.#size++;
  }

  root(): Uint8Array {
    const last = this.#hashes.at(-1);
    if (last === undefined) return sha256();
    return this.#hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }
}

/** Null unless it is a list of hashes in base64, no longer than any proof. */
export function readProof(value: Json | undefined): readonly Uint8Array[] | null {
  if (!Array.isArray(value) || value.length > LIMITS.proofHashes) return null;
  const hashes = (value as readonly Json[]).map((text) =>
    typeof text === "string" ? fromBase64(text) : null,
  );
  return hashes.every((hash) => hash !== null && hash.length === 32) ? (hashes as Uint8Array[]) : null;
}
