/** Leaf hashes of bodies pruned long ago: the roots of full tiles and all above stay (ledger.md 11). */
import { del, type Store, type StoreOp } from "../ports/store.ts";
import { indexKey, indexOfKey, type Layout, nodeKey } from "./layout.ts";
import { progressOf, progressOp } from "./log-times.ts";
import { type Breathe, TILE } from "./retention.ts";

/** Levels inside a tile: the root of a full tile of 256 leaves is the node of level 8. */
const TILE_LEVELS = 8;

/** The nodes of a tile that inclusion proofs of its kept entries need: the siblings on their way to the tile's root. */
async function neededBy(store: Store, layout: Layout, tile: number): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  const bounds = { gte: indexKey(tile), lt: indexKey(tile + TILE) };
  for await (const [key] of store.range(layout.kept, bounds)) {
    const index = indexOfKey(key);
    if (index === null) continue;
    for (let level = 0; level < TILE_LEVELS; level++) {
      needed.add(nodeKey({ level, index: Math.floor(index / 2 ** level) ^ 1 }));
    }
  }
  return needed;
}

/**
 * Drops the nodes inside whole tiles below `below`, but those that kept entries need. One batch a tile, each complete
 * in itself and with the place it has come to, so that a stop in between costs nothing.
 * @returns the number of tiles dropped.
 */
export async function dropLeaves(
  store: Store,
  layout: Layout,
  below: number,
  breathe: Breathe,
): Promise<number> {
  let tiles = 0;
  let tile = await progressOf(store, layout, "leaves");
  for (; tile + TILE <= below; tile += TILE) {
    await breathe();
    const needed = await neededBy(store, layout, tile);
    const ops: StoreOp[] = [progressOp(layout, "leaves", tile + TILE)];
    for (let level = 0; level < TILE_LEVELS; level++) {
      const first = tile / 2 ** level;
      for (let index = first; index < first + TILE / 2 ** level; index++) {
        const key = nodeKey({ level, index });
        if (!needed.has(key)) ops.push(del(layout.nodes, key));
      }
    }
    await store.batch(ops, { sync: false });
    tiles++;
  }
  return tiles;
}
