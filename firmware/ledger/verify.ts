/** Verification of a ledger (ledger.md 10): the lowest bad index and the first reason there. Never throws. */
import { compareBytes, utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex, ZERO_HASH } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import type { CheckpointClaim } from "./checkpoint.ts";
import { isLedgerEntry, type ReadLink, readLink } from "./entry.ts";
import { indexOfKey } from "./layout.ts";
import { CompactRange, GrowingTree, type TreeNode } from "./tree.ts";
import type { VerifyReport } from "./types.ts";

export interface VerifyAnchor {
  /** The first index that is still stored. */
  readonly index: number;
  /** Hash of the entry before it. */
  readonly prevHash: string;
  /** The tree over [0, index). */
  readonly range: CompactRange;
}

export const GENESIS_ANCHOR: VerifyAnchor = { index: 0, prevHash: ZERO_HASH, range: CompactRange.EMPTY };

/** One row in index order. `read` is null if the row is not an entry; `leaf` undefined if no leaf hash is compared. */
export interface VerifyRow {
  readonly index: number;
  readonly read: ReadLink | null;
  readonly leaf?: Uint8Array | null;
  /** Stored hashes of the subtrees that this entry completes, level 1 upwards, 32 bytes each; undefined if they are not compared. */
  readonly nodes?: Uint8Array;
}

/** A row as the store has it. @param expected index for a key that is none. */
export function storedRow(key: string, row: Uint8Array, expected: number): VerifyRow {
  const index = indexOfKey(key);
  const read = index === null ? null : readLink(row);
  return read === null
    ? { index: index ?? expected, read }
    : { index: index ?? expected, read, nodes: read.nodes };
}

export interface VerifyContext {
  readonly anchor: VerifyAnchor;
  readonly checkpoints: readonly CheckpointClaim[];
  readonly head: { readonly size: number; readonly lastHash: string } | null;
}

interface Verdict {
  readonly reason: string;
  readonly firstBad: number;
  readonly exact: boolean;
}

const bad = (reason: string, firstBad: number, exact = true): Verdict => ({ reason, firstBad, exact });
const sameRoot = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) === 0;

/** Checks rows one by one, in order, so that a log of any size is verified in constant memory. */
export class LedgerVerifier {
  readonly #context: VerifyContext;
  readonly #roots = new Map<number, Uint8Array>();
  readonly #warnings: JsonObject[] = [];
  readonly #anchored: number;
  readonly #tree: GrowingTree;
  #lastHash: string;
  #lastTs = Number.NEGATIVE_INFINITY;
  #lastGood: number | null = null;
  #verdict: Verdict | null = null;
  #badNode: number | null = null;

  constructor(context: VerifyContext) {
    this.#context = context;
    this.#tree = new GrowingTree(context.anchor.range);
    this.#lastHash = context.anchor.prevHash;
    const good = context.checkpoints.filter((checkpoint) => checkpoint.good);
    this.#anchored = good.reduce((size, checkpoint) => Math.max(size, checkpoint.size), 0);
    for (const { size, good: isGood } of context.checkpoints) {
      if (!isGood) this.#warn({ code: "checkpoint_bad_signature", size });
    }
    this.#verdict = this.#findFork(good) ?? this.#judgeRoot();
  }

  /** True once the lowest bad index is known: further rows cannot change the report. */
  get isDecided(): boolean {
    return this.#verdict !== null;
  }

  /** Entries found good so far, the pruned ones included. */
  get size(): number {
    return this.#tree.size;
  }

  #warn(warning: JsonObject): void {
    if (this.#warnings.length < LEDGER_LIMITS.warnings) this.#warnings.push(warning);
  }

  #findFork(good: readonly CheckpointClaim[]): Verdict | null {
    const sorted = [...good].sort((a, b) => a.size - b.size);
    let below = this.#context.anchor.index;
    for (const { size, root } of sorted) {
      const known = this.#roots.get(size);
      if (known === undefined) this.#roots.set(size, root);
      else if (!sameRoot(known, root)) {
        for (const other of sorted) if (other.size < size && other.size > below) below = other.size;
        if (below > this.#context.anchor.index) this.#lastGood = below;
        return bad("fork", below, false);
      }
    }
    return null;
  }

  #judgeRoot(): Verdict | null {
    const root = this.#roots.get(this.#tree.size);
    if (root === undefined) return null;
    if (!sameRoot(root, this.#tree.root())) {
      return bad("root_mismatch", this.#lastGood ?? this.#context.anchor.index, false);
    }
    this.#lastGood = this.#tree.size;
    return null;
  }

  push(row: VerifyRow): void {
    this.#verdict ??= this.#judge(row);
  }

  #judge(row: VerifyRow): Verdict | null {
    const index = this.#tree.size;
    if (row.index > index) return bad("missing_entry", index);
    if (row.index !== index || row.read === null) return bad("bad_entry", Math.min(index, row.index));
    const { prevHash, ts, bytes, hash, storedHash } = row.read;
    if (hash !== storedHash) return bad("hash_mismatch", index);
    if (prevHash !== (index === 0 ? ZERO_HASH : this.#lastHash)) {
      return bad(index === 0 ? "genesis_mismatch" : "chain_break", index);
    }
    const leaf = this.#tree.leaf(bytes);
    if (row.leaf !== undefined && (row.leaf === null || !sameRoot(row.leaf, leaf))) {
      return bad("leaf_mismatch", index);
    }
    if (ts < this.#lastTs) this.#warn({ code: "ts_regression", index });
    this.#lastTs = ts;
    this.#lastHash = hash;
    this.#grow(leaf, row.nodes);
    return this.#judgeRoot();
  }

  /** Nodes above the leaves prove nothing about the entries, but proofs are made of them: told if nothing else is wrong. */
  #grow(leaf: Uint8Array, stored: VerifyRow["nodes"]): void {
    if (stored === undefined || this.#badNode !== null) {
      this.#tree.append(leaf);
      return;
    }
    const index = this.#tree.size;
    let end = 0;
    let isSame = true;
    this.#tree.append(leaf, ({ hash }: TreeNode) => {
      isSame &&= sameRoot(stored.subarray(end, end + hash.length), hash);
      end += hash.length;
    });
    if (!isSame || end !== stored.length) this.#badNode = index;
  }

  #judgeEnd(): Verdict | null {
    const { head } = this.#context;
    const size = this.#tree.size;
    if (size < this.#anchored || (head !== null && size < head.size)) return bad("truncated", size);
    if (head === null) {
      if (size === 0 && this.#context.checkpoints.length === 0) this.#warn({ code: "no_anchor" });
      return null;
    }
    if (head.size < size) return bad("unanchored_tail", head.size);
    return head.lastHash === this.#lastHash ? null : bad("head_mismatch", Math.max(0, size - 1));
  }

  /** The report; adds warnings that only the caller can know of. */
  finish(extraWarnings: readonly JsonObject[] = []): VerifyReport {
    this.#verdict ??=
      this.#judgeEnd() ?? (this.#badNode === null ? null : bad("node_mismatch", this.#badNode));
    const size = this.#tree.size;
    return {
      ok: this.#verdict === null,
      size,
      count: size - this.#context.anchor.index,
      firstBad: this.#verdict?.firstBad ?? null,
      reason: this.#verdict?.reason ?? null,
      exact: this.#verdict?.exact ?? true,
      lastGoodCheckpoint: this.#lastGood,
      warnings: [...this.#warnings, ...extraWarnings],
    };
  }
}

/** Rows as they come out of an export, a vector or a debugger: nothing about them is trusted. */
export interface RawRow {
  readonly index: number;
  readonly entry: unknown;
  readonly hash: unknown;
}

export interface VerifyInput {
  readonly anchor?: VerifyAnchor;
  readonly entries: readonly RawRow[];
  /** Stored leaf hashes by index, where they are to be compared. */
  readonly nodes?: ReadonlyMap<number, Uint8Array>;
  readonly checkpoints: readonly CheckpointClaim[];
  readonly head: VerifyContext["head"];
}

function readRaw({ entry, hash }: RawRow): ReadLink | null {
  if (!isLedgerEntry(entry) || typeof hash !== "string") return null;
  try {
    const bytes = utf8(canonicalize(entry));
    const { prev_hash: prevHash, ts } = entry;
    return { prevHash, ts, bytes, hash: sha256Hex(bytes), storedHash: hash };
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

/** Verifies a ledger that is in memory. Checkpoints are judged before, see `judgeCheckpoints`. */
export function verifyLedger(input: VerifyInput): VerifyReport {
  const anchor = input.anchor ?? GENESIS_ANCHOR;
  const verifier = new LedgerVerifier({ anchor, checkpoints: input.checkpoints, head: input.head });
  const rows = input.entries.filter((row) => !(row.index < anchor.index));
  for (const row of rows.sort((a, b) => a.index - b.index)) {
    if (verifier.isDecided) break;
    const leaf = input.nodes?.get(row.index);
    verifier.push({ index: row.index, read: readRaw(row), ...(leaf === undefined ? {} : { leaf }) });
  }
  return verifier.finish();
}
