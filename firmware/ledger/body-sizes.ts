/** How many bytes the bodies of a log take, by tile: read once, then only what is new. */
import type { Store } from "../ports/store.ts";
import { indexKey, indexOfKey, type Layout } from "./layout.ts";
import { type Breathe, TILE } from "./retention.ts";

export class BodySizes {
  readonly #store: Store;
  readonly #layout: Layout;
  /** Bytes by first index of the tile, in order. */
  readonly #tiles = new Map<number, number>();
  #next = 0;
  #total = 0;

  constructor(store: Store, layout: Layout) {
    this.#store = store;
    this.#layout = layout;
  }

  /** Bytes of keys and rows. */
  get total(): number {
    return this.#total;
  }

  /** Counts what was appended and forgets what was pruned since the last time. */
  async update(minIndex: number, size: number, breathe: Breathe): Promise<void> {
    for (const [from, bytes] of this.#tiles) {
      if (from + TILE > minIndex) break;
      this.#tiles.delete(from);
      this.#total -= bytes;
    }
    const bounds = { gte: indexKey(Math.max(this.#next, minIndex)), lt: indexKey(size) };
    for await (const [key, row] of this.#store.range(this.#layout.entries, bounds)) {
      const index = indexOfKey(key);
      if (index === null) continue;
      const from = index - (index % TILE);
      const bytes = key.length + row.length;
      this.#tiles.set(from, (this.#tiles.get(from) ?? 0) + bytes);
      this.#total += bytes;
      this.#next = index + 1;
      await breathe();
    }
  }

  /** The first index of the newest whole tiles that take at most `maxBytes`. */
  firstWithin(maxBytes: number): number {
    let left = this.#total;
    for (const [from, bytes] of this.#tiles) {
      if (left <= maxBytes) return from;
      left -= bytes;
    }
    return this.#next;
  }
}
