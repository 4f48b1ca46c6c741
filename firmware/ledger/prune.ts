/** Deleting the bodies of pruned entries; leaf hashes and the kept kinds stay provable (ledger.md 11). */
import { fromHex, toHex } from "../core/bytes.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";
import { encodeStored, readStored } from "./entry.ts";
import { isKeptForever } from "./kinds.ts";
import { indexKey, indexOfKey, type Layout, SINGLE } from "./layout.ts";
import type { Breathe } from "./retention.ts";
import { seal } from "./sealed.ts";
import { endAt, nodeOps } from "./stored-nodes.ts";
import type { VerifyAnchor } from "./verify.ts";

/**
 * The anchor at `index`, from stored nodes and the entry before it.
 * @returns null if one of them is gone or damaged: such a log must be repaired, not pruned.
 */
export async function anchorAt(store: Store, layout: Layout, index: number): Promise<VerifyAnchor | null> {
  const end = await endAt(store, layout, index);
  return end && { index, prevHash: end.last.hash, range: end.range };
}

export function anchorOp(layout: Layout, headKey: Uint8Array, anchor: VerifyAnchor): StoreOp {
  const { index, prevHash, range } = anchor;
  return put(
    layout.anchor,
    SINGLE,
    seal("anchor", headKey, { index, prevHash, range: range.hashes.map(toHex) }),
  );
}

/**
 * Deletes the bodies below an anchor that is already durable; copies of kept kinds and the hashes that lay with the
 * bodies stay. Each batch is
 * complete in itself, so that a stop in between is finished by calling this again; that is why none of them is synced.
 * @returns the number of bodies deleted.
 */
export async function dropBodies(
  store: Store,
  layout: Layout,
  below: number,
  breathe: Breathe = () => Promise.resolve(),
): Promise<number> {
  let dropped = 0;
  for (;;) {
    const ops: StoreOp[] = [];
    let rows = 0;
    for await (const [key, row] of store.range(layout.entries, {
      lt: indexKey(below),
      limit: LEDGER_LIMITS.pruneBatch,
    })) {
      const read = readStored(row);
      if (read !== null && isKeptForever(read.entry.event.kind)) {
        const { bytes, storedHash } = read;
        ops.push(put(layout.kept, key, encodeStored(bytes, fromHex(storedHash))));
      }
      const index = indexOfKey(key);
      if (index !== null) ops.push(...nodeOps(layout, index, row));
      ops.push(del(layout.entries, key));
      rows++;
      await breathe();
    }
    if (rows === 0) return dropped;
    await store.batch(ops, { sync: false });
    dropped += rows;
  }
}
