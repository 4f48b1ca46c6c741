/** Making and checking RFC 6962 inclusion and consistency proofs (ledger.md 4). */
import { equalConstantTime } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import { foldNodes, type NodeId, nodeHash, nodesOf } from "./tree.ts";

/** Enough for any tree of fewer than 2^63 leaves. */
export const MAX_PROOF_HASHES = LEDGER_LIMITS.proofHashes;

/** Leaves [start, end): one hash of a proof. */
export type LeafSpan = readonly [start: number, end: number];

/** Where the hash of a complete subtree comes from. */
export type NodeSource = (ids: readonly NodeId[]) => Promise<readonly (Uint8Array | undefined)[]>;

function splitOf(width: number): number {
  let k = 1;
  while (k * 2 < width) k *= 2;
  return k;
}

/** The spans of PATH(index, D[size]), leaf sibling first. @throws CodedError `not_included` if index >= size. */
export function inclusionSpans(index: number, size: number): LeafSpan[] {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size)) {
    throw new CodedError("not_included", "The tree has no leaf at this index.", { status: 404 });
  }
  const spans: LeafSpan[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      spans.push([middle, end]);
      end = middle;
    } else {
      spans.push([start, middle]);
      start = middle;
    }
  }
  return spans.reverse();
}

/** The spans of PROOF(oldSize, D[newSize]); empty for 0 and for equal sizes. @throws CodedError `malformed`. */
export function consistencySpans(oldSize: number, newSize: number): LeafSpan[] {
  if (!(Number.isSafeInteger(oldSize) && oldSize >= 0 && oldSize <= newSize)) {
    throw new CodedError("malformed", "The old tree is larger than the new one.", { status: 400 });
  }
  if (oldSize === 0 || oldSize === newSize) return [];
  const spans: LeafSpan[] = [];
  let start = 0;
  let end = newSize;
  let whole = true;
  while (oldSize !== end) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      spans.push([middle, end]);
      end = middle;
    } else {
      spans.push([start, middle]);
      start = middle;
      whole = false;
    }
  }
  if (!whole) spans.push([start, end]);
  return spans.reverse();
}

/** The hashes of the given spans. @throws CodedError `missing_entry` (500) if a subtree's hash is gone. */
export async function proofOf(spans: readonly LeafSpan[], source: NodeSource): Promise<Uint8Array[]> {
  const groups = spans.map(([start, end]) => nodesOf(start, end));
  const hashes = await source(groups.flat());
  let at = 0;
  return groups.map((ids) => {
    const own = hashes.slice(at, at + ids.length);
    at += ids.length;
    return foldNodes(
      own.map((hash, i) => {
        if (hash !== undefined) return hash;
        const { level = 0, index = 0 } = ids[i] ?? {};
        throw new CodedError("missing_entry", "A hash of the tree is not stored.", {
          details: { level, index },
        });
      }),
    );
  });
}

const half = (n: number): number => Math.floor(n / 2);
const isHash = (hash: Uint8Array): boolean => hash.length === 32;
const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** True iff the leaf hash is at `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || proof.length > MAX_PROOF_HASHES) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let fn = index;
  let sn = size - 1;
  let r = leaf;
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
  return sn === 0 && equalConstantTime(r, root);
}

/** True iff the tree of `newSize` leaves extends the one of `oldSize`. An old size of 0 proves nothing. */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false;
  if (proof.length > MAX_PROOF_HASHES || ![oldRoot, newRoot, ...proof].every(isHash)) return false;
  if (oldSize === newSize) return proof.length === 0 && equalConstantTime(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0;
  if (proof.length === 0) return false;
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  // After the shift fn is 0 exactly when the old size is a power of two: its root is itself a node of the new tree.
  const [first, ...rest] = fn === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let fr = first;
  let sr = first;
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
  return sn === 0 && equalConstantTime(fr, oldRoot) && equalConstantTime(sr, newRoot);
}
