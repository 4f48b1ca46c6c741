/**
 * Chain and tree of a stored ledger, recomputed from ledger.md 1 and 4 with nothing but SHA-256: a mistake that the
 * product's writer and verifier share must not hide here.
 */
import { compareBytes, concat, fromHex } from "../../../firmware/core/bytes.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { sha256, sha256Hex, ZERO_HASH } from "../../../firmware/core/hash.ts";
import { isJsonObject } from "../../../firmware/core/json.ts";
import type { Store } from "../../../firmware/ports/store.ts";
import { ledgerSub } from "./epochs.ts";
import type { DeviceFacts, StoredEntry } from "./facts.ts";

export interface ChainFault {
  readonly index: number;
  readonly why: string;
}

interface Subtree {
  readonly leaves: number;
  readonly hash: Uint8Array;
}

const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Uint8Array.of(1), left, right);

/** The right edge of a growing tree (RFC 6962, 2.1). */
export class Edge {
  readonly #subtrees: Subtree[];

  constructor(subtrees: readonly Subtree[] = []) {
    this.#subtrees = [...subtrees];
  }

  get size(): number {
    return this.#subtrees.reduce((sum, { leaves }) => sum + leaves, 0);
  }

  /** @returns the hashes of the subtrees above the leaf that it completes, from below. */
  append(leaf: Uint8Array): readonly Uint8Array[] {
    const completed: Uint8Array[] = [];
    let last: Subtree = { leaves: 1, hash: leaf };
    for (let top = this.#subtrees.at(-1); top?.leaves === last.leaves; top = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      last = { leaves: 2 * last.leaves, hash: node(top.hash, last.hash) };
      completed.push(last.hash);
    }
    this.#subtrees.push(last);
    return completed;
  }

  root(): Uint8Array {
    const [last, ...before] = [...this.#subtrees].reverse();
    if (last === undefined) return sha256();
    return before.reduce((hash, subtree) => node(subtree.hash, hash), last.hash);
  }
}

export interface Anchor {
  readonly index: number;
  readonly prevHash: string;
  readonly edge: Edge;
}

/** Where a pruned log begins; a whole one begins at genesis. */
export async function anchorOf(store: Store, epoch: number): Promise<Anchor> {
  const row = await store.get(ledgerSub("lganchor", epoch), "0");
  const value = row === undefined ? null : decodeCbor(row);
  if (!isJsonObject(value)) return { index: 0, prevHash: ZERO_HASH, edge: new Edge() };
  const index = Number(value.index);
  const hashes = Array.isArray(value.range) ? value.range.map(String) : [];
  const subtrees: Subtree[] = [];
  let left = index;
  for (const hash of hashes) {
    const leaves = 2 ** Math.floor(Math.log2(left));
    subtrees.push({ leaves, hash: fromHex(hash) });
    left -= leaves;
  }
  return { index, prevHash: String(value.prevHash), edge: new Edge(subtrees) };
}

export interface Recomputed {
  /** The lowest entry that is not as it must be; null if there is none. */
  readonly fault: ChainFault | null;
  readonly size: number;
  readonly lastHash: string;
  /** Roots by size, for the sizes that were asked for. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
}

function faultOf({ entry, bytes, hash, index }: StoredEntry, at: number, prevHash: string): string | null {
  if (index !== at) return index > at ? "an entry is missing" : "an index is used twice";
  if (sha256Hex(bytes) !== hash) return "the stored hash is not that of the entry";
  if (Object.keys(entry).sort().join() !== "event,prev_hash,ts") return "it has other members";
  if (entry.prev_hash !== prevHash) return "prev_hash is not the hash of the entry before";
  // The chain is over the canonical form (ledger.md 1): what was hashed must be it.
  return compareBytes(bytes, new TextEncoder().encode(canonicalize(entry))) === 0
    ? null
    : "it is not stored in canonical form";
}

/** Walks the whole log once, from the anchor on. */
export async function recompute(
  { store, epoch, entries }: DeviceFacts,
  sizes: ReadonlySet<number>,
): Promise<Recomputed> {
  const { index: first, prevHash, edge } = await anchorOf(store, epoch);
  const roots = new Map<number, Uint8Array>();
  let lastHash = prevHash;
  let at = first;
  const note = (): void => {
    if (sizes.has(at)) roots.set(at, edge.root());
  };
  note();
  for (const stored of entries) {
    const why = faultOf(stored, at, lastHash);
    if (why !== null) return { fault: { index: at, why }, size: at, lastHash, roots };
    const nodes = edge.append(sha256(Uint8Array.of(0), stored.bytes));
    if (compareBytes(concat(...nodes), stored.nodes) !== 0)
      return {
        fault: { index: at, why: "a stored hash of the tree is another one" },
        size: at,
        lastHash,
        roots,
      };
    lastHash = stored.hash;
    at++;
    note();
  }
  return { fault: null, size: at, lastHash, roots };
}
