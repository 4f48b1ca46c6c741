/** The RFC 6962 section 2.1 Merkle tree: hashes, the compact range of an appending log, roots (ledger.md 4). */
import { fromHex } from "../core/bytes.ts";
import { sha256 } from "../core/hash.ts";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** SHA-256 of nothing: the root of the empty tree. */
export const EMPTY_ROOT: Uint8Array = sha256();

export const leafHash = (data: Uint8Array): Uint8Array => sha256(LEAF, data);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

/** Names the complete subtree of 2^level leaves that begins at leaf index · 2^level. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

export interface TreeNode extends NodeId {
  readonly hash: Uint8Array;
}

/** The complete subtrees, left to right, that make up leaves [start, end). `start` must suit a subtree of RFC 6962. */
export function nodesOf(start: number, end: number): NodeId[] {
  const ids: NodeId[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2;
      level++;
    }
    ids.push({ level, index: at / width });
    at += width;
  }
  return ids;
}

/** MTH of the leaves whose complete subtrees, left to right, have these hashes. */
export function foldNodes(hashes: readonly Uint8Array[]): Uint8Array {
  let root: Uint8Array | undefined;
  for (let i = hashes.length - 1; i >= 0; i--) {
    const hash = hashes[i] ?? EMPTY_ROOT;
    root = root === undefined ? hash : nodeHash(hash, root);
  }
  return root ?? EMPTY_ROOT;
}

/** The right edge of a growing tree: at most one complete subtree per level, immutable. Appending costs O(log n). */
export class CompactRange {
  readonly size: number;
  /** Hashes of the complete subtrees of [0, size), left to right. */
  readonly hashes: readonly Uint8Array[];

  private constructor(size: number, hashes: readonly Uint8Array[]) {
    this.size = size;
    this.hashes = hashes;
  }

  static readonly EMPTY: CompactRange = new CompactRange(0, []);

  /** Null unless there is exactly one 32-byte hash per complete subtree of [0, size). */
  static of(size: number, hashes: readonly Uint8Array[]): CompactRange | null {
    if (!Number.isSafeInteger(size) || size < 0) return null;
    if (hashes.length !== nodesOf(0, size).length || hashes.some((hash) => hash.length !== 32)) return null;
    return new CompactRange(size, hashes);
  }

  /** @param collect receives every subtree this leaf completes, from the leaf upwards. */
  append(leaf: Uint8Array, collect?: (node: TreeNode) => void): CompactRange {
    const hashes = [...this.hashes];
    let hash = leaf;
    let index = this.size;
    let level = 0;
    collect?.({ level, index, hash });
    for (; index % 2 === 1; level++) {
      hash = nodeHash(hashes.pop() ?? EMPTY_ROOT, hash);
      index = (index - 1) / 2;
      collect?.({ level: level + 1, index, hash });
    }
    hashes.push(hash);
    return new CompactRange(this.size + 1, hashes);
  }

  root(): Uint8Array {
    return foldNodes(this.hashes);
  }
}

/** Long enough for most leaves and for two hashes. */
const SCRATCH_BYTES = 4096;

/** The same tree for one reader that goes through very many leaves: it changes in place and copies no list. */
export class GrowingTree {
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #hashes: Uint8Array[];
  #size: number;

  constructor(range: CompactRange) {
    this.#hashes = [...range.hashes];
    this.#size = range.size;
  }

  get size(): number {
    return this.#size;
  }

  /** As `leafHash`, its data put behind the prefix in memory of its own. */
  leaf(data: Uint8Array): Uint8Array {
    const end = data.length + 1;
    if (end > SCRATCH_BYTES) return leafHash(data);
    this.#scratch[0] = 0x00;
    this.#scratch.set(data, 1);
    return sha256(this.#scratch.subarray(0, end));
  }

  #node(left: Uint8Array, right: Uint8Array): Uint8Array {
    this.#scratch[0] = 0x01;
    this.#scratch.set(left, 1);
    this.#scratch.set(right, 33);
    return sha256(this.#scratch.subarray(0, 65));
  }

  /** @param collect receives every subtree above the leaf that it completes, from below upwards. */
  append(leaf: Uint8Array, collect?: (node: TreeNode) => void): void {
    let hash = leaf;
    let index = this.#size;
    for (let level = 1; index % 2 === 1; level++) {
      hash = this.#node(this.#hashes.pop() ?? EMPTY_ROOT, hash);
      index = (index - 1) / 2;
      collect?.({ level, index, hash });
    }
    this.#hashes.push(hash);
    this.#size++;
  }

  root(): Uint8Array {
    return foldNodes(this.#hashes);
  }
}

/** MTH over leaf data. */
export function rootOf(leaves: Iterable<Uint8Array>): Uint8Array {
  let range = CompactRange.EMPTY;
  for (const data of leaves) range = range.append(leafHash(data));
  return range.root();
}

/**
 * A run's `evidenceRoot`: MTH over its evidence ids in order of `seq`.
 * @param ids 64 hex characters each. @throws CodedError `bad_encoding`.
 */
export const evidenceRoot = (ids: readonly string[]): Uint8Array => rootOf(ids.map(fromHex));
