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

/** One node on the way from a leaf to the root, and what of the proof is left there. */
interface Step {
  readonly fn: number;
  readonly sn: number;
  readonly hash: Uint8Array;
  readonly rest: readonly Uint8Array[];
}

/** The way of a leaf, from itself to the root that its proof gives. Ends early if the proof is too long. */
function* climb(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Generator<Step> {
  let [fn, sn, hash] = [index, size - 1, leaf];
  yield { fn, sn, hash, rest: proof };
  for (const [i, p] of proof.entries()) {
    if (sn === 0) return;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(p, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, p);
    }
    [fn, sn] = [half(fn), half(sn)];
    yield { fn, sn, hash, rest: proof.slice(i + 1) };
  }
}

const isSameStep = (a: Step, b: Step): boolean =>
  a.fn === b.fn &&
  a.sn === b.sn &&
  a.rest.length === b.rest.length &&
  equal(a.hash, b.hash) &&
  a.rest.every((hash, i) => equal(hash, b.rest[i] ?? hash.subarray(1)));

/**
 * Inclusion in one tree, leaf after leaf. Ways of neighbours join after a few nodes: from there on the way was
 * proven with the leaf before, if all that is left of both proofs is the same.
 */
export class InclusionChecker {
  readonly #size: number;
  readonly #root: Uint8Array;
  #last: readonly Step[] = [];

  constructor(size: number, root: Uint8Array) {
    this.#size = size;
    this.#root = root;
  }

  /** Whether the leaf stands at `index`. */
  holds(index: number, leaf: Uint8Array, proof: readonly Uint8Array[]): boolean {
    if (!sound([index, this.#size], [leaf, this.#root, ...proof]) || index >= this.#size) return false;
    const steps: Step[] = [];
    for (const step of climb(index, this.#size, leaf, proof)) {
      const at = this.#last.findIndex((known) => known.rest.length === step.rest.length);
      const known = this.#last[at];
      if (known !== undefined && isSameStep(step, known)) {
        this.#last = [...steps, ...this.#last.slice(at)];
        return true;
      }
      steps.push(step);
    }
    const top = steps.at(-1);
    if (top === undefined || top.rest.length > 0 || top.sn !== 0 || !equal(top.hash, this.#root))
      return false;
    this.#last = steps;
    return true;
  }
}

/** Whether the leaf stands at `index` of the tree of `size` leaves with this root. */
export const verifyInclusion = (
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean => new InclusionChecker(size, root).holds(index, leaf, proof);

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
