/** Checkpoint notes of days long past: one a day stays, for ever (ledger.md 11). */

import { RETENTION_LIMITS } from "../core/limits.ts";
import { del, type Store, type StoreOp } from "../ports/store.ts";
import { indexKey, indexOfKey, type Layout } from "./layout.ts";
import { noteTimeKey, progressOf, progressOp, timeOfNote } from "./log-times.ts";
import type { Breathe } from "./retention.ts";

const DAY_MS = 86_400_000;

/**
 * Of every UTC day that ended `RETENTION_LIMITS.noteDays` ago only the largest tree's note stays. What has been thinned
 * is not read again. A note of which nothing tells the time stays.
 * @returns the number of notes removed.
 */
export async function thinNotes(
  store: Store,
  layout: Layout,
  nowMs: number,
  breathe: Breathe,
): Promise<number> {
  const lastDay = Math.floor(nowMs / DAY_MS) - RETENTION_LIMITS.noteDays;
  const from = await progressOf(store, layout, "notes");
  let removed = 0;
  let ops: StoreOp[] = [];
  let held: { readonly size: number; readonly day: number } | null = null;
  const write = async (): Promise<void> => {
    // Only up to the held note: it is compared with the next one of its day.
    if (ops.length > 0)
      await store.batch([...ops, progressOp(layout, "notes", held?.size ?? from)], { sync: false });
    ops = [];
  };
  for await (const [key] of store.range(layout.checkpoints, { gte: indexKey(from) })) {
    await breathe();
    const size = indexOfKey(key);
    const at = size === null ? null : await timeOfNote(store, layout, size);
    if (size === null || at === null) continue;
    const day = Math.floor(at / DAY_MS);
    if (day >= lastDay) break;
    if (held !== null && held.day === day) {
      ops.push(del(layout.checkpoints, indexKey(held.size)), del(layout.times, noteTimeKey(held.size)));
      removed++;
    }
    held = { size, day };
    if (ops.length >= RETENTION_LIMITS.batchRows) await write();
  }
  await write();
  return removed;
}
