/**
 * Checking proofs as ledger.md 4 writes it down, with nothing but SHA-256: a mistake that the product's prover and
 * verifier share must not hide here.
 */
import { compareBytes } from "../../../firmware/core/bytes.ts";
import { sha256 } from "../../../firmware/core/hash.ts";

const HASH_BYTES = 32;
const MOST_HASHES = 63;

const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Uint8Array.of(1), left, right);
const same = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) === 0;
const areHashes = (hashes: readonly Uint8Array[]): boolean =>
  hashes.every(({ length }) => length === HASH_BYTES);

export const leafOf = (data: Uint8Array): Uint8Array => sha256(Uint8Array.of(0), data);

/** Place of a node on its level, and of the last node of that level. */
class Place {
  #own: number;
  #last: number;

  constructor(own: number, last: number) {
    this.#own = own;
    this.#last = last;
  }

  get isOver(): boolean {
    return this.#last === 0;
  }

  get isFirst(): boolean {
    return this.#own === 0;
  }

  get isOdd(): boolean {
    return this.#own % 2 === 1;
  }

  /** Whether the sibling in the proof stands to the left. */
  get isRight(): boolean {
    return this.isOdd || this.#own === this.#last;
  }

  up(): void {
    this.#own = Math.floor(this.#own / 2);
    this.#last = Math.floor(this.#last / 2);
  }

  /** After a left sibling: over the levels on which the node has no sibling at all. */
  upWhileEven(): void {
    while (!this.isOdd && !this.isFirst) this.up();
  }
}

/** Whether a leaf is at this place of the tree with this root. */
export function includes(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index >= size || proof.length > MOST_HASHES || !areHashes([leaf, root, ...proof])) return false;
  const place = new Place(index, size - 1);
  let hash = leaf;
  for (const sibling of proof) {
    if (place.isOver) return false;
    if (place.isRight) {
      hash = node(sibling, hash);
      place.upWhileEven();
    } else hash = node(hash, sibling);
    place.up();
  }
  return place.isOver && same(hash, root);
}

export interface Tree {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the later tree extends the earlier one. */
export function extendsTree(earlier: Tree, later: Tree, proof: readonly Uint8Array[]): boolean {
  if (earlier.size > later.size || proof.length > MOST_HASHES) return false;
  if (!areHashes([earlier.root, later.root, ...proof])) return false;
  if (earlier.size === later.size) return proof.length === 0 && same(earlier.root, later.root);
  if (earlier.size === 0) return proof.length === 0;
  const place = new Place(earlier.size - 1, later.size - 1);
  while (place.isOdd) place.up();
  const [first, ...rest] = place.isFirst ? [earlier.root, ...proof] : proof;
  if (first === undefined || proof.length === 0) return false;
  let [before, after] = [first, first];
  for (const sibling of rest) {
    if (place.isOver) return false;
    if (place.isRight) {
      [before, after] = [node(sibling, before), node(sibling, after)];
      place.upWhileEven();
    } else after = node(after, sibling);
    place.up();
  }
  return place.isOver && same(before, earlier.root) && same(after, later.root);
}
