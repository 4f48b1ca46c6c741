import type { StoreRange } from "../../firmware/ports/store.ts";
import { compareKeys, hasSurrogate, storedKey } from "./key-order.ts";

/** Rows of one chunk: an insertion moves at most this many, and a copied chunk copies them. */
const CHUNK_ROWS = 128;

/** Marks who may change a chunk in place. */
interface Owner {
  readonly owner: true;
}
const newOwner = (): Owner => ({ owner: true });

interface Chunk<V> {
  readonly owner: Owner;
  readonly keys: string[];
  readonly values: V[];
}

/** A place in the map: the row `at` of the chunk `chunk`; `at` may be one behind the chunk's last row. */
interface Place {
  readonly chunk: number;
  readonly at: number;
}

/**
 * A map from text to values, ordered by the UTF-8 bytes of the keys: sorted rows in chunks of bounded size.
 * Appending ascending keys costs one comparison; a look-up, an insertion and the start of a range cost a binary search.
 * A clone shares all chunks with its original, and whichever of both writes first copies the chunk it writes to.
 */
export class SortedMap<V> {
  #owner = newOwner();
  #chunks: Chunk<V>[] = [];
  #chunksOwner = this.#owner;
  #size = 0;
  /** True once a key holds a surrogate: then the order of UTF-16 units is not the order of bytes. */
  #wide = false;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const wide = hasSurrogate(key);
    const stored = wide ? storedKey(key) : key;
    const chunk = this.#chunks[this.#chunkOf(stored, wide)];
    if (!chunk) return undefined;
    const at = this.#lowerBound(chunk.keys, stored, wide);
    return chunk.keys[at] === stored ? chunk.values[at] : undefined;
  }

  /** @returns what was there before. */
  set(key: string, value: V): V | undefined {
    const wide = hasSurrogate(key);
    const stored = wide ? storedKey(key) : key;
    if (wide) this.#wide = true;
    if (this.#isBehindAll(stored)) {
      this.#append(stored, value);
      return undefined;
    }
    const index = this.#chunkOf(stored, wide);
    const chunk = this.#writable(index);
    const at = this.#lowerBound(chunk.keys, stored, wide);
    if (chunk.keys[at] === stored) {
      const before = chunk.values[at];
      chunk.values[at] = value;
      return before;
    }
    chunk.keys.splice(at, 0, stored);
    chunk.values.splice(at, 0, value);
    this.#size++;
    if (chunk.keys.length > CHUNK_ROWS) this.#split(index, chunk);
    return undefined;
  }

  /** @returns what was there before. */
  delete(key: string): V | undefined {
    const wide = hasSurrogate(key);
    const stored = wide ? storedKey(key) : key;
    const index = this.#chunkOf(stored, wide);
    const found = this.#chunks[index];
    if (!found) return undefined;
    const at = this.#lowerBound(found.keys, stored, wide);
    if (found.keys[at] !== stored) return undefined;
    const chunk = this.#writable(index);
    const before = chunk.values[at];
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size--;
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1);
    return before;
  }

  /**
   * The first `most` rows of a range in its order. Bounds as LevelDB takes them: `gte` wins over `gt`, `lte` over
   * `lt`; `range.limit` is the caller's business.
   */
  slice(range: StoreRange, most: number): [key: string, value: V][] {
    const from = this.#place(range.gte ?? range.gt, range.gte === undefined, { chunk: 0, at: 0 });
    const to = this.#place(range.lte ?? range.lt, range.lte !== undefined, this.#end());
    const rows: [string, V][] = [];
    if (range.reverse) this.#collectBackwards(from, to, most, rows);
    else this.#collect(from, to, most, rows);
    return rows;
  }

  /** A map of its own with the same rows, in constant time. */
  clone(): SortedMap<V> {
    const copy = new SortedMap<V>();
    copy.#chunks = this.#chunks;
    copy.#size = this.#size;
    copy.#wide = this.#wide;
    this.#owner = newOwner();
    // The list is nobody's now: each side copies it before it changes it.
    copy.#chunksOwner = this.#chunksOwner;
    return copy;
  }

  #isBehindAll(key: string): boolean {
    const chunk = this.#chunks[this.#chunks.length - 1];
    if (!chunk) return true;
    const last = chunk.keys[chunk.keys.length - 1] as string;
    return this.#wide ? compareKeys(last, key) < 0 : last < key;
  }

  #append(key: string, value: V): void {
    const last = this.#chunks.length - 1;
    const full = (this.#chunks[last]?.keys.length ?? CHUNK_ROWS) >= CHUNK_ROWS;
    if (full) {
      this.#ownChunks();
      this.#chunks.push({ owner: this.#owner, keys: [key], values: [value] });
    } else {
      const chunk = this.#writable(last);
      chunk.keys.push(key);
      chunk.values.push(value);
    }
    this.#size++;
  }

  #split(index: number, chunk: Chunk<V>): void {
    const half = chunk.keys.length >> 1;
    const behind = { owner: this.#owner, keys: chunk.keys.splice(half), values: chunk.values.splice(half) };
    this.#chunks.splice(index + 1, 0, behind);
  }

  #ownChunks(): void {
    if (this.#chunksOwner === this.#owner) return;
    this.#chunks = this.#chunks.slice();
    this.#chunksOwner = this.#owner;
  }

  /** The chunk, copied first if a clone shares it. */
  #writable(index: number): Chunk<V> {
    this.#ownChunks();
    const chunk = this.#chunks[index] as Chunk<V>;
    if (chunk.owner === this.#owner) return chunk;
    const copy = { owner: this.#owner, keys: chunk.keys.slice(), values: chunk.values.slice() };
    this.#chunks[index] = copy;
    return copy;
  }

  /** Index of the chunk that holds the key or would take it: the last that begins at or before it. */
  #chunkOf(key: string, wide: boolean): number {
    const chunks = this.#chunks;
    const byUnits = !(wide || this.#wide);
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const first = (chunks[middle] as Chunk<V>).keys[0] as string;
      if (byUnits ? first <= key : compareKeys(first, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }

  /** Index of the first key that is not before `key`. */
  #lowerBound(keys: readonly string[], key: string, wide: boolean): number {
    const byUnits = !(wide || this.#wide);
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = keys[middle] as string;
      if (byUnits ? found < key : compareKeys(found, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #end(): Place {
    const last = this.#chunks.length - 1;
    return last < 0 ? { chunk: 0, at: 0 } : { chunk: last, at: (this.#chunks[last] as Chunk<V>).keys.length };
  }

  /** The first row at or, if `behind`, after the key. */
  #place(key: string | undefined, behind: boolean, otherwise: Place): Place {
    if (key === undefined) return otherwise;
    const wide = hasSurrogate(key);
    const stored = wide ? storedKey(key) : key;
    const index = this.#chunkOf(stored, wide);
    const chunk = this.#chunks[index];
    if (!chunk) return otherwise;
    const at = this.#lowerBound(chunk.keys, stored, wide);
    return { chunk: index, at: behind && chunk.keys[at] === stored ? at + 1 : at };
  }

  #collect(from: Place, to: Place, most: number, rows: [string, V][]): void {
    let at = from.at;
    for (let index = from.chunk; index <= to.chunk && rows.length < most; index++) {
      const chunk = this.#chunks[index];
      if (!chunk) return;
      const end = index === to.chunk ? to.at : chunk.keys.length;
      for (; at < end && rows.length < most; at++)
        rows.push([chunk.keys[at] as string, chunk.values[at] as V]);
      at = 0;
    }
  }

  #collectBackwards(from: Place, to: Place, most: number, rows: [string, V][]): void {
    let at = to.at - 1;
    for (let index = to.chunk; index >= from.chunk && rows.length < most; index--) {
      const chunk = this.#chunks[index];
      if (!chunk) return;
      const end = index === from.chunk ? from.at : 0;
      for (; at >= end && rows.length < most; at--)
        rows.push([chunk.keys[at] as string, chunk.values[at] as V]);
      at = (this.#chunks[index - 1]?.keys.length ?? 0) - 1;
    }
  }
}
