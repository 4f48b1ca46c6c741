/** Staging: from a state and events to the rows of one atomic batch and the state that follows. Changes nothing. */
import { toHex, utf8 } from "../core/bytes.ts";
import { sha256 } from "../core/hash.ts";
import { del, put, type StoreOp } from "../ports/store.ts";
import { encodeStored } from "./entry.ts";
import { indexKey, type Layout, SINGLE } from "./layout.ts";
import { type LogState, seal } from "./sealed.ts";
import { leafHash } from "./tree.ts";
import type { EntryReceipt } from "./types.ts";

export interface Staged {
  readonly state: LogState;
  readonly ops: readonly StoreOp[];
  /** One list per unit, in the order of the units. */
  readonly receipts: readonly (readonly EntryReceipt[])[];
}

/** The sealed head row of a state. */
export function headOp(layout: Layout, headKey: Uint8Array, state: LogState): StoreOp {
  const { size, lastHash, lastTs, range } = state;
  const body = { size, lastHash, lastTs, range: range.hashes.map(toHex) };
  return put(layout.head, SINGLE, seal("head", headKey, body));
}

/**
 * @param units the canonical texts of each unit's events.
 * @param ts the time of the entries, ms.
 */
export function stageEntries(
  layout: Layout,
  state: LogState,
  units: readonly (readonly string[])[],
  ts: number,
): Staged {
  const ops: StoreOp[] = [];
  let { size, lastHash, lastTs, range } = state;
  const append = (eventText: string): EntryReceipt => {
    const bytes = utf8(`{"event":${eventText},"prev_hash":"${lastHash}","ts":${ts}}`);
    const hash = sha256(bytes);
    const index = size;
    const nodes: Uint8Array[] = [];
    range = range.append(leafHash(bytes), (node) => node.level > 0 && nodes.push(node.hash));
    ops.push(put(layout.entries, indexKey(index), encodeStored(bytes, hash, nodes)));
    lastHash = toHex(hash);
    lastTs = ts;
    size++;
    return { index, hash: lastHash };
  };
  const receipts = units.map((texts) => texts.map(append));
  return { state: { size, lastHash, lastTs, range }, ops, receipts };
}

/** Removes what a failed batch may have left behind all the same: a failed sync can still have written. */
export function orphanOps(layout: Layout, from: number, end: number): StoreOp[] {
  const ops: StoreOp[] = [];
  for (let index = from; index < end; index++) {
    ops.push(del(layout.entries, indexKey(index)));
  }
  return ops;
}
