/**
 * Times that pruning would otherwise forget. A note carries no time of its own, and when its last entry is gone nothing
 * tells any more how old it is; so the pruning writes that down, with its own time, in the batch of its anchor.
 */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { indexKey, indexOfKey, type Layout } from "./layout.ts";
import { readEntry } from "./log-rows.ts";

const NOTE = "note!";
const PRUNED = "pruned!";

/** `leaves`, `notes`, `verify`: an index or a size; `verified`: wall ms of the last verification of the whole log. */
export type Progress = "leaves" | "notes" | "verify" | "verified";

/** How far a part of housekeeping has come; 0 if it has not begun or the row is damaged. */
export async function progressOf(store: Store, layout: Layout, of: Progress): Promise<number> {
  return (await readNumber(store, layout, `at!${of}`)) ?? 0;
}

export const progressOp = (layout: Layout, of: Progress, value: number): StoreOp =>
  put(layout.times, `at!${of}`, encodeCbor(value));

export const noteTimeKey = (size: number): string => `${NOTE}${indexKey(size)}`;

async function readNumber(store: Store, layout: Layout, key: string): Promise<number | null> {
  const row = await store.get(layout.times, key);
  return row === undefined ? null : numberIn(row);
}

/** Retention must not stop at a damaged row of its own: it then knows less, and keeps more. */
function numberIn(row: Uint8Array): number | null {
  try {
    const value = decodeCbor(row);
    return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : null;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

/** Wall ms of the last entry under a note, which is when it was signed or a little before; null if nothing tells. */
export async function timeOfNote(store: Store, layout: Layout, size: number): Promise<number | null> {
  const entry = size > 0 ? await readEntry(store, layout, size - 1) : null;
  return entry?.read?.entry.ts ?? readNumber(store, layout, noteTimeKey(size));
}

/** Rows for the anchor's batch: the times of the notes over what is pruned, and that it was pruned now. */
export async function pruningTimes(
  store: Store,
  layout: Layout,
  range: { readonly from: number; readonly to: number; readonly nowMs: number },
): Promise<StoreOp[]> {
  const ops: StoreOp[] = [put(layout.times, `${PRUNED}${indexKey(range.to)}`, encodeCbor(range.nowMs))];
  const bounds = { gt: indexKey(range.from), lte: indexKey(range.to) };
  for await (const [key] of store.range(layout.checkpoints, bounds)) {
    const size = indexOfKey(key);
    const at = size === null ? null : await timeOfNote(store, layout, size);
    if (size !== null && at !== null) ops.push(put(layout.times, noteTimeKey(size), encodeCbor(at)));
  }
  return ops;
}

/** One past the last entry whose body was pruned at `ms` or earlier; 0 if none was. */
export async function prunedUntil(store: Store, layout: Layout, ms: number): Promise<number> {
  let until = 0;
  for await (const [key, row] of store.range(layout.times, { gte: PRUNED, lt: `${PRUNED}:` })) {
    const at = numberIn(row);
    if (at !== null && at <= ms) until = indexOfKey(key.slice(PRUNED.length)) ?? until;
  }
  return until;
}
