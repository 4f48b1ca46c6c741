/**
 * The hashes of the tree as they are stored: with the entry that completes the subtree while its body is there, in rows of
 * their own once it is pruned (ledger.md 3, 11).
 */
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { HASH_BYTES, type ReadEntry, readStored, type StoredParts, unframe } from "./entry.ts";
import { indexKey, type Layout, nodeKey } from "./layout.ts";
import { CompactRange, leafHash, type NodeId, nodesOf } from "./tree.ts";
import type { NodeSource } from "./tree-proof.ts";

/** The last leaf of a subtree. */
const lastLeafOf = ({ level, index }: NodeId): number => (index + 1) * 2 ** level - 1;

/** The hash of the subtree of this level that ends with the entry. */
function nodeIn({ bytes, nodes }: StoredParts, level: number): Uint8Array | undefined {
  if (level === 0) return leafHash(bytes);
  const at = (level - 1) * HASH_BYTES;
  return at + HASH_BYTES <= nodes.length ? nodes.subarray(at, at + HASH_BYTES) : undefined;
}

/** The hashes of complete subtrees as stored; what cannot be read counts as absent. */
export const nodeSource =
  (store: Store, layout: Layout): NodeSource =>
  async (ids) => {
    const rows = await store.getMany(
      layout.entries,
      ids.map((id) => indexKey(lastLeafOf(id))),
    );
    const hashes = ids.map(({ level }, i) => {
      const parts = rows[i] && unframe(rows[i]);
      return parts ? nodeIn(parts, level) : undefined;
    });
    const pruned = ids.filter((_, i) => hashes[i] === undefined);
    if (pruned.length === 0) return hashes;
    const kept = (await store.getMany(layout.nodes, pruned.map(nodeKey))).values();
    return hashes.map((hash) => hash ?? hashRow(kept.next().value));
  };

const hashRow = (row: Uint8Array | undefined): Uint8Array | undefined =>
  row?.length === HASH_BYTES ? row : undefined;

/** Rows for the hashes that go with an entry when its body is deleted; none for a row that is not an entry. */
export function nodeOps(layout: Layout, index: number, row: Uint8Array): readonly StoreOp[] {
  const parts = unframe(row);
  if (parts === null) return [];
  const ops: StoreOp[] = [];
  for (let level = 0, at = index; ; level++, at = (at - 1) / 2) {
    const hash = nodeIn(parts, level);
    if (hash === undefined) return ops;
    ops.push(put(layout.nodes, nodeKey({ level, index: at }), hash));
    // A left half completes nothing above itself, whatever a damaged row says.
    if (at % 2 === 0) return ops;
  }
}

/** The compact range of the first `size` leaves from stored nodes, null if a node is missing. @throws CodedError of the store. */
export async function storedRange(store: Store, layout: Layout, size: number): Promise<CompactRange | null> {
  const hashes: Uint8Array[] = [];
  for (const hash of await nodeSource(store, layout)(nodesOf(0, size))) {
    if (hash === undefined) return null;
    hashes.push(hash);
  }
  return CompactRange.of(size, hashes);
}

/** The last of the first `size` entries, and the tree that it completes. */
export interface LogEnd {
  readonly range: CompactRange;
  readonly last: ReadEntry;
}

/**
 * @param size at least 1.
 * @returns null if a node before the last entry or the entry itself is gone or damaged.
 * @throws CodedError of the store.
 */
export async function endAt(store: Store, layout: Layout, size: number): Promise<LogEnd | null> {
  const before = await storedRange(store, layout, size - 1);
  const row = await store.get(layout.entries, indexKey(size - 1));
  const last = row === undefined ? null : readStored(row);
  if (before === null || last === null || last.hash !== last.storedHash) return null;
  return { range: before.append(leafHash(last.bytes)), last };
}
