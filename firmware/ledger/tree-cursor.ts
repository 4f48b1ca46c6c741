/** The stored hashes of the tree beside the entries: each level comes in index order, so one pass over each is enough. */
import { pagesOf, type Store, type StoreRow } from "../ports/store.ts";
import { indexKey, type Layout } from "./layout.ts";

const LEVEL_DIGITS = 2;

/** Digits of a key behind its level, as a number; −1 for a key of another form. */
function indexBehind(key: string, at: number): number {
  if (key.length !== at + 12) return -1;
  let index = 0;
  for (let i = at; i < key.length; i++) {
    const digit = key.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    index = index * 10 + digit;
  }
  return index;
}

/** One level of the tree from some index on. What is asked for must not go back. */
class LevelCursor implements AsyncDisposable {
  readonly #pages: AsyncIterator<readonly StoreRow[]>;
  #page: readonly StoreRow[] = [];
  #at = 0;
  #isOver = false;

  constructor(store: Store, layout: Layout, level: number, from: number) {
    const prefix = `${String(level).padStart(LEVEL_DIGITS, "0")}!`;
    const range = { gte: `${prefix}${indexKey(from)}`, lt: `${prefix}:` };
    this.#pages = pagesOf(store, layout.nodes, range)[Symbol.asyncIterator]();
  }

  /** The hash at this index, null if none is stored; undefined if the next page must be read first. */
  at(index: number): Uint8Array | null | undefined {
    for (; this.#at < this.#page.length; this.#at++) {
      const row = this.#page[this.#at];
      const found = row === undefined ? -1 : indexBehind(row[0], LEVEL_DIGITS + 1);
      if (found === index) return row?.[1];
      if (found > index) return null;
    }
    return this.#isOver ? null : undefined;
  }

  async read(): Promise<void> {
    const result = await this.#pages.next();
    this.#isOver = result.done === true;
    this.#page = result.done === true ? [] : result.value;
    this.#at = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pages.return?.();
  }
}

export class TreeCursor implements AsyncDisposable {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #from: number;
  readonly #levels: LevelCursor[] = [];

  /** @param from the first entry that will be asked about. */
  constructor(store: Store, layout: Layout, from: number) {
    this.#store = store;
    this.#layout = layout;
    this.#from = from;
  }

  #level(level: number): LevelCursor {
    const first = Math.floor(this.#from / 2 ** level);
    const cursor = this.#levels[level] ?? new LevelCursor(this.#store, this.#layout, level, first);
    this.#levels[level] = cursor;
    return cursor;
  }

  async #hash(level: number, index: number): Promise<Uint8Array | null> {
    const cursor = this.#level(level);
    for (;;) {
      const hash = cursor.at(index);
      if (hash !== undefined) return hash;
      await cursor.read();
    }
  }

  /** The stored leaf hash, null if there is none. Waits only where a page must be read. */
  leaf(index: number): Uint8Array | null | Promise<Uint8Array | null> {
    const hash = this.#level(0).at(index);
    return hash === undefined ? this.#hash(0, index) : hash;
  }

  /** Stored hashes of the subtrees that the leaf at `index` completes, level 1 upwards; null for one that is gone. */
  above(index: number): readonly (Uint8Array | null)[] | Promise<readonly (Uint8Array | null)[]> {
    if (index % 2 === 0) return NONE;
    const hashes: (Uint8Array | null)[] = [];
    for (let level = 1, at = index; at % 2 === 1; level++) {
      at = (at - 1) / 2;
      const hash = this.#level(level).at(at);
      if (hash === undefined) return this.#above(index);
      hashes.push(hash);
    }
    return hashes;
  }

  async #above(index: number): Promise<readonly (Uint8Array | null)[]> {
    const hashes: (Uint8Array | null)[] = [];
    for (let level = 1, at = index; at % 2 === 1; level++) {
      at = (at - 1) / 2;
      hashes.push(await this.#hash(level, at));
    }
    return hashes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const level of this.#levels) await level?.[Symbol.asyncDispose]();
  }
}

const NONE: readonly (Uint8Array | null)[] = [];
