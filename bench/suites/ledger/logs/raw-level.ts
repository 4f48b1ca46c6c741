/** LevelDB alone: the bytes that our ledger writes, without anything that makes them. */
import { join } from "node:path";
import { LevelStore } from "../../../../firmware/adapters/level-store.ts";
import type { Store, StoreOp } from "../../../../firmware/ports/store.ts";
import { MemoryStore } from "../../../../sim/disk/memory-store.ts";
import { openImu } from "./imu.ts";
import type { LogSource } from "./log.ts";

/** Batches that are prepared; after them the same bytes come again under other keys. */
const PREPARED = 64;

/** What our ledger hands to its store for groups of this size. */
async function batchesOf(count: number, withEvidence: boolean): Promise<readonly (readonly StoreOp[])[]> {
  const batches: (readonly StoreOp[])[] = [];
  const memory = new MemoryStore();
  const store: Store = {
    get: (sub, key) => memory.get(sub, key),
    getMany: (sub, keys) => memory.getMany(sub, keys),
    range: (sub, range) => memory.range(sub, range),
    batch: (ops, options) => {
      if (ops.some(({ sub }) => sub === "lg")) batches.push(ops);
      return memory.batch(ops, options);
    },
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
  await using log = await openImu(store, withEvidence);
  for (let i = 0; i < PREPARED; i++) await log.append(count);
  return batches;
}

/** Keys of another lap: as long, and still ascending. */
const inLap = (ops: readonly StoreOp[], lap: number): readonly StoreOp[] =>
  lap === 0 ? ops : ops.map((op) => ({ ...op, key: `${String(lap).padStart(4, "0")}${op.key.slice(4)}` }));

const source = (id: string, title: string, withEvidence: boolean): LogSource => ({
  id,
  title,
  open: async (dir) => {
    const store = await LevelStore.open(join(dir, "db"), { create: true });
    const prepared = new Map<number, Promise<readonly (readonly StoreOp[])[]>>();
    let [lap, next] = [0, 0];
    return {
      append: async (count) => {
        const list = prepared.get(count) ?? batchesOf(count, withEvidence);
        prepared.set(count, list);
        const batches = await list;
        const ops = batches[next] ?? [];
        await store.batch(inLap(ops, lap), { sync: true });
        next = (next + 1) % batches.length;
        if (next === 0) lap++;
      },
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  },
});

export const raw = source("raw", "LevelDB alone: the rows of `imu`, made before; synced", false);
export const rawWithEvidence = source(
  "raw+evidence",
  "LevelDB alone: the rows of `imu+evidence`, made before; synced",
  true,
);
